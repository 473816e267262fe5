/* SPDX-License-Identifier: MIT */
/* Pieces of text and the values in them, for config.c. No state, no messages. */
#ifndef VMM_CONFIG_VALUES_H
#define VMM_CONFIG_VALUES_H

#include "config.h"

/* A piece of the file: not terminated. */
struct span {
	const char *text;
	size_t bytes;
};

bool span_is(struct span s, const char *word);
bool span_ends(struct span s, char c);
struct span span_trim(struct span s);
/* Takes the part before the first delimiter off *rest; all of it when there is none. */
struct span span_cut(struct span *rest, char delimiter);
/* For "%.*s" in messages: what would fill the screen is cut. */
int span_shown(struct span s);

/* Hexadecimal, max_digits at most; false unless it is one, up to last. */
bool value_hex(struct span s, size_t max_digits, uint64_t last, uint64_t *value);
/* Decimal, whole span; false unless first <= value <= last. */
bool value_number(struct span s, uint64_t first, uint64_t last, uint64_t *value);
/* Decimal with K, M or G. */
bool value_bytes(struct span s, uint64_t *bytes);
/* The same, or hexadecimal with 0x; below 4 GiB. */
bool value_address(struct span s, uint32_t *address);
/* The index of a word in a NULL-terminated list, or -1. */
int value_word(struct span s, const char *const words[]);
/* "a, b or c" of a NULL-terminated list, for messages. */
void words_text(char *text, size_t bytes, const char *const words[]);
/* A path of folders and a file below the folder of reveille.cfg: letters, digits and ._+~-, no
 * leading '/', no "..". Copied with its end; false: bad, or bytes are not enough. */
bool value_path(struct span s, char *path, size_t bytes);
/* "2, 1, 64*0": numbers up to last, and perhaps "any" (CONFIG_CPU_ANY); at most max of them.
 * Returns how many; 0: bad. */
enum list_any { LIST_NUMBERS, LIST_NUMBERS_OR_ANY };
uint32_t value_list(struct span s, uint8_t *list, uint32_t max, uint64_t last, enum list_any any);
/* config_device.c: 00:03.0, 8086:10c9#0 or pci/00:1c.0/00.0 */
bool value_device(struct span s, struct config_device *device);

#endif
