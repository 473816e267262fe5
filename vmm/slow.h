/* SPDX-License-Identifier: MIT */
/* What is done now and then, by a timer interrupt. On any CPU: storms (storm.h) that it holds back.
 * On the boot CPU: the audit of halted vCPUs, samples of CPU time, interrupt lines that were held,
 * new periods of notices, log lines that could wait, a look at the keyboard and at the mailboxes of
 * virtual functions, and steps of VMs that start anew. */
#ifndef VMM_SLOW_H
#define VMM_SLOW_H

#include "base/types.h"

struct cpu;

#define SLOW_US 1000000 /* longest time between two calls; the audit's period */

/* now in ticks; returns when to call again, in ticks. */
uint64_t slow_tick(struct cpu *here, uint64_t now);

#endif
