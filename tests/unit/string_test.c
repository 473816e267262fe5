/* SPDX-License-Identifier: MIT */
/* sources: */
/* The freestanding string functions, under other names: libc's are what the test runs on. */
#define memset  own_memset
#define memcpy  own_memcpy
#define memmove own_memmove
#define memcmp  own_memcmp
#define strlen  own_strlen
#define strcmp  own_strcmp
#define strncmp own_strncmp
#include "vmm/base/string.c"
#undef memset
#undef memcpy
#undef memmove
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#include "test.h"

static uint8_t a[64], b[64];

static void number(uint8_t *p)
{
	for (unsigned i = 0; i < 64; i++)
		p[i] = (uint8_t)i;
}

TEST(set_every_length_and_alignment)
{
	for (unsigned at = 0; at < 9; at++) {
		for (unsigned n = 0; n < 40; n++) {
			number(a);
			number(b);
			EXPECT(own_memset(a + at, 0x1a5, n) == a + at);
			memset(b + at, 0xa5, n);
			EXPECT(!memcmp(a, b, sizeof(a)));
		}
	}
}

TEST(copy_every_length)
{
	static const uint8_t source[40] = "the quick brown fox jumps over the dog";

	for (unsigned n = 0; n < 40; n++) {
		number(a);
		number(b);
		EXPECT(own_memcpy(a + 3, source, n) == a + 3);
		memcpy(b + 3, source, n);
		EXPECT(!memcmp(a, b, sizeof(a)));
	}
}

TEST(move_overlapping)
{
	for (unsigned to = 0; to < 20; to++) {
		for (unsigned n = 0; n < 40; n++) {
			number(a);
			number(b);
			EXPECT(own_memmove(a + to, a + 9, n) == a + to);
			memmove(b + to, b + 9, n);
			EXPECT(!memcmp(a, b, sizeof(a)));
		}
	}
}

TEST(compare)
{
	EXPECT_EQ(own_memcmp("abc", "abd", 2), 0);
	EXPECT(own_memcmp("abc", "abd", 3) < 0);
	EXPECT(own_memcmp("\xff", "\x01", 1) > 0);
	EXPECT_EQ(own_strcmp("abc", "abc"), 0);
	EXPECT(own_strcmp("abc", "ab") > 0);
	EXPECT(own_strcmp("", "\xff") < 0);
	EXPECT_EQ(own_strncmp("abc", "abd", 2), 0);
	EXPECT_EQ(own_strncmp("ab", "ab", 9), 0);
	EXPECT_EQ(own_strlen(""), 0);
	EXPECT_EQ(own_strlen("12345"), 5);
}
