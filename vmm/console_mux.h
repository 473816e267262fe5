/* SPDX-License-Identifier: MIT */
/*
 * Who gets what is typed at the serial line: the monitor, or the VM whose console is selected. An
 * escape key and one more switch between them. Pure: no hardware, no VMs; console.c acts on it.
 */
#ifndef VMM_CONSOLE_MUX_H
#define VMM_CONSOLE_MUX_H

#include "base/types.h"

#define MUX_ESCAPE     0x1d /* Ctrl-] */
#define MUX_ESCAPE_KEY "Ctrl-]"
#define MUX_HELP                                                                                   \
	MUX_ESCAPE_KEY " then h: host log and monitor; 1 to 9: console of that VM; n, p: next, "   \
		       "previous; " MUX_ESCAPE_KEY ": the key itself; ?: this line"

#define MUX_HOST 0 /* selected: 0 the host, 1.. a VM by number */

struct console_mux {
	uint32_t selected;
	bool escaped; /* the escape key came, and nothing since */
};

enum mux_action {
	MUX_NOTHING,
	MUX_BYTE,     /* for who is selected */
	MUX_SELECTED, /* another one is selected now */
	MUX_ASKED,    /* for help */
	MUX_NO_VM,    /* a VM that isn't there */
};

/* VMs have the numbers 1 to vm_count. */
enum mux_action console_mux_input(struct console_mux *m, uint32_t vm_count, char byte);

#endif
