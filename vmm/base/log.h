/* SPDX-License-Identifier: MIT */
/* The host log. Sinks (serial, framebuffer) are registered by main; before that, and
 * in host tests, it goes where log_write() of that build sends it. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sinks get whole chunks of text; they may not log. At most 4. */
typedef void (*log_sink_t)(const char *text, size_t bytes);
void log_add_sink(log_sink_t sink);
void log_set_level(enum log_level level);

/* One line; the newline is added. Formats: %s %c %d %i %u %x %X %p %% with l, ll, z and
 * widths with 0. Takes the log lock (the highest rank), never blocks otherwise; but a serial line
 * takes 87 us for a byte, 10 ms for a line. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Raw text, no level, no newline added (guest consoles, reports). */
void log_text(const char *text, size_t bytes);
/* A warning from where others wait: where interrupts and exits are handled. It takes no time, since
 * it is only put down; the next one to write anything writes it first, or log_step() does, piece by
 * piece. */
void log_later(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* By the slow timer: as much as a UART takes without a wait. True: more is left, and in LOG_STEP_US
 * there is room for it. */
#define LOG_STEP_US 2000
bool log_step(void);
/* For panic: breaks the lock. */
void log_vpanic(const char *fmt, va_list ap);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
