/* SPDX-License-Identifier: MIT */
/*
 * Budgets: vCPUs that may run for so long in each period only (vmm/server.h says how). Whoever has
 * none costs nothing here but a look when he is loaded.
 *
 *          load, within budget               used up
 *  ready -----------------------> charged ------------> throttled --- refilled --> ready
 *    ^   \---- load, used up ---------------------------^
 *
 * The vCPU is RUNNABLE while it is throttled, so nobody can wake it, and a pCPU looks at it once in
 * a period at most. Time is charged from load to the load of the next one: exits, the host's
 * interrupts that come meanwhile and the switch away are the running vCPU's.
 *
 * All on the vCPU's home, with interrupts off: no lock.
 */
#ifndef VMM_BUDGET_H
#define VMM_BUDGET_H

#include "base/types.h"
#include "cpu.h"
#include "vcpu.h"

/* budget 0: none. Before v starts. */
void budget_init(struct vcpu *v, uint64_t budget_us, uint64_t period_us);

/* v is to be loaded, after cpu->charged or nobody. False: it has no time left and is throttled. */
bool budget_switch(struct cpu *cpu, struct vcpu *v);
static inline bool budget_lets(struct cpu *cpu, struct vcpu *v)
{
	if (__builtin_expect(!((uintptr_t)cpu->charged | v->server.period), 1))
		return true;
	return budget_switch(cpu, v);
}

/* Nobody is loaded: the clock stops. Also when the charged one leaves this pCPU for good. */
void budget_stop(struct cpu *cpu);
/* VEC_TIMER: has the running vCPU used its time up (VCPU_EVENT_BUDGET)? Whose time has come back?
 */
void budget_tick(struct cpu *cpu, uint64_t now);
/* After VCPU_EVENT_BUDGET. True: v is throttled and has left this CPU. */
bool budget_over(struct cpu *cpu, struct vcpu *v);
/* When budget_tick() has something to do; 0: never. */
uint64_t budget_due(const struct cpu *cpu);

#endif
