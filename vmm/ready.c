/* SPDX-License-Identifier: MIT */
#include "ready.h"

#include "base/check.h"

__attribute__((noinline)) void ready_wait_first(struct cpu *cpu, struct vcpu *v)
{
	list_prepend(&cpu->ready[v->priority], &v->link);
	cpu->ready_mask |= 1u << v->priority;
}

__attribute__((noinline)) void ready_wait_last(struct cpu *cpu, struct vcpu *v)
{
	list_append(&cpu->ready[v->priority], &v->link);
	cpu->ready_mask |= 1u << v->priority;
}

__attribute__((noinline)) struct vcpu *ready_refill(struct cpu *cpu)
{
	unsigned p = 31 - (unsigned)__builtin_clz(cpu->ready_mask);
	struct list *node = list_pop(&cpu->ready[p]);

	CHECK(node);
	cpu->resched = 1;
	if (list_empty(&cpu->ready[p]))
		cpu->ready_mask &= ~(1u << p);
	return CONTAINER_OF(node, struct vcpu, link);
}
