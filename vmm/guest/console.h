/* SPDX-License-Identifier: MIT */
/* What a guest prints: whole lines into the host's log, each with the VM's name. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include "base/spinlock.h"
#include "base/types.h"

#define CONSOLE_LINE 200

struct guest_console {
	struct spinlock lock; /* rank below LOG: held while a line is logged */
	uint32_t count;       /* (lock) */
	char line[CONSOLE_LINE];
};

/* A line that gets too long is broken. */
void guest_console_write(struct guest_console *c, const char *name, const char *text, size_t bytes);

#endif
