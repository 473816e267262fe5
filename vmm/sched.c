// SPDX-License-Identifier: MIT
#include "sched.h"

#include "avic/emulated.h"
#include "base/check.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "exit.h"
#include "vm.h"
#include "wake.h"
#include <hw/cpu.h>
#include <hw/shared.h>

#define SLICE_US    2000
#define BACKSTOP_US 1000000 /* on the boot CPU, to which the GA logs' interrupts go */

void sched_init_cpu(struct cpu *cpu)
{
	for (unsigned p = 0; p < CONFIG_PRIORITIES; p++)
		list_init(&cpu->ready[p]);
	cpu->ready_mask = 0;
	list_init(&cpu->inbox.queue);
	cpu->inbox.lock = SPINLOCK_INIT;
	list_init(&cpu->gappi_sharers);
	list_init(&cpu->timers);
}

static void queue_push(struct cpu *cpu, struct vcpu *v)
{
	list_append(&cpu->ready[v->priority], &v->link);
	cpu->ready_mask |= 1u << v->priority;
}

/* The first one to become ready on an idle pCPU goes on no queue. */
static inline void ready_push(struct cpu *cpu, struct vcpu *v)
{
	if (__builtin_expect(!cpu->current, 1)) {
		if (!cpu->ready_mask && !cpu->next) {
			cpu->next = v;
			return;
		}
		if (cpu->next)
			queue_push(cpu, cpu->next);
		cpu->next = NULL;
		queue_push(cpu, v);
		return;
	}
	queue_push(cpu, v);
	if (v->priority > cpu->current->priority)
		cpu->resched = 1;
	else if (v->priority == cpu->current->priority)
		cpu->resched = 1; /* a slice begins */
}

static __attribute__((noinline)) void inbox_send(struct vcpu *v)
{
	struct cpu *home = v->home;

	spin_lock(&home->inbox.lock);
	list_append(&home->inbox.queue, &v->link);
	spin_unlock(&home->inbox.lock);
	cpu_kick(home);
}

/* [irq-path 6] [model protocol:enqueue] Local: ready queue; remote: inbox, unlock, then kick. */
void sched_enqueue(struct cpu *here, struct vcpu *v)
{
	if (v->home == here)
		ready_push(here, v);
	else
		inbox_send(v);
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
		ready_push(cpu, CONTAINER_OF(node, struct vcpu, link));
	}
	spin_unlock(&cpu->inbox.lock);
	if (cpu->current && shared_load32(&cpu->current->events))
		cpu->resched = 1;
}

struct vcpu *sched_pick(struct cpu *cpu)
{
	unsigned p;
	struct list *node;

	if (cpu->next) {
		struct vcpu *v = cpu->next;

		cpu->next = NULL;
		return v;
	}
	if (!cpu->ready_mask)
		return NULL;
	p = 31 - (unsigned)__builtin_clz(cpu->ready_mask);
	node = list_pop(&cpu->ready[p]);
	if (list_empty(&cpu->ready[p]))
		cpu->ready_mask &= ~(1u << p);
	return CONTAINER_OF(node, struct vcpu, link);
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

void sched_arm_timer(struct cpu *cpu)
{
	uint64_t due = earlier(cpu->slice_end, cpu->backstop);

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
		cpu->slice_end = 0;
		cpu->slice_over = 1;
		cpu->resched = 1;
	}
	if (cpu->backstop && cpu->backstop <= now) {
		wake_backstop(cpu);
		cpu->backstop = now + clock_us_to_ticks(BACKSTOP_US);
	}
	sched_arm_timer(cpu);
}

/* A slice is timed only while an equal waits; what is being timed goes on. */
static void slice_begin(struct cpu *cpu, const struct vcpu *v)
{
	if (cpu->slice_end || !(cpu->ready_mask >> v->priority & 1))
		return;
	cpu->slice_end = cpu_ticks() + clock_us_to_ticks(SLICE_US);
	sched_arm_timer(cpu);
}

/* Somebody better, or an equal after the slice, waits. True: v has left this CPU. */
static __attribute__((noinline)) bool give_way(struct cpu *cpu, struct vcpu *v)
{
	unsigned best;

	cpu->resched = 0;
	if (!cpu->ready_mask)
		return false;
	best = 31 - (unsigned)__builtin_clz(cpu->ready_mask);
	if (best < v->priority)
		return false;
	if (best == v->priority && !cpu->slice_over) {
		slice_begin(cpu, v);
		return false;
	}
	vcpu_preempt(cpu, v);
	return true;
}

static void run(struct cpu *cpu, struct vcpu *v)
{
	for (;;) {
		if (__builtin_expect(v->events != 0, 0) && vcpu_take_events(cpu, v))
			return;
		if (__builtin_expect(cpu->resched, 0) && give_way(cpu, v))
			return;
		if (!v->avic.active)
			emulated_enter(&v->emulated);
		svm_enter(cpu, &v->svm);
		if (exit_handle(cpu, v) == EXIT_LEAVE)
			return;
	}
}

bool sched_turn(struct cpu *cpu)
{
	struct vcpu *v = sched_pick(cpu);

	if (!v) {
		cpu_sleep();
		return false;
	}
	cpu->resched = 0;
	cpu->slice_over = 0;
	cpu->slice_end = 0;
	if (!vcpu_load(cpu, v))
		return true;
	slice_begin(cpu, v);
	run(cpu, v);
	return true;
}

void sched_loop(struct cpu *cpu)
{
	if (cpu->index == 0) {
		cpu->backstop = cpu_ticks() + clock_us_to_ticks(BACKSTOP_US);
		sched_arm_timer(cpu);
	}
	for (;;)
		sched_turn(cpu);
}
