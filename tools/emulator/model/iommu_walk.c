// SPDX-License-Identifier: GPL-2.0-or-later
/* The host (version 1) page tables. 48882 rev 3.11, "I/O Page Tables". */
#include "iommu_internal.h"

static unsigned level_shift(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static bool fault(struct walk *w, uint64_t flags)
{
	w->fault = EV_IO_PAGE_FAULT;
	w->fault_flags = flags;
	return false;
}

/* NextLevel 7: the number of 1 bits from bit 12 up gives the size, 2^(13 + ones). It must
 * be a size between this level's own and the next one's. */
static bool encoded_leaf(struct walk *w, unsigned level, uint64_t pte)
{
	unsigned shift = 13;

	while (shift < 52 && (pte & BIT64(shift - 1)))
		shift++;
	if (shift < level_shift(level) || shift >= level_shift(level + 1))
		return fault(w, EVF_PR | EVF_RZ);
	w->shift = shift;
	return true;
}

/* One entry. true: go on to (*level, *table), or the leaf is found (w->shift set). */
static bool step(struct walk *w, uint64_t pte, uint64_t iova, unsigned *level, uint64_t *table)
{
	unsigned next = (unsigned)bits_get(pte, 11, 9);

	if (!(pte & PTE_PR))
		return fault(w, 0);
	if (pte & PTE_RESERVED)
		return fault(w, EVF_PR | EVF_RZ);
	w->perms &= pte;
	if (next == 0)
		w->shift = level_shift(*level);
	else if (next == 7 && !encoded_leaf(w, *level, pte))
		return false;
	if (w->shift) {
		uint64_t offset = BIT64(w->shift) - 1;

		w->spa = (pte & PTE_ADDR & ~offset) | (iova & offset);
		return true;
	}
	if (next >= *level)
		return fault(w, EVF_PR | EVF_RZ);
	/* Levels may be skipped where the address bits that they would index are zero. */
	if (level_shift(next + 1) < level_shift(*level) &&
		bits_get(iova, level_shift(*level) - 1, level_shift(next + 1)))
		return fault(w, 0);
	*level = next;
	*table = pte & PTE_ADDR;
	return true;
}

/* Begin at the deepest table that the page directory cache knows. */
static void start(struct iommu *u, const uint64_t dte[4], uint64_t iova, struct walk *w,
	unsigned *level, uint64_t *table)
{
	unsigned mode = (unsigned)bits_get(dte[0], 11, 9);
	uint16_t domain = (uint16_t)dte[1];

	*level = mode;
	*table = dte[0] & DTE0_ROOT;
	for (unsigned l = 1; l < mode; l++) {
		const struct pde_slot *s = iommu_pde_find(u, domain, l, iova);

		if (s) {
			*level = l;
			*table = s->table;
			w->perms = s->perms;
			return;
		}
	}
}

void iommu_walk(struct iommu *u, const uint64_t dte[4], uint64_t iova, struct walk *w)
{
	unsigned mode = (unsigned)bits_get(dte[0], 11, 9);
	unsigned level;
	uint64_t table;

	*w = (struct walk){ .perms = PTE_IR | PTE_IW };
	if (mode < 6 && iova >> (12 + 9 * mode)) {
		fault(w, 0);
		return;
	}
	start(u, dte, iova, w, &level, &table);
	while (!w->shift) {
		unsigned high = level_shift(level) + 8 > 63 ? 63 : level_shift(level) + 8;
		uint64_t addr = table + 8 * bits_get(iova, high, level_shift(level));
		uint64_t pte;

		if (!u->host.load64(u->host.opaque, addr, &pte)) {
			w->fault = EV_PAGE_HW_ERROR;
			w->fault_addr = addr;
			return;
		}
		if (!step(w, pte, iova, &level, &table))
			return;
		if (!w->shift)
			iommu_pde_fill(u, (uint16_t)dte[1], level, iova, table, w->perms);
	}
}
