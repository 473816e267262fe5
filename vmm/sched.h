/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU a pCPU runs: priorities, round robin among equals, a tick only when equals
 * wait. Each pCPU has its ready queues to itself; others reach it by its inbox and a kick.
 */
#ifndef VMM_SCHED_H
#define VMM_SCHED_H

#include "cpu.h"
#include "vcpu.h"

void sched_init_cpu(struct cpu *cpu);
/* The loop of a pCPU: pick, run, or idle. For ever. */
_Noreturn void sched_loop(struct cpu *cpu);
/* One turn of it; false when there was nothing to run and the CPU slept. For host tests. */
bool sched_turn(struct cpu *cpu);

/* v is RUNNABLE and on no queue: put it on its home's ready queue (local) or inbox,
 * and kick a remote home. Called by whoever won vcpu_wake(). here is the calling CPU. */
void sched_enqueue(struct cpu *here, struct vcpu *v);
/* VEC_KICK: empties the inbox into the ready queues, and leaves the guest to look for events. */
void sched_inbox(struct cpu *cpu);
/* VEC_TIMER: end of a slice, guests' timers, the backstop. */
void sched_tick(struct cpu *cpu);
/* Sets the host timer of this CPU to whatever is due first, or off. */
void sched_arm_timer(struct cpu *cpu);

#endif
