/* SPDX-License-Identifier: MIT */
#include "guest/console.h"
#include "base/lib.h"
#include "base/log.h"
#include "config.h"

static void flush(struct guest_console *c, const char *name)
{
	char out[CONFIG_NAME + CONSOLE_LINE + 4];

	c->line[c->count] = 0;
	c->count = 0;
	log_text(out, (size_t)fmt_text(out, sizeof(out), "%s: %s\n", name, c->line));
}

/* Nothing that a guest prints may look like a control sequence to the terminal. */
static bool printable(char byte)
{
	return (byte >= ' ' && byte <= '~') || byte == '\t';
}

void guest_console_write(struct guest_console *c, const char *name, const char *text, size_t bytes)
{
	spin_lock(&c->lock);
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n') {
			flush(c, name);
			continue;
		}
		if (text[i] == '\r')
			continue;
		c->line[c->count++] = printable(text[i]) ? text[i] : '?';
		if (c->count == CONSOLE_LINE - 1)
			flush(c, name);
	}
	spin_unlock(&c->lock);
}
