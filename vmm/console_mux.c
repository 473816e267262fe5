/* SPDX-License-Identifier: MIT */
#include "console_mux.h"

static enum mux_action select(struct console_mux *m, uint32_t which, uint32_t vm_count)
{
	if (which > vm_count)
		return MUX_NO_VM;
	m->selected = which;
	return MUX_SELECTED;
}

static enum mux_action command(struct console_mux *m, uint32_t vm_count, char byte)
{
	switch (byte) {
	case MUX_ESCAPE:
		return MUX_BYTE;
	case 'h':
	case '0':
		return select(m, MUX_HOST, vm_count);
	case 'n':
		return select(m, m->selected == vm_count ? MUX_HOST : m->selected + 1, vm_count);
	case 'p':
		return select(m, m->selected == MUX_HOST ? vm_count : m->selected - 1, vm_count);
	case '?':
		return MUX_ASKED;
	default:
		if (byte >= '1' && byte <= '9')
			return select(m, (uint32_t)(byte - '0'), vm_count);
		return MUX_NOTHING;
	}
}

enum mux_action console_mux_input(struct console_mux *m, uint32_t vm_count, char byte)
{
	if (m->escaped) {
		m->escaped = false;
		return command(m, vm_count, byte);
	}
	m->escaped = byte == MUX_ESCAPE;
	return m->escaped ? MUX_NOTHING : MUX_BYTE;
}
