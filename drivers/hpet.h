/* SPDX-License-Identifier: MIT */
/* The HPET: its ACPI table and its registers (IA-PC HPET Specification 1.0a, "Memory Mapped
 * Registers", "The ACPI 2.0 HPET Description Table"). Nothing of the host's own runs by it. */
#ifndef DRIVERS_HPET_H
#define DRIVERS_HPET_H

#include "base/bits.h"
#include "base/types.h"

/* Offsets. Comparator n's registers are HPET_COMPARATOR_BYTES * n further on. */
enum hpet_register {
	HPET_CAPABILITIES = 0x000,
	HPET_CONFIG = 0x010,
	HPET_COUNTER = 0x0f0,
	HPET_TN_CONFIG = 0x100,
	HPET_TN_COMPARATOR = 0x108,
	HPET_TN_FSB_VALUE = 0x110,
	HPET_TN_FSB_ADDRESS = 0x114,
};
#define HPET_COMPARATOR_BYTES 0x20u
#define HPET_BYTES            0x400u

#define HPET_CAP_LAST   FIELD(12, 8) /* NUM_TIM_CAP: the last comparator's number */
#define HPET_CAP_LEGACY BIT(15)      /* LEG_RT_CAP */
#define HPET_ENABLE     BIT(0)       /* ENABLE_CNF */
#define HPET_LEGACY     BIT(1)       /* LEG_RT_CNF: the wires of the 8254 and the RTC */
#define HPET_TN_ENABLE  BIT(2)       /* INT_ENB_CNF */
#define HPET_TN_ROUTE   FIELD(13, 9) /* INT_ROUTE_CNF: an input of an I/O APIC */
#define HPET_TN_FSB     BIT(14)      /* FSB_EN_CNF: a message instead */
#define HPET_TN_FSB_CAP BIT(15)      /* FSB_INT_DEL_CAP */

struct hpet {
	volatile uint8_t *regs;
	phys_t base;
	uint8_t number; /* as in the IVRS */
	uint32_t comparators;
};

/* The machine's first one, found anew at each call. False: no table, or nothing answers there. */
bool hpet_find(struct hpet *h);
/* Comparators that can send messages, from 0 on. */
uint32_t hpet_messages(const struct hpet *h);
/* The counter stands, and no comparator interrupts. */
void hpet_stop(const struct hpet *h);

static inline uint32_t hpet_tn(uint32_t n, enum hpet_register reg)
{
	return (uint32_t)reg + HPET_COMPARATOR_BYTES * n;
}

#endif
