// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The caches of translations and of page table pointers, both tagged by domain. What is
 * in them is used until a command drops it. Only what is present is ever in them.
 * 48882 rev 3.11, "INVALIDATE_IOMMU_PAGES".
 */
#include <string.h>
#include "iommu_internal.h"

static unsigned tlb_hash(uint16_t domain, uint64_t page)
{
	uint64_t x = (page ^ (uint64_t)domain << 40) * 0x9e3779b97f4a7c15ull;

	return (unsigned)(x >> 40);
}

struct tlb_slot *iommu_tlb_find(struct iommu *u, uint16_t domain, uint64_t iova)
{
	struct tlb_slot *s = &u->tlb[tlb_hash(domain, iova >> 12) % TLB_SLOTS];
	bool hit = s->cached && s->domain == domain && s->page == iova >> 12;

	return hit && u->cfg.caching ? s : NULL;
}

void iommu_tlb_fill(struct iommu *u, uint16_t domain, uint64_t iova, const struct walk *w)
{
	struct tlb_slot *s = &u->tlb[tlb_hash(domain, iova >> 12) % TLB_SLOTS];

	*s = (struct tlb_slot){
		.cached = true,
		.shift = (uint8_t)w->shift,
		.domain = domain,
		.page = iova >> 12,
		.spa = w->spa & ~0xfffull,
		.perms = w->perms,
	};
}

static struct pde_slot *pde_slot(struct iommu *u, uint16_t domain, unsigned level, uint64_t iova)
{
	uint64_t prefix = iova >> (12 + 9 * level);

	return &u->pde[tlb_hash(domain, prefix * 8 + level) % PDE_SLOTS];
}

struct pde_slot *iommu_pde_find(struct iommu *u, uint16_t domain, unsigned level, uint64_t iova)
{
	struct pde_slot *s = pde_slot(u, domain, level, iova);
	bool hit = s->cached && s->domain == domain && s->level == level &&
		   s->prefix == iova >> (12 + 9 * level);

	return hit && u->cfg.caching ? s : NULL;
}

void iommu_pde_fill(struct iommu *u, uint16_t domain, unsigned level, uint64_t iova, uint64_t table,
	uint64_t perms)
{
	*pde_slot(u, domain, level, iova) = (struct pde_slot){
		.cached = true,
		.level = (uint8_t)level,
		.domain = domain,
		.prefix = iova >> (12 + 9 * level),
		.table = table,
		.perms = perms,
	};
}

static bool overlaps(uint64_t start, unsigned shift, uint64_t first, uint64_t last)
{
	uint64_t end = start | (shift >= 64 ? ~0ull : BIT64(shift) - 1);

	return start <= last && end >= first;
}

void iommu_tlb_drop(
	struct iommu *u, uint16_t domain, uint64_t first, uint64_t last, enum tlb_scope scope)
{
	for (unsigned i = 0; i < TLB_SLOTS; i++) {
		struct tlb_slot *s = &u->tlb[i];
		uint64_t start = s->page << 12 >> s->shift << s->shift;

		if (s->cached && s->domain == domain && overlaps(start, s->shift, first, last))
			s->cached = false;
	}
	if (scope == TLB_PAGES)
		return;
	for (unsigned i = 0; i < PDE_SLOTS; i++) {
		struct pde_slot *s = &u->pde[i];
		unsigned shift = 12 + 9 * s->level;

		if (s->cached && s->domain == domain &&
			overlaps(s->prefix << shift, shift, first, last))
			s->cached = false;
	}
}

void iommu_tlb_drop_all(struct iommu *u)
{
	memset(u->tlb, 0, TLB_SLOTS * sizeof(*u->tlb));
	memset(u->pde, 0, PDE_SLOTS * sizeof(*u->pde));
}
