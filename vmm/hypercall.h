/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of the built-in guest (VMMCALL): function in RAX, arguments in RBX, RCX, RDX, RSI;
 * result in RAX, 0 or a negative error. Shared with tests/guest/. "control" ones need control = yes
 * in the config. HC_MARK is also what the stopwatch's reader looks for: RAX = HC_MARK | arm << 32
 * in a VMMCALL exit, so that the marks are the same under any hypervisor.
 */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#include <stdint.h>

#define HC_PUTS         0x52000001 /* RBX gpa, RCX bytes (<= 512): text to the console */
#define HC_MARK         0x52000002 /* RAX 63:32 arm number, RBX 1 begin 0 end; see above */
#define HC_ROUTE        0x52000003 /* RBX device number, RCX message, RDX vCPU, RSI vector */
#define HC_SET_DELIVERY 0x52000004 /* control. RBX enum delivery_mode */
#define HC_SET_HALT     0x52000005 /* control. RBX enum halt_mode */
#define HC_RESULT       0x52000006 /* RBX gpa of a struct arm_result: an arm's own account */
#define HC_COUNTERS                                                                                \
	0x52000007 /* RBX gpa of a struct hc_counters: the hypervisor's account so far */
#define HC_MIGRATE  0x52000008 /* control. RBX vCPU (or ~0 self), RCX pCPU index */
#define HC_EXIT     0x52000009 /* RBX status: the VM is done; when all are, the machine stops */
#define HC_FEATURES 0x5200000a /* -> RAX: HC_FEATURE_* */
#define HC_PARK     0x5200000b /* this vCPU goes OFFLINE: neither runnable nor blocked */
#define HC_UNPARK   0x5200000c /* control. RBX vCPU -> RAX 1: goes on; 0: was not parked (yet) */
/* RBX device number, RCX pin of the VM's I/O APIC: the device's own pin goes there. For hypervisors
 * that give their VMs an I/O APIC; here it is an error. */
#define HC_ROUTE_PIN 0x5200000d

#define HC_GETC 0x5200000e /* -> RAX: the next byte that was typed to the VM, or -1 */

#define HC_FEATURE_POSTED 1
#define HC_FEATURE_GALOG  2
#define HC_FEATURE_GAPPI  4
#define HC_FEATURE_X2APIC 8

/* An arm as the guest saw it. HC_RESULT logs it as one line for tools/report:
 *   REPORT result arm=4 name=posted-busy state=done sent=10000 delivered=10000 duplicates=0 lost=0
 * state is done, skipped (the machine can't; all counts 0) or failed (given up half-way). name is
 * cut at its first byte that is not [a-z0-9-]. */
enum arm_state { ARM_DONE, ARM_SKIPPED, ARM_FAILED };
struct arm_result {
	uint32_t arm;
	uint32_t state; /* enum arm_state */
	char name[32];
	uint64_t sent, delivered, duplicates, lost;
};

/* The hypervisor's account so far: vCPU counters summed over the calling VM, host interrupts over
 * all pCPUs, IOMMU counters over all IOMMUs. HC_COUNTERS copies it to the guest. HC_MARK logs it
 * at the moment of the mark (the mark's own exit is counted at both edges), every member by its
 * name and in this order:
 *   REPORT counters arm=4 edge=begin exits=123 exits_hlt=45 ...    (edge=end likewise) */
struct hc_counters {
	uint64_t exits; /* all, of whatever kind */
	uint64_t exits_hlt, exits_intr, exits_hypercall, exits_ipi, exits_noaccel, exits_npf;
	uint64_t blocks, block_cancels, wakes, spurious_wakes, parked_bits, preemptions;
	uint64_t host_interrupts;   /* taken by the pCPUs, of any vector */
	uint64_t device_interrupts; /* of these: remapped ones of assigned devices */
	uint64_t galog_entries, galog_overflows;
	uint64_t iommu_mmio_reads, iommu_mmio_writes, iommu_commands;
};

#endif
