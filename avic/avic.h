/* SPDX-License-Identifier: MIT */
/*
 * AVIC and x2AVIC: a VM's physical and logical APIC ID tables, a vCPU's backing page, and where its
 * interrupts go while it runs, is preempted, or is blocked.
 *
 *                  avic_load(): physical-ID entry, then each IRTE
 *      not running ------------------------------------------------> running
 *      (quiet, GALOG  <---------------------------------------------
 *       or GAPPI)  avic_put(): each IRTE, then the physical-ID entry
 *
 * Its APIC's mode, which each vCPU changes by itself (all else is #GP):
 *
 *      xAPIC ----> x2APIC
 *       |  ^         |
 *       v  |         |
 *       off <--------+
 *
 * run.c writes the first state. The caller's fence and second look at the IRR come after avic_put()
 * (vmm/vcpu.c).
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
	uint64_t *physical;              /* physical APIC ID table, one page */
	uint32_t *logical;               /* logical APIC ID table, one page; xAPIC only */
	uint32_t max_index;              /* highest guest APIC ID */
	uint32_t mode[PHYSICAL_ENTRIES]; /* (shared) enum vapic_mode by guest APIC ID */
	/* (const) what a loaded vCPU's entry has set: IsRunning, or nothing on CPUs with erratum
	 * 1235, where a sender may see a cleared IsRunning as still set and ring instead of
	 * exiting. There each IPI exits; posting by the IOMMU has its own IsRun. */
	uint64_t running_bit;
	struct spinlock logical_lock; /* rank POSTS, never held together with a posts_lock */
};

/* The physical table's field; a host with larger APIC IDs can't use AVIC. */
#define AVIC_HOST_APICID_MAX 4095u

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
	uint64_t *entry;     /* in the physical APIC ID table; written under posts_lock */
	uint64_t entry_base; /* (const) valid, page; without IsRunning and host APIC ID */
	struct avic_vm *vm;
	struct svm_vcpu *svm;
	struct spinlock posts_lock; /* rank POSTS: the list, and running/host below */
	struct list posts;          /* (posts_lock) struct post.link */
	bool running;               /* (posts_lock) between load and put */
	struct wake_target target;  /* (posts_lock) as last written */
	enum put_reason put;        /* (posts_lock) valid while !running */
	struct vapic_stash stash;   /* home CPU, while blocked or about to */
	bool active;                /* (posts_lock) AVIC enabled in the VMCB */
};

/* mode: of all APICs at the start. */
err_t avic_vm_init(
	struct avic_vm *vm, enum vapic_mode mode, uint32_t max_index, bool erratum_1235) MUST_USE;
err_t avic_vcpu_init(struct avic_vcpu *a, struct avic_vm *vm, struct svm_vcpu *svm,
	uint32_t guest_apic_id) MUST_USE;
static inline uint32_t avic_id(const struct avic_vcpu *a)
{
	return (uint32_t)(a->entry - a->vm->physical);
}
static inline enum vapic_mode avic_mode(const struct avic_vcpu *a)
{
	return (enum vapic_mode)shared_load32(&a->vm->mode[avic_id(a)]);
}
/* On the home, outside the guest, with AVIC off, from and to any mode. */
void avic_set_mode(struct avic_vcpu *a, enum vapic_mode mode);
/* INIT: registers as after reset, IRR and ISR emptied, the mode stays; on the home, outside the
 * guest. */
void avic_vcpu_reset(struct avic_vcpu *a);
/* Turns AVIC on (for the mode that the APIC is in, which isn't off) or off in the VMCB (with the
 * clean bits and V_TPR); on the vCPU's home, outside the guest. MSR and APIC page access of the VM
 * are the caller's (vmm/vm.c). */
void avic_enable(struct avic_vcpu *a);
void avic_disable(struct avic_vcpu *a);

