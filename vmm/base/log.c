/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "lib.h"
#include "spinlock.h"
#include "types.h"

#define LINE_BYTES 512

static struct spinlock lock; /* rank LOG */
static log_sink_t sinks[4];  /* filled at boot, before other CPUs run */
static unsigned sink_count;
static enum log_level max_level = LOG_INFO;
static bool mid_line; /* (lock) a selected guest's console has written a part of a line */

void log_add_sink(log_sink_t sink)
{
	if (sink_count < ARRAY_COUNT(sinks))
		sinks[sink_count++] = sink;
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

static void write_all(const char *text, size_t bytes)
{
	for (unsigned i = 0; i < sink_count; i++)
		sinks[i](text, bytes);
	if (bytes)
		mid_line = text[bytes - 1] != '\n';
}

/* One chunk for the sinks: prefix, text, newline; what is too long is cut. */
static size_t make_line(char *line, const char *prefix, const char *fmt, va_list ap)
{
	size_t at = (size_t)fmt_text(line, LINE_BYTES, "%s", prefix);
	size_t length = at + (size_t)fmt_textv(line + at, LINE_BYTES - 1 - at, fmt, ap);

	if (length > LINE_BYTES - 2)
		length = LINE_BYTES - 2;
	line[length++] = '\n';
	return length;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = { "error: ", "warning: ", "", "debug: " };
	char line[LINE_BYTES];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	size_t length = make_line(line, prefix[level], fmt, ap);
	va_end(ap);
	spin_lock(&lock);
	if (mid_line)
		write_all("\n", 1);
	write_all(line, length);
	spin_unlock(&lock);
}

void log_text(const char *text, size_t bytes)
{
	spin_lock(&lock);
	write_all(text, bytes);
	spin_unlock(&lock);
}

void log_vpanic(const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	size_t length = make_line(line, "PANIC: ", fmt, ap);

	/* The holder may be a CPU that was just stopped, or this one. */
	lock = SPINLOCK_INIT;
	write_all("\n", 1); /* the panic starts a line of its own */
	write_all(line, length);
}
