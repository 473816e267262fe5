/* SPDX-License-Identifier: MIT */
#include "config_values.h"
#include "base/lib.h"

bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.bytes && memcmp(s.text, word, s.bytes) == 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct span span_trim(struct span s)
{
	for (; s.bytes && blank(s.text[0]); s.bytes--)
		s.text++;
	while (s.bytes && blank(s.text[s.bytes - 1]))
		s.bytes--;
	return s;
}

struct span span_cut(struct span *rest, char delimiter)
{
	struct span part = { rest->text, 0 };

	while (part.bytes < rest->bytes && part.text[part.bytes] != delimiter)
		part.bytes++;
	size_t used = part.bytes < rest->bytes ? part.bytes + 1 : part.bytes;

	rest->text += used;
	rest->bytes -= used;
	return part;
}

bool span_ends(struct span s, char c)
{
	return s.bytes && s.text[s.bytes - 1] == c;
}

int span_shown(struct span s)
{
	return s.bytes < 40 ? (int)s.bytes : 40;
}

static bool digits(struct span s, unsigned base, uint64_t *value)
{
	uint64_t v = 0;

	if (s.bytes == 0)
		return false;
	for (size_t i = 0; i < s.bytes; i++) {
		char c = s.text[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: base;

		if (digit >= base || v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	*value = v;
	return true;
}

bool value_number(struct span s, uint64_t first, uint64_t last, uint64_t *value)
{
	return digits(s, 10, value) && *value >= first && *value <= last;
}

bool value_hex(struct span s, size_t max_digits, uint64_t last, uint64_t *value)
{
	return s.bytes <= max_digits && digits(s, 16, value) && *value <= last;
}

bool value_bytes(struct span s, uint64_t *bytes)
{
	unsigned shift;

	shift = span_ends(s, 'K') ? 10 : span_ends(s, 'M') ? 20 : span_ends(s, 'G') ? 30 : 0;
	if (shift)
		s.bytes--;
	if (!digits(s, 10, bytes) || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

bool value_address(struct span s, uint32_t *address)
{
	uint64_t value;
	bool good;

	if (s.bytes > 2 && s.text[0] == '0' && s.text[1] == 'x')
		good = digits((struct span){ s.text + 2, s.bytes - 2 }, 16, &value);
	else
		good = value_bytes(s, &value);
	if (!good || value > UINT32_MAX)
		return false;
	*address = (uint32_t)value;
	return true;
}

int value_word(struct span s, const char *const words[])
{
	for (int i = 0; words[i]; i++) {
		if (span_is(s, words[i]))
			return i;
	}
	return -1;
}

void words_text(char *text, size_t bytes, const char *const words[])
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned i = 0; words[i] && used < bytes; i++)
		used += (size_t)fmt_text(text + used, bytes - used, "%s%s",
			i == 0         ? ""
			: words[i + 1] ? ", "
				       : " or ",
			words[i]);
}

static bool path_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '+' || c == '~' || c == '-';
}

bool value_path(struct span s, char *path, size_t bytes)
{
	struct span rest = s;

	if (s.bytes == 0 || s.bytes >= bytes || span_ends(s, '/'))
		return false;
	while (rest.bytes) {
		struct span part = span_cut(&rest, '/');

		/* FAT drops dots at a name's end: "a." would be "a". */
		if (part.bytes == 0 || span_ends(part, '.'))
			return false;
		for (size_t i = 0; i < part.bytes; i++) {
			if (!path_character(part.text[i]))
				return false;
		}
	}
	memcpy(path, s.text, s.bytes);
	path[s.bytes] = 0;
	return true;
}

uint32_t value_list(struct span s, uint8_t *list, uint32_t max, uint64_t last, enum list_any any)
{
	uint32_t count = 0;

	if (span_ends(s, ','))
		return 0;
	do {
		struct span value = span_cut(&s, ',');
		uint64_t times = 1, v;

		/* "64*0" is 0 sixty-four times. */
		for (size_t i = 0; i < value.bytes; i++) {
			if (value.text[i] != '*')
				continue;
			if (!value_number(span_trim(span_cut(&value, '*')), 1, max, &times))
				return 0;
			break;
		}
		value = span_trim(value);
		if (any == LIST_NUMBERS_OR_ANY && span_is(value, "any"))
			v = CONFIG_CPU_ANY;
		else if (!value_number(value, 0, last, &v))
			return 0;
		if (times > max - count)
			return 0;
		for (; times; times--)
			list[count++] = (uint8_t)v;
	} while (s.bytes);
	return count;
}
