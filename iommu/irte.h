/* SPDX-License-Identifier: MIT */
/*
 * 128-bit interrupt remapping table entries, remapped to the host or posted to a vCPU.
 * Everything that changes at run time (IsRun, Destination[23:0], GATag, GALogIntr, GAPPIDis) is in
 * the low half, is never cached by the IOMMU (48882 rev 3.11, "Guest Virtual APIC", IRTE caching),
 * and is changed by one 64-bit store. Anything else goes off, high half, on,
 * INVALIDATE_INTERRUPT_TABLE, COMPLETION_WAIT.
 */
#ifndef IOMMU_IRTE_H
#define IOMMU_IRTE_H

#include "base/err.h"
#include "base/list.h"
#include "base/types.h"

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
};

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

/* The run-time updates: one store each, no command. gappi_dis is honoured where EFR2 has
 * GAPPIDisSup. */
void irte_running(struct post *p, apicid_t apicid, uint32_t gatag);
void irte_stopped_quiet(struct post *p, apicid_t apicid, uint32_t gatag); /* preempted */
void irte_stopped_galog(struct post *p, apicid_t apicid, uint32_t gatag); /* blocked, GALogIntr */
void irte_stopped_gappi(struct post *p, apicid_t apicid, uint32_t gatag); /* blocked, GAPPI armed */

#endif
