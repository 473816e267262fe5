/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "lib.h"
#include "spinlock.h"
#include "types.h"

#define LINE_BYTES  512
#define LATE_BYTES  8192
#define PIECE_BYTES 12 /* with two line ends no more than the 16 that a UART takes at once */

static struct spinlock lock; /* rank LOG */
static log_sink_t sinks[4];  /* filled at boot, before other CPUs run */
static unsigned sink_count;
static enum log_level max_level = LOG_INFO;
static bool mid_line; /* (lock) a selected guest's console has written a part of a line */

/* Whole lines that no sink has yet. Places count up and wrap; who writes only reads where it is
 * read, and the other way round. */
static struct spinlock late_lock; /* rank LOG; never together with the other */
static char late[LATE_BYTES];     /* written: (late_lock), read: (lock) */
static uint32_t late_in;          /* (late_lock), read by all */
static uint32_t late_out;         /* (lock), read by all */
static uint32_t late_lost;        /* (late_lock) lines without room */
static bool mid_late;             /* (lock) a part of one of them is written */

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

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Of the late lines, most bytes at most. Lock held. */
static void write_late(uint32_t most)
{
	uint32_t in = __atomic_load_n(&late_in, __ATOMIC_ACQUIRE), out = late_out;

	if (in != out && mid_line && !mid_late)
		write_all("\n", 1);
	while (in != out && most) {
		uint32_t at = out % LATE_BYTES;
		uint32_t bytes = least(least(in - out, most), LATE_BYTES - at);

		write_all(late + at, bytes);
		mid_late = mid_line;
		out += bytes;
		most -= bytes;
	}
	__atomic_store_n(&late_out, out, __ATOMIC_RELEASE);
}

/* Before anything else is written, so that lines are whole and in order. Lock held. */
static void catch_up(void)
{
	write_late(LATE_BYTES);
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
	catch_up();
	if (mid_line)
		write_all("\n", 1);
	write_all(line, length);
	spin_unlock(&lock);
}

static void append(const char *line, uint32_t bytes)
{
	spin_lock(&late_lock);
	uint32_t at = late_in % LATE_BYTES, first = least(bytes, LATE_BYTES - at);
	bool fits = bytes <= LATE_BYTES - (late_in - __atomic_load_n(&late_out, __ATOMIC_ACQUIRE));

	if (fits) {
		memcpy(late + at, line, first);
		memcpy(late, line + first, bytes - first);
		__atomic_store_n(&late_in, late_in + bytes, __ATOMIC_RELEASE);
	}
	late_lost += !fits;
	spin_unlock(&late_lock);
}

void log_later(const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;

	if (max_level < LOG_WARN)
		return;
	va_start(ap, fmt);
	append(line, (uint32_t)make_line(line, "warning: ", fmt, ap));
	va_end(ap);
}

static bool late_left(void)
{
	return __atomic_load_n(&late_in, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&late_out, __ATOMIC_RELAXED);
}

bool log_step(void)
{
	if (late_left() && spin_trylock(&lock)) {
		write_late(PIECE_BYTES);
		spin_unlock(&lock);
	}
	if (!late_left() && late_lost) {
		spin_lock(&late_lock);
		uint32_t lost = late_lost;

		late_lost = 0;
		spin_unlock(&late_lock);
		log_later("%u lines left out: too many at once", lost);
	}
	return late_left();
}

void log_text(const char *text, size_t bytes)
{
	spin_lock(&lock);
	catch_up();
	write_all(text, bytes);
	spin_unlock(&lock);
}

void log_vpanic(const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	size_t length = make_line(line, "PANIC: ", fmt, ap);

	/* The holder may be a CPU that was just stopped, or this one. */
	lock = SPINLOCK_INIT;
	catch_up();
	write_all("\n", 1); /* the panic starts a line of its own */
	write_all(line, length);
}
