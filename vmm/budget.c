/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include "drivers/clock.h"
#include "ready.h"
#include "sched.h"
#include <hw/cpu.h>
#include <hw/shared.h>

#define CRUMB_US 10 /* not worth two switches */

void budget_init(struct vcpu *v, uint64_t budget_us, uint64_t period_us)
{
	if (budget_us)
		server_init(&v->server, clock_us_to_ticks(budget_us), clock_us_to_ticks(period_us),
			clock_us_to_ticks(CRUMB_US));
}

static void charge(struct cpu *cpu, uint64_t now)
{
	server_charge(&cpu->charged->server, now - cpu->charged_from);
	cpu->charged_from = now;
}

/* Does it want to go on? Then its period isn't begun anew by server_wake(). */
static bool contends(const struct vcpu *v)
{
	return shared_load32(&v->state) == VCPU_RUNNABLE && !v->halted;
}

static void settle(struct cpu *cpu, uint64_t now)
{
	charge(cpu, now);
	cpu->charged->contends = contends(cpu->charged);
	cpu->charged = NULL;
}

static void throttle(struct cpu *cpu, struct vcpu *v)
{
	v->contends = true;
	v->stats.throttles++;
	list_append(&cpu->throttled, &v->link);
	sched_arm_timer(cpu);
}

bool budget_switch(struct cpu *cpu, struct vcpu *v)
{
	uint64_t now = cpu_ticks();

	if (cpu->charged)
		settle(cpu, now);
	if (!v->server.period)
		return true;
	if (!v->contends)
		server_wake(&v->server, now);
	if (server_ready_at(&v->server) > now) {
		throttle(cpu, v);
		return false;
	}
	cpu->charged = v;
	cpu->charged_from = now;
	/* What is armed for earlier comes, and arms again: not each load of a vCPU that runs for
	 * moments only sets the timer. */
	if (!cpu->tsc_deadline || budget_due(cpu) < cpu->tsc_deadline)
		sched_arm_timer(cpu);
	return true;
}

void budget_stop(struct cpu *cpu)
{
	if (cpu->charged)
		settle(cpu, cpu_ticks());
}

void budget_tick(struct cpu *cpu, uint64_t now)
{
	struct list *next;

	for (struct list *node = cpu->throttled.next; node != &cpu->throttled; node = next) {
		struct vcpu *v = CONTAINER_OF(node, struct vcpu, link);

		next = node->next;
		if (server_ready_at(&v->server) > now)
			continue;
		list_remove(node);
		ready_push(cpu, v);
		cpu->resched = 1;
	}
	if (!cpu->charged)
		return;
	charge(cpu, now);
	if (server_ready_at(&cpu->charged->server) > now)
		shared_or32(&cpu->charged->events, VCPU_EVENT_BUDGET);
}

bool budget_over(struct cpu *cpu, struct vcpu *v)
{
	uint64_t now = cpu_ticks();

	if (cpu->charged != v || server_ready_at(&v->server) <= now)
		return false; /* it has left and come back since then */
	vcpu_preempt(cpu, v);
	settle(cpu, now);
	throttle(cpu, v);
	return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || b < a ? b : a;
}

uint64_t budget_due(const struct cpu *cpu)
{
	uint64_t due = 0;

	if (cpu->charged)
		due = cpu->charged_from + server_left(&cpu->charged->server);
	LIST_FOR_EACH (node, &cpu->throttled)
		due = earlier(due, server_ready_at(&CONTAINER_OF(node, struct vcpu, link)->server));
	return due;
}
