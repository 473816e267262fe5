/* SPDX-License-Identifier: MIT */
/* The few library functions of a freestanding program. */
#ifndef BASE_LIB_H
#define BASE_LIB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memset(void *dst, int byte, size_t bytes);
void *memcpy(void *restrict dst, const void *restrict src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);

/* printf's subset of log.h into buf; always terminated; returns what would have been written.
 * Named apart from libc's so that host tests can link both. */
int fmt_text(char *buf, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int fmt_textv(char *buf, size_t bytes, const char *fmt, va_list ap);

#endif
