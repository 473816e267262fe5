/* SPDX-License-Identifier: MIT */
#include "guest/console.h"
#include "base/lib.h"
#include "base/log.h"
#include "config.h"
#include <hw/shared.h>

static void flush(struct guest_console *c, const char *name)
{
	char out[CONFIG_NAME + CONSOLE_LINE + 4];

	c->line[c->count] = 0;
	c->count = 0;
	log_text(out, (size_t)fmt_text(out, sizeof(out), "%s: %s\n", name, c->line));
}

/* Among other lines nothing that a guest prints may look like a control sequence to the terminal.
 * Who selects its console wants them. */
static bool printable(char byte)
{
	return (byte >= ' ' && byte <= '~') || byte == '\t';
}

static void add_to_line(struct guest_console *c, const char *name, char byte)
{
	if (byte == '\n') {
		flush(c, name);
		return;
	}
	if (byte == '\r')
		return;
	c->line[c->count++] = printable(byte) ? byte : '?';
	if (c->count == CONSOLE_LINE - 1)
		flush(c, name);
}

void guest_console_write(struct guest_console *c, const char *name, const char *text, size_t bytes)
{
	spin_lock(&c->lock);
	for (size_t i = 0; i < bytes; i++) {
		c->recent[c->recent_end++ % CONSOLE_RECENT] = text[i];
		if (c->show == CONSOLE_LINES)
			add_to_line(c, name, text[i]);
	}
	if (c->show == CONSOLE_RAW)
		log_text(text, bytes);
	spin_unlock(&c->lock);
}

int guest_console_read(struct guest_console *c)
{
	int byte = -1;

	spin_lock(&c->lock);
	if (c->typed_begin != c->typed_end)
		byte = (uint8_t)c->typed[c->typed_begin++ % CONSOLE_TYPED];
	spin_unlock(&c->lock);
	return byte;
}

bool guest_console_has_input(const struct guest_console *c)
{
	return shared_load32(&c->typed_begin) != shared_load32(&c->typed_end);
}

bool guest_console_type(struct guest_console *c, char byte)
{
	spin_lock(&c->lock);
	bool room = c->typed_end - c->typed_begin < CONSOLE_TYPED;

	if (room)
		c->typed[c->typed_end++ % CONSOLE_TYPED] = byte;
	spin_unlock(&c->lock);
	return room;
}

static void show_recent(const struct guest_console *c)
{
	uint32_t bytes = c->recent_end < CONSOLE_RECENT ? c->recent_end : CONSOLE_RECENT;

	for (uint32_t at = c->recent_end - bytes; at != c->recent_end; at++)
		log_text(&c->recent[at % CONSOLE_RECENT], 1);
}

void guest_console_show(struct guest_console *c, const char *name, enum console_show show)
{
	spin_lock(&c->lock);
	/* What began as a line ends as one. */
	if (c->show == CONSOLE_LINES && c->count)
		flush(c, name);
	if (show == CONSOLE_RAW && c->show != CONSOLE_RAW)
		show_recent(c);
	c->show = show;
	spin_unlock(&c->lock);
}
