// SPDX-License-Identifier: MIT
#include "irte.h"

#include "access.h"
#include "cmd.h"
#include "page.h"
#include <hw/mem.h>

#define IRT_COUNT_MIN 32u

static size_t irt_pages(uint32_t count)
{
	return (count * sizeof(struct irte) + PAGE_MASK) / PAGE_BYTES;
}

/* Not mapped, and the device's tries aren't logged: a guest can make its device try as often as it
 * likes. */
#define IRTE0_CLEAR IRTE0_SUP_IOPF

err_t irt_alloc(struct irt *t, uint32_t count)
{
	if (count < IRT_COUNT_MIN || count > IRT_COUNT_MAX || (count & (count - 1)))
		return ERR_INVALID;
	phys_t p = page_alloc(irt_pages(count), 1);

	if (p.v == PHYS_NONE.v)
		return ERR_NOMEM;
	*t = (struct irt){ .entry = phys_to_virt(p), .phys = p, .count = count };
	for (uint32_t i = 0; i < count; i++)
		t->entry[i].q[0] = IRTE0_CLEAR;
	return OK;
}

void irt_free(struct irt *t)
{
	if (t->entry)
		page_free(t->phys, irt_pages(t->count));
	*t = (struct irt){ 0 };
}

/* One store of the whole entry: an interrupt that arrives now sees the old one or the new one,
 * never none. The IOMMU never writes an entry, and the run-time writer (avic/run.c) lets go of it
 * before (avic_detach), so nothing is overwritten that somebody else wrote. */
static err_t change(struct iommu *u, devid_t dev, struct irte *e, uint64_t lo, uint64_t hi)
{
	devid_t alias = iommu_alias(dev);

	spin_lock(&u->lock);
	shared_store128(e->q, lo, hi);
	cmd_invalidate_interrupts(u, dev);
	if (alias != dev)
		cmd_invalidate_interrupts(u, alias);
	err_t err = cmd_finish(u, CMD_TIMEOUT_US);

	spin_unlock(&u->lock);
	return err;
}

err_t irte_remap(struct iommu *u, devid_t dev, struct irte *e, apicid_t apicid, uint8_t vector)
{
	uint64_t lo = IRTE0_REMAP_EN | field_set(IRTE0_DEST, 0, apicid & 0xffffff);
	uint64_t hi =
		field_set(IRTE1_VECTOR, 0, vector) | field_set(IRTE1_DEST_HI, 0, apicid >> 24);

	if (!u->xt && apicid > 0xff)
		return ERR_UNFIT;
	return change(u, dev, e, lo, hi);
}

/* [irq-path 1] hardware, 48882 rev 3.11, "Guest Virtual APIC": a message that selects this entry
 * sets the IRR bit of the vector in the backing page by an atomic OR, whatever the vCPU is doing.
 */
err_t irte_post(struct post *p, apicid_t apicid, uint32_t gatag)
{
	/* The run-time updates write Destination[23:0] only. */
	if (apicid >= 1u << 24 || (!p->iommu->xt && apicid > 0xff))
		return ERR_UNFIT;
	p->gappi_dis = p->iommu->f.gappi_dis ? IRTE0_GAPPI_DIS : 0;
	p->galog_intr = IRTE0_GALOG_INTR;

	uint64_t lo = IRTE0_REMAP_EN | IRTE0_GUEST_MODE | p->gappi_dis |
		      field_set(IRTE0_DEST, 0, apicid) | field_set(IRTE0_GATAG, 0, gatag);
	uint64_t hi = field_set(IRTE1_VECTOR, 0, p->vector) | (p->vapic.v & IRTE1_VAPIC);

	return change(p->iommu, p->dev, p->irte, lo, hi);
}

err_t irte_clear(struct iommu *u, devid_t dev, struct irte *e)
{
	return change(u, dev, e, IRTE0_CLEAR, 0);
}
