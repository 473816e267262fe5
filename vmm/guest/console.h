/* SPDX-License-Identifier: MIT */
/*
 * A VM's console: what the guest prints, and what is typed to it. Which of the consoles has the
 * serial line is the mux's affair (vmm/console.c); it tells each how to show itself:
 *   LINES  whole lines into the host's log, each with the VM's name
 *   RAW    byte by byte as they come: this one is selected
 *   QUIET  not at all: another one is selected
 * In any of them the last bytes are kept, and shown when the console is selected.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include "base/spinlock.h"
#include "base/types.h"

#define CONSOLE_LINE   200
#define CONSOLE_RECENT 2048 /* kept for who selects it; a power of two */
#define CONSOLE_TYPED  256  /* not read by the guest yet; a power of two */

enum console_show { CONSOLE_LINES, CONSOLE_RAW, CONSOLE_QUIET };

struct guest_console {
	struct spinlock lock;   /* rank below LOG: held while a line is logged */
	enum console_show show; /* (lock) */
	uint32_t count;         /* (lock) of line */
	char line[CONSOLE_LINE];
	uint32_t recent_end; /* (lock) bytes ever put into recent */
	char recent[CONSOLE_RECENT];
	uint32_t typed_begin, typed_end; /* (lock) bytes ever taken out of and put into typed */
	char typed[CONSOLE_TYPED];
};

/* A line that gets too long is broken. */
void guest_console_write(struct guest_console *c, const char *name, const char *text, size_t bytes);
/* The next byte that was typed, or -1. */
int guest_console_read(struct guest_console *c);
/* Is there one? Without a lock: for the status of a virtual UART. */
bool guest_console_has_input(const struct guest_console *c);

/* For the mux. False: the guest doesn't read, and the byte is dropped. */
bool guest_console_type(struct guest_console *c, char byte);
/* Changes how it is shown; when that becomes RAW, the recent bytes come first. */
void guest_console_show(struct guest_console *c, const char *name, enum console_show show);

#endif
