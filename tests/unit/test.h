/* SPDX-License-Identifier: MIT */
/*
 * The runner of the unit tests. A test file says on a comment line which sources it needs
 * ("sources: a.c b.c"); the Makefile compiles them together.
 *   TEST(name) { EXPECT(cond); EXPECT_EQ(got, want); }
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;
static bool test_bad;

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct test_case test_case_##id = { #id, test_##id, NULL };                         \
	__attribute__((constructor)) static void test_add_##id(void)                               \
	{                                                                                          \
		*test_last = &test_case_##id;                                                      \
		test_last = &test_case_##id.next;                                                  \
	}                                                                                          \
	static void test_##id(void)

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_bad = true;                                                           \
			printf("%s:%d: expected %s\n", __FILE__, __LINE__, #cond);                 \
		}                                                                                  \
	} while (0)

#define EXPECT_EQ(got, want)                                                                       \
	do {                                                                                       \
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                         \
		if (got_ != want_) {                                                               \
			test_bad = true;                                                           \
			printf("%s:%d: %s is %#llx, expected %#llx\n", __FILE__, __LINE__, #got,   \
				(unsigned long long)got_, (unsigned long long)want_);              \
		}                                                                                  \
	} while (0)

/* All cases, or the one that is named. */
int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	for (struct test_case *t = test_first; t; t = t->next) {
		if (argc > 1 && strcmp(argv[1], t->name))
			continue;
		test_bad = false;
		t->run();
		if (test_bad) {
			failed++;
			printf("FAILED %s\n", t->name);
		} else {
			passed++;
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}

#endif
