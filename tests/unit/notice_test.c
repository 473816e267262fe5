/* SPDX-License-Identifier: MIT */
/* sources: vmm/notice.c vmm/base/lib.c */
/* How many lines a guest gets, whatever it does. */
#include "notice.h"
#include "base/log.h"
#include "test.h"
#include "vm.h"

#include <stdarg.h>

static const struct vm_config configs[2] = { { .name = "bad" }, { .name = "good" } };
static struct vm vms[2];
static unsigned lines;
static char last[256];

void log_later(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last, sizeof(last), fmt, args);
	va_end(args);
	lines++;
}

static void start(void)
{
	memset(vms, 0, sizeof(vms));
	for (unsigned i = 0; i < 2; i++)
		vms[i].config = &configs[i];
	lines = 0;
	last[0] = 0;
}

static void happens(struct vm *vm, enum notice_kind kind, unsigned times)
{
	for (unsigned i = 1; i <= times; i++)
		notice(vm, kind, "number %u", i);
}

TEST(the_first_ones_are_told_with_the_name)
{
	start();
	happens(&vms[0], NOTICE_MSR, 1);
	EXPECT_EQ(lines, 1);
	EXPECT(!strcmp(last, "vm bad: number 1"));
	happens(&vms[0], NOTICE_MSR, 3);
	EXPECT_EQ(lines, 4);
}

TEST(a_flood_has_four_lines_and_a_sum)
{
	start();
	happens(&vms[0], NOTICE_MSR, 100000);
	EXPECT_EQ(lines, 4);
	notice_renew(&vms[0]);
	EXPECT_EQ(lines, 5);
	EXPECT(!strcmp(last, "vm bad: 99996 more accesses to MSRs that it hasn't"));
	EXPECT_EQ(notice_total(&vms[0].notices, NOTICE_MSR), 100000);
}

TEST(nothing_held_back_nothing_said)
{
	start();
	happens(&vms[0], NOTICE_MSR, 4);
	notice_renew(&vms[0]);
	notice_renew(&vms[0]);
	EXPECT_EQ(lines, 4);
	EXPECT_EQ(notice_total(&vms[0].notices, NOTICE_MSR), 4);
}

TEST(a_new_period_has_lines_again)
{
	start();
	happens(&vms[0], NOTICE_MSR, 10);
	notice_renew(&vms[0]);
	lines = 0;
	happens(&vms[0], NOTICE_MSR, 10);
	EXPECT_EQ(lines, 4);
	EXPECT_EQ(notice_total(&vms[0].notices, NOTICE_MSR), 20);
}

TEST(kinds_and_vms_do_not_count_for_each_other)
{
	start();
	happens(&vms[0], NOTICE_MSR, 10);
	lines = 0;
	happens(&vms[0], NOTICE_CONFIG, 1);
	happens(&vms[1], NOTICE_MSR, 1);
	EXPECT_EQ(lines, 2);
	EXPECT(!strcmp(last, "vm good: number 1"));
	EXPECT_EQ(notice_total(&vms[1].notices, NOTICE_MSR), 1);
}

/* What every kernel does a few times is counted and not told. */
TEST(quiet_kinds_are_told_when_there_are_many)
{
	start();
	happens(&vms[0], NOTICE_PORT, 1000);
	EXPECT_EQ(lines, 0);
	notice_renew(&vms[0]);
	EXPECT_EQ(lines, 0);
	happens(&vms[0], NOTICE_PORT, 1001);
	EXPECT_EQ(lines, 1);
	notice_renew(&vms[0]);
	happens(&vms[0], NOTICE_PORT, 5000);
	EXPECT_EQ(lines, 5);
	notice_renew(&vms[0]);
	EXPECT(strstr(last, "4996 more accesses to ports"));
}

TEST(each_kind_has_a_name)
{
	for (unsigned i = 0; i < NOTICE_KINDS; i++)
		for (unsigned j = 0; j < i; j++)
			EXPECT(strcmp(notice_name(i), notice_name(j)));
}
