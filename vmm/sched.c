// SPDX-License-Identifier: MIT
#include "sched.h"

#include "avic/emulated.h"
#include "base/check.h"
#include "budget.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "exit.h"
#include "ready.h"
#include "slow.h"
#include "vm.h"
#include <hw/cpu.h>
#include <hw/shared.h>
#include <trace.h>

#define SLICE_US   2000
#define SLICE_OVER 1 /* as cpu->slice_end: an equal may have its turn */

void sched_init_cpu(struct cpu *cpu)
{
	for (unsigned p = 0; p < CONFIG_PRIORITIES; p++)
		list_init(&cpu->ready[p]);
	cpu->ready_mask = 0;
	list_init(&cpu->inbox.queue);
	cpu->inbox.lock = SPINLOCK_INIT;
	list_init(&cpu->gappi_sharers);
	list_init(&cpu->timers);
	list_init(&cpu->throttled);
}

static __attribute__((noinline)) void inbox_send(struct vcpu *v)
{
	struct cpu *home = v->home;

	spin_lock(&home->inbox.lock);
	list_append(&home->inbox.queue, &v->link);
	spin_unlock(&home->inbox.lock);
	cpu_kick(home);
}

/* [irq-path 6] [model protocol:enqueue] Local: ready queue; remote: inbox, unlock, then kick. Who
 * runs here, if somebody does, looks whether that is a better one: give_way(). */
void sched_enqueue(struct cpu *here, struct vcpu *v)
{
	if (__builtin_expect(v->home != here, 0)) {
		trace(here, TRACE_INBOX_SEND, 0, v, v->home->index);
		inbox_send(v);
		return;
	}
	ready_push(here, v);
	here->resched = 1;
}

/*
 * [model protocol:inbox]
 * cpu_kick() sends nothing while kicked is set. Cleared by a locked exchange before the look
 * into the inbox: who finds it still set put its vCPU in before, and is seen here; who comes
 * later finds it clear and sends a kick of its own.
 */
