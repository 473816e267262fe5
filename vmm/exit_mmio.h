/* SPDX-License-Identifier: MIT */
/* Memory of a guest behind which there is a device in software: nested page faults to accesses. */
#ifndef VMM_EXIT_MMIO_H
#define VMM_EXIT_MMIO_H

#include "base/types.h"

struct cpu;
struct vcpu;
struct vmexit;

/* One access, as a device sees it. bytes is 1, 2, 4 or 8; at need not be aligned. */
struct mmio_access {
	gpa_t at;
	unsigned bytes;
	bool write;
	uint64_t
		value; /* write: zero-extended; read: filled in by the device, bits above ignored */
};

/* A nested page fault. False: there is no device at that address. The VM is stopped when a device
 * is reached by an instruction that is none of decode.h's. */
bool exit_mmio(struct cpu *here, struct vcpu *v, const struct vmexit *e);
/* xAPIC: an access to the APIC page that AVIC hands back before it is done (402h, fault). */
void exit_mmio_apic(struct cpu *here, struct vcpu *v, uint32_t offset);

#endif
