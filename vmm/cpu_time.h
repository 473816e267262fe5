/* SPDX-License-Identifier: MIT */
/*
 * Who has how much of the pCPUs, by sampling: whom each pCPU runs is looked at when the slow timer
 * comes, and the time since the last look is put down to that vCPU. Nobody reads a clock for it on
 * any path, and a pCPU that must not be disturbed isn't. So it is an estimate: right on average,
 * coarse while the timer comes once a second.
 */
#ifndef VMM_CPU_TIME_H
#define VMM_CPU_TIME_H

#include "base/types.h"

struct vcpu;

/* On the CPU of the slow timer; now in ticks. */
void cpu_time_sample(uint64_t now);
/* Milliseconds since boot, as estimated. */
uint64_t cpu_time_ms(const struct vcpu *v);
uint64_t cpu_idle_ms(uint32_t cpu);

#endif
