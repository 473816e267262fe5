/* SPDX-License-Identifier: MIT */
/* The ready vCPUs of a pCPU: the best first, equals in turn. */
/* sources: vmm/ready.c */
#include "ready.h"
#include "test.h"

#include <string.h>

static struct cpu cpu;
static struct vcpu vcpu[6];

static void fresh(void)
{
	memset(&cpu, 0, sizeof(cpu));
	memset(vcpu, 0, sizeof(vcpu));
	for (unsigned p = 0; p < CONFIG_PRIORITIES; p++)
		list_init(&cpu.ready[p]);
	for (unsigned i = 0; i < 6; i++)
		list_init(&vcpu[i].link);
}

/* next is the best; nobody waits in a list while there is no next. */
static bool sound(void)
{
	uint32_t mask = 0;

	for (unsigned p = 0; p < CONFIG_PRIORITIES; p++)
		mask |= (uint32_t)!list_empty(&cpu.ready[p]) << p;
	if (mask != cpu.ready_mask || (mask && !cpu.next))
		return false;
	return !mask || cpu.next->priority >= 31 - __builtin_clz(mask);
}

static int taken(void)
{
	struct vcpu *v = ready_take(&cpu);

	EXPECT(sound());
	return v ? (int)(v - vcpu) : -1;
}

TEST(best_first)
{
	fresh();
	EXPECT_EQ(taken(), -1);
	for (unsigned i = 0; i < 4; i++) {
		vcpu[i].priority = (uint8_t[]){ 3, 7, 0, 5 }[i];
		ready_push(&cpu, &vcpu[i]);
		EXPECT(sound());
	}
	EXPECT_EQ(taken(), 1);
	EXPECT_EQ(taken(), 3);
	EXPECT_EQ(taken(), 0);
	EXPECT_EQ(taken(), 2);
	EXPECT_EQ(taken(), -1);
}

TEST(equals_in_turn)
{
	fresh();
	for (unsigned i = 0; i < 4; i++)
		ready_push(&cpu, &vcpu[i]);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(taken(), i);
	/* A better one that comes meanwhile changes nothing of their order. */
	for (unsigned i = 0; i < 3; i++)
		ready_push(&cpu, &vcpu[i]);
	vcpu[5].priority = 1;
	ready_push(&cpu, &vcpu[5]);
	EXPECT_EQ(taken(), 5);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(taken(), i);
}

TEST(first_again)
{
	fresh();
	vcpu[4].priority = vcpu[5].priority = 2;
	/* Preempted, before its equals, behind its betters. */
	ready_push(&cpu, &vcpu[1]);
	ready_push(&cpu, &vcpu[4]);
	ready_push_first(&cpu, &vcpu[0]);
	EXPECT(sound());
	ready_push_first(&cpu, &vcpu[5]);
	EXPECT(sound());
	EXPECT_EQ(taken(), 5);
	EXPECT_EQ(taken(), 4);
	EXPECT_EQ(taken(), 0);
	EXPECT_EQ(taken(), 1);
	ready_push_first(&cpu, &vcpu[2]);
	EXPECT_EQ(taken(), 2);
	EXPECT_EQ(taken(), -1);
}
