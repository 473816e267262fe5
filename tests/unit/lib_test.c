/* SPDX-License-Identifier: MIT */
/* sources: vmm/base/lib.c vmm/base/log.c */
#include "test.h"
#include "base/lib.h"
#include "base/log.h"

static char out[200];

static const char *text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int length = fmt_textv(out, sizeof(out), fmt, ap);
	va_end(ap);
	EXPECT_EQ(length, strlen(out));
	return out;
}

#define SAME(want, ...)                                                                            \
	do {                                                                                       \
		if (strcmp(text(__VA_ARGS__), want)) {                                             \
			test_bad = true;                                                           \
			printf("%s:%d: '%s'\n", __FILE__, __LINE__, out);                          \
		}                                                                                  \
	} while (0)

TEST(conversions)
{
	SAME("plain", "plain");
	SAME("a b (null)", "%s %c %s", "a", 'b', (char *)NULL);
	SAME("-1 2 -2147483648", "%d %i %d", -1, 2, (int)0x80000000);
	SAME("4294967295 ff FF 0", "%u %x %X %u", ~0u, 255, 255, 0);
	SAME("18446744073709551615 ffffffffffffffff", "%lu %llx", ~0ul, ~0ull);
	SAME("-9223372036854775808", "%ld", (long)(1ull << 63));
	SAME("123456789012", "%zu", (size_t)123456789012ull);
	SAME("0xdeadbeef", "%p", (void *)0xdeadbeef);
	SAME("100%", "%u%%", 100);
}

TEST(widths)
{
	SAME("  ab|ab  |abc", "%4s|%-4s|%.3s", "ab", "ab", "abcdef");
	SAME("  cut|", "%*.*s|", 5, 3, "cuttlefish");
	SAME("0042 -042   42 42  |", "%04d %04d %4d %-4d|", 42, -42, 42, 42);
	SAME("000000ff", "%08x", 255);
	SAME("12345", "%03u", 12345);
	SAME("  x", "%3c", 'x');
	SAME("   -7", "%5d", -7);
}

TEST(short_buffers)
{
	char small[4];

	EXPECT_EQ(fmt_text(small, sizeof(small), "%s", "abcdef"), 6);
	EXPECT(!strcmp(small, "abc"));
	EXPECT_EQ(fmt_text(NULL, 0, "%u", 1234), 4);
	const char *cut = "12%", *strange = "%q";

	EXPECT_EQ(fmt_text(small, sizeof(small), cut, 0), 2);
	EXPECT_EQ(fmt_text(small, sizeof(small), strange, 0), 1);
}

static char logged[4096];
static unsigned chunks;

static void sink(const char *chunk, size_t bytes)
{
	strncat(logged, chunk, bytes);
	chunks++;
}

static void say_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vpanic(fmt, ap);
	va_end(ap);
}

TEST(log_lines)
{
	char long_text[1000];

	log_error("nobody listens");
	log_add_sink(sink);
	log_info("n = %d", 5);
	EXPECT(!strcmp(logged, "n = 5\n"));
	EXPECT_EQ(chunks, 1);
	log_debug("not at this level");
	EXPECT_EQ(chunks, 1);
	log_set_level(LOG_DEBUG);
	logged[0] = 0;
	log_error("e");
	log_warn("w");
	log_debug("d");
	log_text("raw", 2);
	EXPECT(!strcmp(logged, "error: e\nwarning: w\ndebug: d\nra"));
	logged[0] = 0;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	log_info("and a line begins a line");
	EXPECT(!strcmp(logged, "\nand a line begins a line\n"));
	logged[0] = 0;
	log_info("%s", long_text);
	EXPECT_EQ(strlen(logged), 511);
	EXPECT_EQ(logged[510], '\n');
}

/* What can wait is written in pieces, or by whoever has something to say first. */
TEST(log_lines_that_wait)
{
	logged[0] = 0;
	chunks = 0;
	log_later("%u", 12345678);
	log_later("two");
	EXPECT_EQ(chunks, 0);
	EXPECT(log_step());
	EXPECT(!strcmp(logged, "warning: 123"));
	EXPECT(log_step());
	EXPECT(!strcmp(logged, "warning: 12345678\nwarnin"));
	log_text("x", 1);
	EXPECT(!strcmp(logged, "warning: 12345678\nwarning: two\nx"));
	EXPECT(!log_step());
	logged[0] = 0;
	log_later("three");
	log_step();
	EXPECT(!strcmp(logged, "\nwarning: thr")); /* after somebody's half line */
	log_info("four");
	EXPECT(!strcmp(logged, "\nwarning: three\nfour\n"));
	logged[0] = 0;
	log_later("five");
	say_panic("six");
	EXPECT(!strcmp(logged, "warning: five\n\nPANIC: six\n"));
	chunks = 0;
	EXPECT(!log_step());
	EXPECT_EQ(chunks, 0);
}

/* All round the buffer, then beyond it. */
TEST(log_lines_that_find_no_room)
{
	unsigned said = 0;

	for (unsigned i = 0; i < 3000; i++) {
		char line[40];

		logged[0] = 0;
		log_later("%u", i);
		while (log_step())
			;
		snprintf(line, sizeof(line), "warning: %u\n", i);
		said += !strcmp(logged, line);
	}
	EXPECT_EQ(said, 3000);
	for (unsigned i = 0; i < 8192 / 16; i++)
		log_later("7 bytes"); /* 17 in all */
	logged[0] = 0;
	log_later("no room");
	for (unsigned i = 0; i < 8192 / 12 + 10; i++) {
		if (strlen(logged) > 3000)
			logged[0] = 0;
		log_step();
	}
	EXPECT(strstr(logged, "warning: 7 bytes\nwarning: 32 lines left out: too many at once\n"));
	EXPECT(!strstr(logged, "no room"));
	EXPECT(!log_step());
}

TEST(log_panic_breaks_the_lock)
{
	logged[0] = 0;
	say_panic("at %d", 7);
	EXPECT(!strcmp(logged, "\nPANIC: at 7\n"));
	logged[0] = 0;
	log_error("after");
	EXPECT(!strcmp(logged, "error: after\n"));
}

TEST(four_sinks)
{
	for (int i = 0; i < 9; i++)
		log_add_sink(sink);
	chunks = 0;
	log_error("x");
	EXPECT_EQ(chunks, 4);
}
