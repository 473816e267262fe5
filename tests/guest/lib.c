/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "guest.h"

void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);

void *memset(void *to, int byte, size_t bytes)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *p = to;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(bytes)::"memory");
	return to;
}

struct text {
	char data[512];
	size_t bytes;
};

static void text_char(struct text *t, char c)
{
	if (t->bytes < sizeof(t->data))
		t->data[t->bytes++] = c;
}

static void text_number(struct text *t, uint64_t v, unsigned base)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		text_char(t, digits[--n]);
}

void print(const char *format, ...)
{
	struct text t = { .bytes = 0 };
	va_list args;

	va_start(args, format);
	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			text_char(&t, *p);
			continue;
		}
		bool wide = *++p == 'l';

		p += wide;
		if (*p == 's') {
			for (const char *s = va_arg(args, const char *); *s; s++)
				text_char(&t, *s);
		} else {
			uint64_t v = wide ? va_arg(args, uint64_t) : va_arg(args, uint32_t);

			text_number(&t, v, *p == 'x' ? 16 : 10);
		}
	}
	va_end(args);
	hypercall(HC_PUTS, (uintptr_t)t.data, t.bytes, 0, 0);
}

_Noreturn void vcpu_park_forever(void)
{
	for (;;) {
		irq_disable();
		hypercall(HC_PARK, 0, 0, 0, 0);
		/* A hypervisor without HC_PARK: asleep with interrupts off is as good. */
		__asm__ volatile("hlt");
	}
}

_Noreturn void test_end(const char *name, bool ok)
{
	print("TEST %s: %s\n", name, ok ? "ok" : "FAIL");
	hypercall(HC_EXIT, ok ? 0 : 1, 0, 0, 0);
	for (;;)
		vcpu_park_forever();
}

void pause_times(unsigned n)
{
	while (n--)
		cpu_relax();
}

/* Short turns first. Under instruction counting a PAUSE passes no virtual time worth mentioning, so
 * that a timer which has to rescue us would never come: after a while each turn burns 100000
 * instructions. In all about three virtual seconds. */
bool wait_until(bool (*done)(uint64_t argument), uint64_t argument)
{
	for (unsigned i = 0; i < 20000; i++) {
		if (done(argument))
			return true;
		cpu_relax();
	}
	for (unsigned i = 0; i < 30000; i++) {
		if (done(argument))
			return true;
		for (unsigned n = 50000; n; n--)
			__asm__ volatile("");
		cpu_relax();
	}
	return done(argument);
}

struct expected {
	const volatile uint64_t *word;
	uint64_t value;
};

static bool as_expected(uint64_t argument)
{
	const struct expected *e = (const struct expected *)(uintptr_t)argument;

	return *e->word == e->value;
}

bool wait_for(const volatile uint64_t *word, uint64_t value)
{
	struct expected e = { word, value };

	return wait_until(as_expected, (uintptr_t)&e);
}

static const char *skip_word(const char *p)
{
	while (*p && *p != ' ')
		p++;
	while (*p == ' ')
		p++;
	return p;
}

/* Where the text after "key=" starts, or NULL. */
static const char *args_find(const char *key)
{
	for (const char *p = guest_info()->args; *p; p = skip_word(p)) {
		size_t n = 0;

		while (key[n] && p[n] == key[n])
			n++;
		if (!key[n] && p[n] == '=')
			return p + n + 1;
	}
	return NULL;
}

static bool word_is(const char *p, const char *text)
{
	while (*text && *p == *text) {
		p++;
		text++;
	}
	return !*text && (!*p || *p == ' ' || *p == ',');
}

uint64_t args_number(const char *key, uint64_t fallback)
{
	const char *p = args_find(key);
	uint64_t v = 0;

	if (!p)
		return fallback;
	while (*p >= '0' && *p <= '9')
		v = v * 10 + (uint64_t)(*p++ - '0');
	return v;
}

bool args_program(const char *name)
{
	return word_is(guest_info()->args, name);
}

bool args_selects(const char *key, const char *text)
{
	const char *p = args_find(key);

	if (!p)
		return true;
	for (;;) {
		if (word_is(p, text))
			return true;
		while (*p && *p != ' ' && *p != ',')
			p++;
		if (*p != ',')
			return false;
		p++;
	}
}
