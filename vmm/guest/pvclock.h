/* SPDX-License-Identifier: MIT */
/*
 * Time by the ABI of KVM's paravirtual clock (Linux's Documentation/virt/kvm/x86/msr.rst,
 * cpuid.rst): a guest learns how fast its TSC goes and what time it is, and calibrates nothing. The
 * host's TSC is invariant and the guest's differs from it by a constant, so that what is written
 * when the guest asks for it stays true.
 */
#ifndef GUEST_PVCLOCK_H
#define GUEST_PVCLOCK_H

#include "base/types.h"

struct vcpu;

#define MSR_PVCLOCK_WALL   0x4b564d00u
#define MSR_PVCLOCK_SYSTEM 0x4b564d01u

/* CPUID of the interface, at 40000100h; features in EAX of the leaf after it. */
#define PVCLOCK_LEAF     0x40000100u
#define PVCLOCK_FEATURES 0x01000008u /* bit 3: the two MSRs; bit 24: the clock never warps */

struct pvclock {
	uint64_t start_ticks; /* (const) when the VM was created: 0 of its clock */
	uint64_t wall;        /* MSR as last written */
};

/* False: the guest gets #GP. */
bool pvclock_write(struct vcpu *v, uint32_t msr, uint64_t value);
uint64_t pvclock_read(const struct vcpu *v, uint32_t msr);

#endif
