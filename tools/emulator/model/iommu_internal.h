/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the IOMMU model only. */
#ifndef IOMMU_INTERNAL_H
#define IOMMU_INTERNAL_H

#include "iommu.h"
#include "spec_iommu.h"

#define STRICT(u, ...) ((u)->host.strict((u)->host.opaque, __VA_ARGS__))

static inline uint64_t *iommu_reg(struct iommu *u, uint32_t offset)
{
	return offset >= REG_CMD_HEAD ? &u->ring[(offset - REG_CMD_HEAD) / 8] : &u->reg[offset / 8];
}

static inline uint64_t iommu_get(const struct iommu *u, uint32_t offset)
{
	return offset >= REG_CMD_HEAD ? u->ring[(offset - REG_CMD_HEAD) / 8] : u->reg[offset / 8];
}

static inline bool iommu_ctl(const struct iommu *u, uint64_t bits)
{
	return iommu_get(u, REG_CONTROL) & bits;
}

static inline void iommu_stopwatch(
	const struct iommu *u, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c)
{
	if (u->host.stopwatch)
		u->host.stopwatch(u->host.opaque, kind, x, a, b, c);
}

/* iommu_control.c */
uint64_t iommu_control_mask(const struct iommu_config *cfg);
void iommu_control_write(struct iommu *u, uint64_t value);
void iommu_update_run(struct iommu *u);

/* iommu_status.c: sets bits; an enabled one that was clear raises its interrupt. */
void iommu_status_set(struct iommu *u, uint64_t bit);

/* iommu_cmd.c */
uint64_t iommu_log_bytes(const struct iommu *u, uint32_t base_reg);
void iommu_cmd_run(struct iommu *u);

/* iommu_event.c */
void iommu_event(struct iommu *u, enum iommu_event_code code, uint64_t flags, uint16_t devid,
	uint16_t domain, uint64_t address);
void iommu_log_write(struct iommu *u, uint64_t addr, const uint64_t *q, unsigned bytes);
void iommu_late_flush(struct iommu *u);

/* iommu_galog.c */
void iommu_galog_append(struct iommu *u, uint16_t devid, uint32_t tag);

/* iommu_dte.c: what the device may do, from the cached copy. NULL: the request is aborted,
 * and an event was logged unless for a probe. */
enum dte_use { DTE_DMA, DTE_INTERRUPT, DTE_PROBE };
struct dte_slot *iommu_dte(
	struct iommu *u, uint16_t devid, uint64_t address, uint64_t flags, enum dte_use use);
void iommu_dte_drop(struct iommu *u, uint16_t devid);
void iommu_dte_drop_all(struct iommu *u);

/* iommu_walk.c */
struct walk {
	uint64_t spa;
	uint64_t perms;
	unsigned shift;
	enum iommu_event_code fault; /* 0: none */
	uint64_t fault_flags;
	uint64_t fault_addr;
};
void iommu_walk(struct iommu *u, const uint64_t dte[4], uint64_t iova, struct walk *w);

/* iommu_tlb.c */
struct tlb_slot *iommu_tlb_find(struct iommu *u, uint16_t domain, uint64_t iova);
void iommu_tlb_fill(struct iommu *u, uint16_t domain, uint64_t iova, const struct walk *w);
struct pde_slot *iommu_pde_find(struct iommu *u, uint16_t domain, unsigned level, uint64_t iova);
void iommu_pde_fill(struct iommu *u, uint16_t domain, unsigned level, uint64_t iova, uint64_t table,
	uint64_t perms);
enum tlb_scope { TLB_PAGES, TLB_PAGES_AND_TABLES };
void iommu_tlb_drop(
	struct iommu *u, uint16_t domain, uint64_t first, uint64_t last, enum tlb_scope scope);
void iommu_tlb_drop_all(struct iommu *u);

/* iommu_irte.c: the entry as it may be cached. false: it can't be read (logged). */
struct irte {
	uint64_t q[2];
	uint64_t addr;
};
bool iommu_irte(
	struct iommu *u, uint16_t devid, const uint64_t dte[4], uint16_t index, struct irte *out);
void iommu_irte_drop(struct iommu *u, uint16_t devid);
void iommu_irte_drop_all(struct iommu *u);

/* iommu_post.c */
bool iommu_post(struct iommu *u, uint16_t devid, const struct irte *irte);

/* How many SMI filter registers there are. */
static inline unsigned iommu_smi_filters(const struct iommu_config *cfg)
{
	unsigned log2 = cfg->smi_filters & 7;

	return !cfg->smifsup ? 0 : log2 > 4 ? 16 : 1u << log2;
}

#endif
