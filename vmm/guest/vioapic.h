/* SPDX-License-Identifier: MIT */
/*
 * A guest's I/O APIC (Intel 82093AA; the EOI register of version 20h). It has 24 pins.
 *
 * Level-triggered pins: an assertion sets the IRR bit and the TMR bit of the vector and remote IRR;
 * the guest's EOI of a vector with its TMR bit set exits, with AVIC too, and comes here: remote IRR
 * is cleared, and a pin that is still asserted is sent again. A pin that stands for a device's INTx
 * is lowered by it: the device itself raises it again if it still wants something.
 */
#ifndef GUEST_VIOAPIC_H
#define GUEST_VIOAPIC_H

#include "base/spinlock.h"
#include "base/types.h"

#define VIOAPIC_PINS 24

struct cpu;
struct vm;
struct mmio_access;

struct vioapic {
	struct spinlock lock; /* rank DEVICE */
	uint32_t index;       /* (lock) IOREGSEL */
	uint32_t id;          /* (lock) */
	uint32_t asserted;    /* (lock) level of each pin */
	uint32_t lines;       /* (const) pins of devices' INTx: intx.h */
	uint64_t entry[VIOAPIC_PINS];
};

void vioapic_reset(struct vioapic *io);
/* The guest reads or writes its page. here: this CPU. */
void vioapic_access(struct cpu *here, struct vm *vm, struct mmio_access *a);
/* A device raises or lowers its pin, 0 to 23. Edge-triggered pins interrupt as they rise. */
void vioapic_raise(struct cpu *here, struct vm *vm, unsigned pin);
void vioapic_lower(struct vm *vm, unsigned pin);
/* A vCPU's EOI of a level-triggered vector, or a write of the EOI register. */
void vioapic_eoi(struct cpu *here, struct vm *vm, uint8_t vector);

#endif