/* Between the files of avic/. The page of a guest APIC ID, or NULL; run.c's part of on and off. */
struct vapic *avic_page_of(struct avic_vm *vm, uint32_t guest_apic_id);
void avic_set_active(struct avic_vcpu *a, bool active);
void avic_sync_priority(struct avic_vcpu *a);

/* Guest-visible delivery directed to this CPU. target.gatag is kept in the IRTEs also while
 * running. */
void avic_load(struct avic_vcpu *a, struct wake_target target);
void avic_put(struct avic_vcpu *a, enum put_reason why, struct wake_target target);

/* Adds a post (guest-mode IRTE, built by irte_post()) to the vCPU; its IRTE is brought to the
 * vCPU's present state under posts_lock. An IRR bit that landed before that told nobody: the caller
 * goes on with avic_notify(). */
void avic_attach(struct avic_vcpu *a, struct post *post);
/* From here on the IRTE stays as it is. The caller turns it off (irte_clear(), irte_remap(),
 * irte_post()), which flushes, and then goes on with avic_notify(): bits that landed meanwhile may
 * have told nobody. */
void avic_detach(struct avic_vcpu *a, struct post *post);

/* Whether posts of this one ask for GA log entries while the vCPU is blocked: galog_intr is
 * GALogIntr's bit, or 0. Afterwards the caller of the former looks at the IRR. */
void avic_set_galog_intr(struct avic_vcpu *a, struct post *post, uint64_t galog_intr);
/* The vCPU, if *state says runnable, waits for its turn and needs no GA log entries any more. */
void avic_quiet(struct avic_vcpu *a, const uint32_t *state, uint32_t runnable);
/* Those that ask for entries and whose vector's IRR bit is set, max at most; when there is none,
 * any that asks for entries. Returns how many. */
uint32_t avic_pending_posts(struct avic_vcpu *a, struct post *out[], uint32_t max);

/* After IRR bits were written by a locked operation: the doorbell if the vCPU runs on another CPU
 * with AVIC on. True when that isn't enough and the caller must wake or kick the vCPU. */
bool avic_notify(struct avic_vcpu *a, apicid_t here);
/* An interrupt by software (IPI emulation, timer, emulated device): IRR bit by locked OR, then the
 * doorbell to the host CPU when running elsewhere with AVIC on. True when the caller must wake or
 * kick the vCPU. */
bool avic_post_software(struct avic_vcpu *a, uint8_t vector, apicid_t here);

/* Exits. avic_ipi: the 401h exit; who has to be woken comes back by avic_ipi_next(). */
struct avic_ipi {
	uint64_t icr;
	uint32_t next;
	uint32_t source;
	bool emulate; /* IRR is not set yet: avic_ipi_next() sets it as it goes */
	bool init, sipi, nmi;
	bool wide;           /* icr is as in x2APIC mode: 32 bits of target */
	bool illegal_vector; /* goes to nobody; the sender's ESR says so: emulated_esr() */
	uint8_t vector;      /* SIPI: the start page */
};
struct avic_ipi avic_ipi_begin(struct avic_vm *vm, uint32_t source_id, const struct vmexit *exit);
/* The next destination's guest APIC ID, or -1. INIT, SIPI, NMI: the caller leaves the event with
 * it. Otherwise its IRR bit is set, and the caller goes on with avic_notify(). */
int avic_ipi_next(struct avic_vm *vm, struct avic_ipi *ipi);
/* The same iteration for an ICR write of the emulated APIC, in the form of the sender's mode. */
struct avic_ipi avic_ipi_from_icr(struct avic_vm *vm, uint32_t source_id, uint64_t icr);
/* The same for a device's message, as an ICR in xAPIC form: 8 bits of target. */
struct avic_ipi avic_ipi_from_message(struct avic_vm *vm, uint64_t icr);

/* The guest wrote an LDR or DFR (xAPIC): makes the logical table anew from all pages. */
void avic_logical_update(struct avic_vm *vm);

#endif