void sched_inbox(struct cpu *cpu)
{
	struct list *node;

	shared_swap32(&cpu->kicked, 0);
	cpu->count.kicks++;
	spin_lock(&cpu->inbox.lock);
	while ((node = list_pop(&cpu->inbox.queue))) {
		cpu->count.inbox++;
		trace(cpu, TRACE_INBOX_TAKE, 0, CONTAINER_OF(node, struct vcpu, link), 0);
		ready_push(cpu, CONTAINER_OF(node, struct vcpu, link));
	}
	spin_unlock(&cpu->inbox.lock);
	cpu->resched = 1;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

void sched_arm_timer(struct cpu *cpu)
{
	uint64_t due = earlier(cpu->backstop, budget_due(cpu));

	if (cpu->slice_end > SLICE_OVER)
		due = earlier(due, cpu->slice_end);

	LIST_FOR_EACH (node, &cpu->timers)
		due = earlier(
			due, CONTAINER_OF(node, struct vcpu, timer_link)->emulated.timer_deadline);
	if (due == cpu->tsc_deadline)
		return;
	cpu->tsc_deadline = due;
	lapic_timer_arm(due);
}

static void guest_timers(struct cpu *cpu, uint64_t now)
{
	struct list *next;

	for (struct list *node = cpu->timers.next; node != &cpu->timers; node = next) {
		struct vcpu *v = CONTAINER_OF(node, struct vcpu, timer_link);

		next = node->next;
		if (v->emulated.timer_deadline > now)
			continue;
		if (emulated_timer(&v->emulated, now))
			vcpu_post_event(cpu, v, 0);
		if (!v->emulated.timer_deadline)
			list_remove(node);
	}
}

void sched_tick(struct cpu *cpu)
{
	uint64_t now = cpu_ticks();

	cpu->tsc_deadline = 0;
	guest_timers(cpu, now);
	if (cpu->slice_end && cpu->slice_end <= now) {
		cpu->slice_end = SLICE_OVER;
		cpu->resched = 1;
	}
	budget_tick(cpu, now);
	if (cpu->backstop && cpu->backstop <= now)
		cpu->backstop = slow_tick(cpu, now);
	sched_arm_timer(cpu);
}

/* A slice is timed only while an equal waits; what is being timed goes on. Who had to give way in
 * the middle of one has the rest of it. */
static __attribute__((noinline)) void slice_begin(struct cpu *cpu, struct vcpu *v)
{
	uint64_t ticks = v->slice_left ? v->slice_left : clock_us_to_ticks(SLICE_US);

	v->slice_left = 0;
	cpu->slice_end = cpu_ticks() + ticks;
	sched_arm_timer(cpu);
}

/* v's slice is over: the best one, and v is the last among its equals. */
static struct vcpu *next_turn(struct cpu *cpu, struct vcpu *v)
{
	struct vcpu *other;

	vcpu_preempt(cpu, v);
	other = ready_take(cpu);
	ready_push(cpu, v);
	return other;
}

/* Somebody better comes in a slice of v, or in the moment in which it ends: then v has had its
 * turn, and equals don't wait for another one. */
static __attribute__((noinline)) struct vcpu *give_way_in_slice(struct cpu *cpu, struct vcpu *v)
{
	uint64_t now = cpu_ticks();

	if (cpu->slice_end <= now)
		return next_turn(cpu, v);
	v->slice_left = cpu->slice_end - now;
	vcpu_preempt(cpu, v);
	return ready_exchange(cpu, v);
}

/* An equal waits: the slice begins, or goes on, or is over, and then v leaves. */
static __attribute__((noinline)) struct vcpu *take_turns(struct cpu *cpu, struct vcpu *v)
{
	if (!cpu->slice_end)
		slice_begin(cpu, v);
	if (cpu->slice_end != SLICE_OVER)
		return NULL;
	cpu->resched = 1; /* v waits: the other one's slice begins */
	return next_turn(cpu, v);
}

/* Is there somebody better, or an equal and the slice is over? Then v leaves this CPU for it: the
 * one to load. NULL: v goes on. */
static inline struct vcpu *give_way(struct cpu *cpu, struct vcpu *v)
{
	struct vcpu *best = cpu->next;

	if (!best)
		return NULL;
	if (__builtin_expect(best->priority <= v->priority, 0))
		return best->priority == v->priority ? take_turns(cpu, v) : NULL;
	if (__builtin_expect(cpu->slice_end != 0, 0))
		return give_way_in_slice(cpu, v);
	vcpu_preempt(cpu, v);
	return ready_exchange(cpu, v);
}

/* A call, so that the loop has nothing to do for it. */
static __attribute__((noinline)) void enter_emulated(struct vcpu *v)
{
	emulated_enter(&v->emulated);
}

/* Until v leaves this CPU. Returns the one that it gave way to, or NULL. */
static inline struct vcpu *run(struct cpu *cpu, struct vcpu *v)
{
	for (;;) {
		if (__builtin_expect(v->events | cpu->resched, 0)) {
			struct vcpu *better;

			if (v->events && vcpu_take_events(cpu, v))
				return NULL;
			cpu->resched = 0;
			better = give_way(cpu, v);
			if (better)
				return better;
		}
		if (__builtin_expect(!v->avic.active, 0))
			enter_emulated(v);
		trace(cpu, TRACE_VMRUN, 0, v, 0);
		svm_enter(cpu, &v->svm);
		if (exit_handle(cpu, v) == EXIT_LEAVE)
			return NULL;
	}
}

bool sched_turn(struct cpu *cpu)
{
	cpu->resched = 0;

	struct vcpu *v = ready_take(cpu);

	if (!v) {
		trace(cpu, TRACE_IDLE, 0, NULL, 0);
		budget_stop(cpu);
		cpu_sleep();
		return false;
	}
	do {
		cpu->slice_end = 0;
		if (!budget_lets(cpu, v) || !vcpu_load(cpu, v))
			break;
		v = run(cpu, v);
	} while (v);
	return true;
}

void sched_loop(struct cpu *cpu)
{
	if (cpu->index == 0) {
		cpu->backstop = cpu_ticks() + clock_us_to_ticks(SLOW_US);
		sched_arm_timer(cpu);
	}
	for (;;)
		sched_turn(cpu);
}
