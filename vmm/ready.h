/* SPDX-License-Identifier: MIT */
/*
 * The ready vCPUs of a pCPU. cpu->next is the best of them, on no list, and NULL only when nobody
 * is ready; the others wait in a list for each priority. So where one at most waits, which is the
 * case when a halted vCPU is woken beside a busy one, nothing is linked or searched.
 * Used by the pCPU itself, with interrupts off: no lock.
 */
#ifndef VMM_READY_H
#define VMM_READY_H

#include "base/list.h"
#include "cpu.h"
#include "vcpu.h"

/* The rare part: lists. ready_refill() takes the best one off them; there is one. Whoever runs next
 * is made to look whether an equal waits. */
void ready_wait_first(struct cpu *cpu, struct vcpu *v);
void ready_wait_last(struct cpu *cpu, struct vcpu *v);
struct vcpu *ready_refill(struct cpu *cpu);

/* The last among its equals: who was woken, or has had its slice. */
static inline void ready_push(struct cpu *cpu, struct vcpu *v)
{
	struct vcpu *best = cpu->next;

	if (__builtin_expect(!best, 1)) {
		cpu->next = v;
	} else if (v->priority > best->priority) {
		ready_wait_first(cpu, best);
		cpu->next = v;
	} else {
		ready_wait_last(cpu, v);
	}
}

/* The first among its equals: who had to give way to somebody better. */
static inline void ready_push_first(struct cpu *cpu, struct vcpu *v)
{
	struct vcpu *best = cpu->next;

	if (__builtin_expect(best && v->priority < best->priority, 0)) {
		ready_wait_first(cpu, v);
		return;
	}
	cpu->next = v;
	if (__builtin_expect(best != NULL, 0))
		ready_wait_first(cpu, best);
}

/* The best one, which is better than v, for v, which is the first among its equals then. */
static inline struct vcpu *ready_exchange(struct cpu *cpu, struct vcpu *v)
{
	struct vcpu *best = cpu->next;

	if (__builtin_expect(!cpu->ready_mask, 1)) {
		cpu->next = v;
	} else {
		cpu->next = ready_refill(cpu);
		ready_push_first(cpu, v);
	}
	return best;
}

/* The best one, which is ready no more, or NULL. */
static inline struct vcpu *ready_take(struct cpu *cpu)
{
	struct vcpu *v = cpu->next;

	cpu->next = __builtin_expect(cpu->ready_mask != 0, 0) ? ready_refill(cpu) : NULL;
	return v;
}

#endif
