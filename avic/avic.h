/* SPDX-License-Identifier: MIT */
/*
 * AVIC and x2AVIC: a VM's physical and logical APIC ID tables, a vCPU's backing page, and where its
 * interrupts go while it runs, is preempted, or is blocked.
 *
 *   avic_load():  physical-ID entry first, then each post's IRTE: IsRun = 1
 *   avic_put():   each post's IRTE first, then the physical-ID entry: IsRun = 0
 * The caller's fence and second look at the IRR come after avic_put() (vmm/vcpu.c).
 */
#ifndef AVIC_AVIC_H
#define AVIC_AVIC_H

#include "iommu/irte.h"
#include "svm/svm.h"
#include "base/err.h"
#include "base/list.h"
#include "base/spinlock.h"
#include "base/types.h"
#include "vapic.h"

struct avic_vm {
	uint64_t *physical; /* physical APIC ID table, one page */
	uint32_t *logical;  /* logical APIC ID table, one page; xAPIC only */
	uint32_t max_index; /* highest guest APIC ID */
	bool x2apic;
	bool ipi_running; /* (const) false on CPUs with erratum 1235: IsRunning stays 0 in the table
			   */
};

/* How a vCPU that blocks wants to hear of a post. */
enum put_reason {
	PUT_PREEMPTED,      /* runnable: nobody needs to be told */
	PUT_BLOCKING_GALOG, /* GALogIntr = 1 */
	PUT_BLOCKING_GAPPI, /* GAPPIDis = 0 */
};

/* Where to: the CPU to notify and GATag. Low 8 bits of the tag are always a valid host vector of
 * that CPU and bits 31:8 the vCPU's tag, so that one encoding is right for the GA log and for
 * GAPPI. */
struct wake_target {
	apicid_t apicid;
	uint32_t gatag;
};

#define GATAG(vcpu_tag, vector) ((uint32_t)(vcpu_tag) << 8 | (uint32_t)(vector))
#define GATAG_VCPU(gatag)       ((gatag) >> 8)

struct avic_vcpu {
	struct vapic *page;
	phys_t page_phys;
	uint64_t *entry; /* in the physical APIC ID table */
	struct avic_vm *vm;
	struct svm_vcpu *svm;
	struct spinlock posts_lock; /* rank POSTS: the list, and running/host below */
	struct list posts;          /* (posts_lock) struct post.link */
	bool running;               /* (posts_lock) between load and put */
	struct wake_target target;  /* (posts_lock) as last written */
	enum put_reason put;        /* (posts_lock) valid while !running */
	struct vapic_stash stash;   /* home CPU, while blocked or about to */
	bool active;                /* AVIC enabled in the VMCB */
};

err_t avic_vm_init(struct avic_vm *vm, bool x2apic, uint32_t max_index, bool erratum_1235) MUST_USE;
err_t avic_vcpu_init(struct avic_vcpu *a, struct avic_vm *vm, struct svm_vcpu *svm,
	uint32_t guest_apic_id) MUST_USE;
/* Turns AVIC on or off in the VMCB (with the clean bits and V_TPR); on the vCPU's home, outside the
 * guest. MSR and APIC page access of the VM are the caller's (vmm/vm.c). */
void avic_enable(struct avic_vcpu *a);
void avic_disable(struct avic_vcpu *a);

/* Guest-visible delivery directed to this CPU. target.gatag is kept in the IRTEs also while
 * running. */
void avic_load(struct avic_vcpu *a, struct wake_target target);
void avic_put(struct avic_vcpu *a, enum put_reason why, struct wake_target target);

/* Adds a post (guest-mode IRTE, built by irte_post()) to the vCPU; its IRTE is brought to the
 * vCPU's present state under posts_lock. After attach to a blocked vCPU the caller wakes it once
 * (R4). */
void avic_attach(struct avic_vcpu *a, struct post *post);
void avic_detach(struct avic_vcpu *a, struct post *post);

/* An interrupt by software (IPI emulation, timer, emulated device): IRR bit by locked OR, then the
 * doorbell to the host CPU when running elsewhere with AVIC on. True when the caller must wake or
 * kick the vCPU. */
bool avic_post_software(struct avic_vcpu *a, uint8_t vector, apicid_t here);

/* Exits. avic_ipi: the 401h exit; who has to be woken comes back by avic_ipi_next(). */
struct avic_ipi {
	uint64_t icr;
	uint32_t next;
	uint32_t source;
	bool emulate; /* causes 0, 2, 4: IRR is not set yet, avic_ipi_next() sets it as it goes */
	bool init, sipi, nmi;
	uint8_t vector;
};
struct avic_ipi avic_ipi_begin(struct avic_vm *vm, uint32_t source_id, const struct vmexit *exit);
/* The next destination's guest APIC ID, or -1. */
int avic_ipi_next(struct avic_vm *vm, struct avic_ipi *ipi);
/* The same iteration for an ICR write of the emulated APIC. */
struct avic_ipi avic_ipi_from_icr(struct avic_vm *vm, uint32_t source_id, uint64_t icr);

/* The guest wrote LDR, DFR or ID (xAPIC): rebuilds its logical table entry. */
void avic_logical_update(struct avic_vm *vm, struct avic_vcpu *a, uint32_t guest_apic_id);

#endif
