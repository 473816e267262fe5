/* SPDX-License-Identifier: MIT */
/* printf's subset. Apart from string.c, so that a host test links this and libc's memcpy. */
#include <stdbool.h>
#include "lib.h"

struct out {
	char *buf;
	size_t bytes, length; /* length counts what didn't fit, too */
};

struct spec {
	bool left, zero;
	int width, precision, longs; /* longs: 0 int, 1 long and more */
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->bytes)
		o->buf[o->length] = c;
	o->length++;
}

static void put_padded(struct out *o, const char *text, int length, const struct spec *s)
{
	int pad = s->width > length ? s->width - length : 0;

	for (int i = 0; !s->left && i < pad; i++)
		put(o, ' ');
	for (int i = 0; i < length; i++)
		put(o, text[i]);
	for (int i = 0; s->left && i < pad; i++)
		put(o, ' ');
}

static void put_number(
	struct out *o, uint64_t value, unsigned base, bool negative, bool upper, struct spec s)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int at = sizeof(text);

	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	if (s.zero && !s.left) {
		int length = (int)sizeof(text) - at + negative;

		if (negative)
			put(o, '-');
		for (; length < s.width; s.width--)
			put(o, '0');
		s.width = 0;
	} else if (negative) {
		text[--at] = '-';
	}
	put_padded(o, text + at, (int)sizeof(text) - at, &s);
}

static int text_length(const char *text, int precision)
{
	int length = 0;

	while ((precision < 0 || length < precision) && text[length])
		length++;
	return length;
}

static int number_or_star(const char **fmt, va_list *ap)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, int);
	}
	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n * 10 + (**fmt - '0');
	return n;
}

static struct spec parse_spec(const char **fmt, va_list *ap)
{
	struct spec s = { .precision = -1 };

	for (; **fmt == '-' || **fmt == '0'; (*fmt)++) {
		if (**fmt == '-')
			s.left = true;
		else
			s.zero = true;
	}
	s.width = number_or_star(fmt, ap);
	if (**fmt == '.') {
		(*fmt)++;
		s.precision = number_or_star(fmt, ap);
	}
	for (; **fmt == 'l' || **fmt == 'z'; (*fmt)++)
		s.longs++;
	return s;
}

static void put_signed(struct out *o, int64_t v, struct spec s)
{
	put_number(o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, false, s);
}

static void put_conversion(struct out *o, char kind, struct spec s, va_list *ap)
{
	const char *text;
	char c;

	switch (kind) {
	case 's':
		text = va_arg(*ap, const char *);
		text = text ? text : "(null)";
		put_padded(o, text, text_length(text, s.precision), &s);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(o, &c, 1, &s);
		break;
	case 'd':
	case 'i':
		put_signed(o, s.longs ? va_arg(*ap, long) : va_arg(*ap, int), s);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(o, s.longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned),
			kind == 'u' ? 10 : 16, false, kind == 'X', s);
		break;
	case 'p':
		put(o, '0');
		put(o, 'x');
		put_number(o, (uint64_t)va_arg(*ap, void *), 16, false, false, s);
		break;
	default:
		put(o, kind);
	}
}

int fmt_textv(char *buf, size_t bytes, const char *fmt, va_list ap)
{
	struct out o = { buf, bytes, 0 };
	va_list args;

	va_copy(args, ap); /* a va_list parameter is an array: only a copy has an address */
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		struct spec s = parse_spec(&fmt, &args);
		if (!*fmt)
			break;
		put_conversion(&o, *fmt++, s, &args);
	}
	va_end(args);
	if (bytes)
		buf[o.length < bytes ? o.length : bytes - 1] = 0;
	return (int)o.length;
}

int fmt_text(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = fmt_textv(buf, bytes, fmt, ap);
	va_end(ap);
	return length;
}
