/* SPDX-License-Identifier: MIT */
/*
 * A bound on what a device's interrupts cost the host, and with it whoever else runs there.
 *
 * A post to a vCPU that runs, or that waits for its turn, costs the host nothing or next to
 * nothing, and a GAPPI comes once for each time that its vCPU ran and blocked again: the
 * scheduler's rules bound it. What the device's pace alone decides is how often a vCPU is woken by
 * way of the GA log, which one pCPU reads for all VMs, and how many interrupts of emulated delivery
 * a pCPU takes. Of both a device has "storm-limit" a second (docs/config.md), counted in periods of
 * STORM_PERIOD_US: what goes beyond that within a period is held back until its end.
 *
 *      open --the period's share is used up, and message n fires--> message n held
 *        ^                                                             |
 *        +---------------------- the period ends ----------------------+
 *
 * Held, posted: the IRTE asks for no GA log entry. Posts set their bits in the backing page as
 * ever, and a vCPU that runs takes them; one that is blocked is looked at when the period ends.
 * Held, emulated: the IRTE drops the message, silently, and the interrupt that was one too many is
 * delivered when the period ends. So a message that was held fires once then, for all that it did
 * meanwhile: as a pending bit of an APIC does, which is what an edge-triggered message is made of.
 *
 * The fast paths count down a small allowance of their own (of a vCPU for the GA log, of a message
 * for emulated delivery), an eighth of the share and 256 at most; what was used of it is paid out
 * of the share when it is used up, unless it was granted before the period. So in a period a device
 * causes at most its share, and two allowances for each vCPU or message that it uses.
 */
#ifndef VMM_STORM_H
#define VMM_STORM_H

#include "base/types.h"

struct assigned_irq;
struct cpu;
struct vcpu;

#define STORM_PERIOD_US 10000
/* Of a new vCPU: wakes, and entries that woke nobody. A log of 512 that is full of one vCPU's has
 * four looks for the latter. */
#define STORM_FIRST   8
#define STORM_USELESS 127

/* Of a device. (device lock) */
struct storm {
	uint64_t until;  /* ticks: the present period's end */
	uint32_t left;   /* of its share */
	uint32_t held;   /* messages */
	uint32_t untold; /* messages */
};

/* v has been woken by an entry of the GA log, and its allowance is used up: the devices whose
 * interrupts are pending get it a new one, or are held. On the log's CPU. */
void storm_woken(struct cpu *here, struct vcpu *v) __attribute__((noinline, cold));
/* v had many entries that woke nobody: if it waits for its turn, posts ask for no more of them. */
void storm_useless(struct vcpu *v) __attribute__((noinline, cold));
/* irq's allowance is used up, and its interrupt has come. True: it may be delivered. */
bool storm_host_interrupt(struct cpu *here, struct assigned_irq *irq)
	__attribute__((noinline, cold));
/* By the timer of any CPU that held something: lets go of what is due, of all devices, and puts
 * what was held on the log. Returns when to come again, in ticks; 0: nothing is held. */
uint64_t storm_tick(struct cpu *here, uint64_t now);

#endif
