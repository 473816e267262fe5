/* SPDX-License-Identifier: MIT */
/* Who is charged, when he is throttled, and that the others aren't. */
/* sources: vmm/budget.c vmm/server.c vmm/ready.c */
#include "budget.h"
#include "drivers/clock.h"
#include "ready.h"
#include "sched.h"
#include "test.h"

#include <hw/sim.h>

#define US 1000ull /* ticks */

static struct cpu cpu;
static struct vcpu a, b; /* a: 2 ms of 10; b: no limit */
static uint64_t now;
static unsigned armed, preempted;

uint64_t sim_ticks(void)
{
	return now;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * US;
}

void sched_arm_timer(struct cpu *on)
{
	armed++;
	on->tsc_deadline = budget_due(on);
}

void vcpu_preempt(struct cpu *here, struct vcpu *v)
{
	preempted++;
	here->current = NULL;
	v->state = VCPU_RUNNABLE;
}

static void fresh(void)
{
	memset(&cpu, 0, sizeof(cpu));
	list_init(&cpu.throttled);
	for (unsigned p = 0; p < CONFIG_PRIORITIES; p++)
		list_init(&cpu.ready[p]);
	a = b = (struct vcpu){ .state = VCPU_RUNNABLE };
	budget_init(&a, 2000, 10000);
	budget_init(&b, 0, 0);
	armed = preempted = 0;
	now = 50000 * US;
}

/* What the loop does: it is picked, and runs. */
static bool load(struct vcpu *v)
{
	if (!budget_lets(&cpu, v))
		return false;
	cpu.current = v;
	v->state = VCPU_RUNNING;
	v->halted = HALTED_NOT;
	return true;
}

static void block(struct vcpu *v)
{
	cpu.current = NULL;
	v->state = VCPU_BLOCKED;
	v->halted = HALTED_OPEN;
}

static void tick(void)
{
	cpu.tsc_deadline = 0;
	budget_tick(&cpu, now);
	sched_arm_timer(&cpu);
}

TEST(no_budget)
{
	fresh();
	EXPECT(load(&b));
	EXPECT(!cpu.charged);
	EXPECT_EQ(armed, 0);
	EXPECT_EQ(budget_due(&cpu), 0);
}

TEST(used_up)
{
	fresh();
	EXPECT(load(&a));
	EXPECT_EQ(cpu.tsc_deadline, now + 2000 * US);
	now += 1500 * US;
	tick(); /* somebody else's timer */
	EXPECT(!a.events);
	EXPECT_EQ(cpu.tsc_deadline, now + 500 * US);
	now += 499 * US;
	tick(); /* 1 us is left: a crumb, kept for later */
	EXPECT_EQ(a.events, VCPU_EVENT_BUDGET);
	fresh();
	EXPECT(load(&a));
	now += 2000 * US;
	tick();
	EXPECT_EQ(a.events, VCPU_EVENT_BUDGET);
	a.events = 0;
	EXPECT(budget_over(&cpu, &a));
	EXPECT_EQ(preempted, 1);
	EXPECT_EQ(a.stats.throttles, 1);
	EXPECT(!cpu.charged && !cpu.next);
	EXPECT_EQ(cpu.tsc_deadline, (50000 + 10000) * US);
	/* One moment too early, and then. */
	now = 60000 * US - 1;
	tick();
	EXPECT(!cpu.next);
	now++;
	tick();
	EXPECT_EQ((uintptr_t)cpu.next, (uintptr_t)&a);
	EXPECT(cpu.resched && list_empty(&cpu.throttled));
	EXPECT(load(ready_take(&cpu)));
	EXPECT_EQ(cpu.tsc_deadline, now + 2000 * US);
}

/* While it is blocked, or another one runs, no time is charged. */
TEST(only_its_own_time)
{
	fresh();
	EXPECT(load(&a));
	now += 500 * US;
	block(&a);
	EXPECT(load(&b));
	EXPECT(!cpu.charged);
	now += 5000 * US;
	a.state = VCPU_RUNNABLE; /* woken */
	EXPECT(load(&a));
	EXPECT_EQ(server_left(&a.server), 1500 * US);
	now += 100 * US;
	block(&a);
	budget_stop(&cpu);
	now += 3000 * US;
	EXPECT_EQ(server_left(&a.server), 1400 * US);
	/* The first 500 came back at 60 ms, when it was blocked. */
	now = 61000 * US;
	a.state = VCPU_RUNNABLE;
	EXPECT(load(&a));
	EXPECT_EQ(server_left(&a.server), 1900 * US);
}

/* Preempted at its priority: its period goes on, it isn't begun anew. */
TEST(preempted)
{
	fresh();
	EXPECT(load(&a));
	now += 1000 * US;
	vcpu_preempt(&cpu, &a);
	EXPECT(load(&b));
	EXPECT(a.contends);
	now += 3000 * US;
	EXPECT(load(&a));
	now += 1000 * US;
	tick();
	EXPECT_EQ(a.events, VCPU_EVENT_BUDGET);
	EXPECT(budget_over(&cpu, &a));
	EXPECT_EQ(server_ready_at(&a.server), 60000 * US);
}

/* Picked without time left: once, and it is out of the way. */
TEST(woken_without_time)
{
	fresh();
	EXPECT(load(&a));
	now += 2000 * US;
	block(&a); /* just before the tick */
	budget_stop(&cpu);
	now += 10 * US;
	a.state = VCPU_RUNNABLE;
	EXPECT(!load(&a));
	EXPECT(!list_empty(&cpu.throttled));
	EXPECT_EQ(cpu.tsc_deadline, 60000 * US);
	a.events = 0;
	now = 60000 * US;
	tick();
	EXPECT_EQ((uintptr_t)ready_take(&cpu), (uintptr_t)&a);
}

/* The event is found only after it had left and come back with time again. */
TEST(late_event)
{
	fresh();
	EXPECT(load(&a));
	EXPECT(!budget_over(&cpu, &a));
	EXPECT_EQ(preempted, 0);
	EXPECT_EQ((uintptr_t)cpu.charged, (uintptr_t)&a);
}
