/* SPDX-License-Identifier: MIT */
#include "lib.h"

void *memset(void *dst, int byte, size_t bytes)
{
	uint64_t pattern = (uint8_t)byte * 0x0101010101010101ull;
	size_t words = bytes / 8, rest = bytes % 8;
	void *p = dst;

	/* Words first: VMs' memory is cleared by this, and the emulator runs a string
	 * instruction one element at a time. */
	__asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(p), "+c"(rest) : "a"(pattern) : "memory");
	return dst;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t bytes)
{
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t bytes)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + bytes)
		return memcpy(dst, src, bytes);
	/* Backwards; volatile so that the compiler doesn't find a memmove() in here. */
	for (volatile uint8_t *to = d + bytes; to > d;) {
		to--;
		*to = s[to - d];
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		if (a[i] != b[i] || !a[i])
			return (uint8_t)a[i] - (uint8_t)b[i];
	}
	return 0;
}
