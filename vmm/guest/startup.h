/* SPDX-License-Identifier: MIT */
/*
 * INIT, startup messages and NMIs between the vCPUs of a VM (24593 rev 3.44, "Interprocessor
 * Interrupts", "Processor Initialization State").
 *
 *            INIT                    SIPI
 *   runs ----------> waits (OFFLINE) -----> runs, in real mode
 *
 * The sender leaves an event with the target, whose home does the rest. A startup message that
 * finds its target neither waiting nor about to wait does nothing.
 */
#ifndef GUEST_STARTUP_H
#define GUEST_STARTUP_H

#include "base/types.h"

struct cpu;
struct vcpu;

/* By any CPU. page: where the target starts, in units of 4 KiB. */
void startup_send_init(struct cpu *here, struct vcpu *to);
void startup_send_sipi(struct cpu *here, struct vcpu *to, uint8_t page);
void startup_send_nmi(struct cpu *here, struct vcpu *to);
/* On v's home, v RUNNING: does what VCPU_EVENT_INIT, _SIPI and _NMI in events say. True: v waits
 * for a startup message and has left this CPU. */
bool startup_take(struct cpu *here, struct vcpu *v, uint32_t events);

#endif
