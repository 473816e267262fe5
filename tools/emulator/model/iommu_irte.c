// SPDX-License-Identifier: GPL-2.0-or-later
/* The interrupt remapping table's entries and their cache. 48882 rev 3.11, "Interrupt
 * Remapping Tables". */
#include <string.h>
#include "iommu_internal.h"

static struct irte_slot *slot_of(struct iommu *u, uint16_t devid, uint16_t index)
{
	return &u->irte[(devid * 2654435761u + index) % IRTE_SLOTS];
}

void iommu_irte_drop(struct iommu *u, uint16_t devid)
{
	for (unsigned i = 0; i < IRTE_SLOTS; i++) {
		if (u->irte[i].devid == devid)
			u->irte[i].cached = false;
	}
}

void iommu_irte_drop_all(struct iommu *u)
{
	memset(u->irte, 0, IRTE_SLOTS * sizeof(*u->irte));
}

/* A cached copy differs from memory in what may be cached. That is legal while software
 * is between the change and the invalidation, so it is only counted. */
static void count_stale(struct iommu *u, const struct irte_slot *s, const uint64_t now[2])
{
	bool guest = s->q[0] & IRTE_GUEST;
	uint64_t lo = guest ? ~IRTE_UNCACHED_LO : ~0ull;
	uint64_t hi = guest ? ~IRTE_UNCACHED_HI : ~0ull;

	if (((s->q[0] ^ now[0]) & lo) || ((s->q[1] ^ now[1]) & hi))
		u->stale_irte_uses++;
}

static bool fetch(struct iommu *u, uint64_t addr, uint64_t q[2])
{
	uint32_t word;

	if (iommu_ctl(u, CTL_GA_EN))
		return u->host.load128(u->host.opaque, addr, q);
	if (!u->host.read(u->host.opaque, addr, &word, 4))
		return false;
	q[0] = word;
	q[1] = 0;
	return true;
}

bool iommu_irte(
	struct iommu *u, uint16_t devid, const uint64_t dte[4], uint16_t index, struct irte *out)
{
	struct irte_slot *s = slot_of(u, devid, index);
	unsigned size = iommu_ctl(u, CTL_GA_EN) ? 16 : 4;
	uint64_t now[2];

	out->addr = (dte[2] & DTE2_INT_ROOT) + (uint64_t)index * size;
	if (!fetch(u, out->addr, now)) {
		iommu_event(
			u, EV_PAGE_HW_ERROR, EVF_I | EVF_RW, devid, (uint16_t)dte[1], out->addr);
		return false;
	}
	bool hit = s->cached && s->devid == devid && s->index == index && u->cfg.caching &&
		   !iommu_ctl(u, CTL_IRT_CACHE_DIS);

	if (hit) {
		count_stale(u, s, now);
	} else {
		*s = (struct irte_slot){ .cached = true, .devid = devid, .index = index };
		s->q[0] = now[0];
		s->q[1] = now[1];
	}
	out->q[0] = s->q[0];
	out->q[1] = s->q[1];
	return true;
}
