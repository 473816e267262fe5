/* SPDX-License-Identifier: MIT */
/* This CPU's own local APIC: x2APIC where there is, xAPIC otherwise. */
#ifndef DRIVERS_LAPIC_H
#define DRIVERS_LAPIC_H

#include "base/types.h"
#include <hw/cpu.h>
#include <hw/mmio.h>

/* Written by lapic_init_cpu(), the same on all CPUs; here for lapic_eoi() only. */
extern bool lapic_is_x2apic;
extern volatile uint8_t *lapic_mmio;

void lapic_init_cpu(void); /* software enable, TPR 0, LVTs masked, spurious vector FFh */
/* Once, on the boot CPU after clock_init(): how fast the timer counts. */
void lapic_timer_init(void);
bool lapic_x2apic(void);
apicid_t lapic_id(void);

/* On the wake path: not a call. */
static inline void lapic_eoi(void)
{
	if (__builtin_expect(lapic_is_x2apic, 1))
		hw_wrmsr(0x80b, 0);
	else
		mmio_write32(lapic_mmio + 0xb0, 0);
}

void lapic_send(apicid_t target, uint8_t vector); /* fixed, edge */
void lapic_send_nmi(apicid_t target);
void lapic_send_init(apicid_t target);
void lapic_send_sipi(apicid_t target, uint8_t page);
/* One shot on VEC_TIMER at an absolute time in ticks of cpu_ticks(); 0 disarms. */
void lapic_timer_arm(uint64_t deadline_ticks);

#endif
