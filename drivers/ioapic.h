/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs (Intel 82093AA; the EOI register of version 20h). At boot all pins are masked; one at a
 * time is taken for the INTx of a device that has no messages. What a pin sends goes through the
 * IOMMU, so its "vector" is the index of an entry in the I/O APIC's interrupt table, and the local
 * APIC's EOI, which carries another vector, never ends it: ioapic_unmask() does.
 */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include "base/types.h"

struct ioapic_pin {
	volatile uint8_t *regs;
	uint8_t ioapic_id; /* as in the MADT and the IVRS */
	uint8_t pin, index;
	bool eoi_register; /* version 20h and up */
};

void ioapic_mask_all(void); /* also the 8259s */
/* The pin of a global system interrupt; false: no I/O APIC has it. */
bool ioapic_find(uint32_t gsi, struct ioapic_pin *pin);
/* Level-triggered and active low, as INTx is, with an index of the interrupt table (below 256);
 * masked. Sets pin->index. */
void ioapic_set(struct ioapic_pin *pin, uint8_t index);
void ioapic_mask(const struct ioapic_pin *pin);
/* A masked pin: ends what it sent last, and lets it send again, at once where it is still asserted.
 */
void ioapic_unmask(const struct ioapic_pin *pin);

#endif
