/* SPDX-License-Identifier: MIT */
/* This CPU's own local APIC: x2APIC where there is, xAPIC otherwise. */
#ifndef DRIVERS_LAPIC_H
#define DRIVERS_LAPIC_H

#include "base/types.h"

void lapic_init_cpu(void); /* software enable, TPR 0, LVTs masked, spurious vector FFh */
/* Once, on the boot CPU after clock_init(): how fast the timer counts. */
void lapic_timer_init(void);
bool lapic_x2apic(void);
apicid_t lapic_id(void);
void lapic_eoi(void);
void lapic_send(apicid_t target, uint8_t vector); /* fixed, edge */
void lapic_send_nmi(apicid_t target);
void lapic_send_init(apicid_t target);
void lapic_send_sipi(apicid_t target, uint8_t page);
/* One shot on VEC_TIMER at an absolute time in ticks of cpu_ticks(); 0 disarms. */
void lapic_timer_arm(uint64_t deadline_ticks);

#endif
