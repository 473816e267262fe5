/* SPDX-License-Identifier: MIT */
/* What a kernel's file wants to have in memory: its pieces and its entry, checked before anything
 * is written. The file and whatever was read out of it are not trusted. */
#ifndef GUEST_IMAGE_H
#define GUEST_IMAGE_H

#include "base/err.h"
#include "guest/guest_file.h"

struct vm;

#define IMAGE_SEGMENTS 32
#define IMAGE_NOWHERE  UINT64_MAX

struct segment {
	uint64_t at, memory_bytes;    /* guest-physical; what the file doesn't fill is 0 */
	uint64_t file_at, file_bytes; /* of the file */
};

struct image {
	struct guest_file file;
	uint64_t memory_bytes; /* the VM's */
	struct segment segments[IMAGE_SEGMENTS];
	uint32_t count;
	uint32_t entry; /* guest-physical */
};

/* ERR_INVALID: it isn't all in the file and in RAM below the hole (memory_map.h), or meets another
 * one; *why says what. */
err_t image_add(struct image *image, struct segment segment, const char **why) MUST_USE;
/* Does a segment have that byte? */
bool image_has(const struct image *image, uint64_t at);
/* The lowest page from `from` on where so many bytes of RAM are free; IMAGE_NOWHERE: none. */
uint64_t image_gap(const struct image *image, uint64_t from, uint64_t bytes);
/* Behind its last byte. */
uint64_t image_end(const struct image *image);
/* A file that is its own picture in memory. */
err_t image_flat(struct image *image, uint32_t load_at, uint32_t entry, const char **why) MUST_USE;
/* Into the VM's memory, which is zero. */
bool image_write(const struct image *image, struct vm *vm) MUST_USE;

#endif
