/* SPDX-License-Identifier: MIT */
/*
 * 128-bit interrupt remapping table entries, remapped to the host or posted to a vCPU.
 * Everything that changes at run time (IsRun, Destination[23:0], GATag, GALogIntr, GAPPIDis) is in
 * the low half, is never cached by the IOMMU (48882 rev 3.11, "Guest Virtual APIC", IRTE caching),
 * and is changed by one 64-bit store. Anything else is changed by one 128-bit store, so that an
 * interrupt that arrives meanwhile is never dropped, then INVALIDATE_INTERRUPT_TABLE,
 * COMPLETION_WAIT; until that is done interrupts may still go where the old entry said.
 */
#ifndef IOMMU_IRTE_H
#define IOMMU_IRTE_H

#include "base/err.h"
#include "base/list.h"
#include "base/types.h"
#include "regs.h"
#include <hw/shared.h>

struct iommu;

struct irte {
	uint64_t q[2];
} __attribute__((aligned(16)));

/* One guest-mode IRTE: what it points to. */
struct post {
	struct list link;    /* avic_vcpu.posts */
	struct irte *irte;   /* (const) */
	struct iommu *iommu; /* (const) */
	devid_t dev;         /* (const) */
	uint32_t index;      /* (const) of the IRTE in the device's table */
	uint8_t vector;      /* guest vector */
	phys_t vapic;        /* backing page */
	uint64_t gappi_dis;  /* (const after irte_post) GAPPIDis' bit, 0 where it is reserved */
	uint64_t
		galog_intr; /* GALogIntr's bit; 0: no entries, whoever waits. irte_post() sets it */
};

#define IRT_COUNT_MAX 512u
/* A device's table: entries IRTEs (a power of two, 32..512). Freed by irt_free() after the DTE is
 * blocked. */
struct irt {
	struct irte *entry;
	phys_t phys;
	uint32_t count;
};
err_t irt_alloc(struct irt *t, uint32_t count) MUST_USE;
void irt_free(struct irt *t);

/* Host delivery: to apicid, fixed, edge (or as the source says), vector. Invalidate + wait
 * included. */
err_t irte_remap(
	struct iommu *u, devid_t dev, struct irte *e, apicid_t apicid, uint8_t vector) MUST_USE;
/* Guest mode for p (irte, iommu, dev, index, vector, vapic filled in), not running, no notification
 * until avic_attach() says otherwise. low holds GATag and Destination. Invalidate + wait included.
 */
err_t irte_post(struct post *p, apicid_t apicid, uint32_t gatag) MUST_USE;
err_t irte_clear(struct iommu *u, devid_t dev, struct irte *e) MUST_USE;

/* The run-time updates: one store each, no command, no look at the entry. Destination[31:24] is in
 * the other half and 0: irte_post() checks it.
 * [irq-path 2] hardware, 48882 rev 3.11, "Guest Virtual APIC": after the OR it reads what stands
 * here. IsRun: doorbell to Destination. Otherwise a GA log entry (GALogIntr) or, when the whole IRR
 * was clear, a GAPPI to Destination (GAPPIDis = 0), by the mechanism that is on. */
static inline void irte_update(struct post *p, uint64_t state, apicid_t apicid, uint32_t gatag)
{
	shared_store64(&p->irte->q[0], IRTE0_REMAP_EN | IRTE0_GUEST_MODE | state |
					       (uint64_t)apicid << 8 | (uint64_t)gatag << 32);
}

/* A doorbell tells the core; no log entry. GAPPIDis in case a GAPPI is raised here too, which
 * 48882 rev 3.11, "Guest APIC Physical Processor Interrupt", does not say. */
static inline void irte_running(struct post *p, apicid_t apicid, uint32_t gatag)
{
	irte_update(p, IRTE0_IS_RUN | p->gappi_dis, apicid, gatag);
}

/* Preempted: the next VMRUN finds the bit. */
static inline void irte_stopped_quiet(struct post *p, apicid_t apicid, uint32_t gatag)
{
	irte_update(p, p->gappi_dis, apicid, gatag);
}

/* Blocked, GALogIntr unless its device has had too many. */
static inline void irte_stopped_galog(struct post *p, apicid_t apicid, uint32_t gatag)
{
	irte_update(p, p->galog_intr, apicid, gatag);
}

/* Blocked, GAPPI armed: GATag[7:0] is the vector. */
static inline void irte_stopped_gappi(struct post *p, apicid_t apicid, uint32_t gatag)
{
	irte_update(p, 0, apicid, gatag);
}

#endif
