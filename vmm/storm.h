/* SPDX-License-Identifier: MIT */
/*
 * A bound on what a device's interrupts cost the host, and with it whoever else runs there.
 *
 * A post to a vCPU that runs, or that was preempted, costs the host nothing, and a GAPPI comes
 * once for each time that its vCPU ran and blocked again: the scheduler's rules bound it. What the
 * device's pace alone decides is how many entries it writes into the GA log, which one pCPU reads
 * for all VMs, and how many interrupts of emulated delivery a pCPU takes. Of both a device has
 * "storm-limit" a second (docs/config.md), counted in periods of STORM_PERIOD_US: what goes beyond
 * that within a period is held back until its end.
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
 * for emulated delivery) and come here when it is used up. An allowance that is left over is good
 * in later periods. So in a period a device causes at most its share, and an allowance (an eighth
 * of it, 256 at most) of each vCPU or message that it has.
 */
#ifndef VMM_STORM_H
#define VMM_STORM_H

#include "base/types.h"

struct assigned_irq;
struct cpu;
struct vcpu;

#define STORM_PERIOD_US 10000

/* Of a device. (device lock) */
struct storm {
	uint64_t until; /* ticks: the present period's end */
	uint32_t left;  /* of its share */
	uint32_t held;  /* messages */
};

/* v's allowance is used up, and there is an entry in the GA log for it. True: v may be woken. On
 * the log's CPU; takes no lock that a caller may hold. */
bool storm_log_entry(struct cpu *here, struct vcpu *v);
/* irq's allowance is used up, and its interrupt has come. True: it may be delivered. */
bool storm_host_interrupt(struct cpu *here, struct assigned_irq *irq);
/* By the timer of any CPU that held something: lets go of what is due, of all devices. Returns when
 * to come again, in ticks; 0: nothing is held. */
uint64_t storm_tick(struct cpu *here, uint64_t now);

#endif
