// SPDX-License-Identifier: MIT
/* I/O page tables of a domain: 48882 rev 3.11, "I/O Page Tables for Host Translations". Built apart
 * from the nested tables: the formats overlap, but nobody has said that sharing works. */
#include "base/bits.h"
#include "iommu.h"
#include "page.h"
#include "regs.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define LEVELS_MAX    5u /* 57 bits; nobody has more memory */
#define LEVEL_BITS    9u
#define LEVEL_ENTRIES (1u << LEVEL_BITS)
/* 512 GiB leaves are said not to work on hardware: the largest is level 3, 1 GiB. */
#define LEAF_LEVEL_MAX 3u

static unsigned level_shift(unsigned level)
{
	return 12 + LEVEL_BITS * (level - 1);
}

err_t iopt_init(struct domain *d, uint16_t id, uint32_t levels)
{
	if (levels < 1 || levels > LEVELS_MAX)
		return ERR_INVALID;
	phys_t root = page_alloc(1, 1);

	if (root.v == PHYS_NONE.v)
		return ERR_NOMEM;
	*d = (struct domain){ .id = id, .levels = levels, .root = root };
	return OK;
}

/* The table below an entry, made when missing. Permissions are the AND over all levels, so tables
 * grant all and leaves decide. */
static err_t descend(uint64_t *entry, unsigned level, uint64_t **table)
{
	uint64_t e = *entry;

	if (e & PTE_PR) {
		if (field_get(PTE_NEXT_LEVEL, e) != level - 1)
			return ERR_INVALID; /* a large page is mapped here */
	} else {
		phys_t p = page_alloc(1, 1);

		if (p.v == PHYS_NONE.v)
			return ERR_NOMEM;
		e = p.v | PTE_PR | PTE_IR | PTE_IW | field_set(PTE_NEXT_LEVEL, 0, level - 1);
		shared_store64(entry, e);
	}
	*table = phys_to_virt(PHYS(e & PTE_ADDRESS));
	return OK;
}

static unsigned leaf_level(const struct domain *d, uint64_t iova, uint64_t host, uint64_t bytes)
{
	unsigned level = d->levels < LEAF_LEVEL_MAX ? d->levels : LEAF_LEVEL_MAX;

	for (; level > 1; level--) {
		uint64_t size = 1ull << level_shift(level);

		if (((iova | host) & (size - 1)) == 0 && bytes >= size)
			break;
	}
	return level;
}

static err_t map_leaf(struct domain *d, uint64_t iova, uint64_t pte, unsigned leaf)
{
	uint64_t *table = phys_to_virt(d->root);

	for (unsigned level = d->levels;; level--) {
		uint64_t *entry = &table[iova >> level_shift(level) & (LEVEL_ENTRIES - 1)];

		if (level == leaf) {
			if (*entry & PTE_PR)
				return *entry == pte ? OK : ERR_INVALID;
			shared_store64(entry, pte);
			return OK;
		}
		err_t err = descend(entry, level, &table);

		if (err)
			return err;
	}
}

err_t iopt_map(struct domain *d, uint64_t iova, phys_t host, uint64_t bytes, enum iopt_perm perm)
{
	unsigned width = level_shift(d->levels) + LEVEL_BITS;
	uint64_t last = width < 64 ? (1ull << width) - 1 : ~0ull;

	if (bytes == 0)
		return OK;
	if (((iova | host.v | bytes) & PAGE_MASK) || iova > last || bytes - 1 > last - iova ||
		host.v > PTE_ADDRESS || bytes - 1 > PTE_ADDRESS + PAGE_MASK - host.v)
		return ERR_INVALID;
	uint64_t flags = PTE_PR | (perm & IOPT_R ? PTE_IR : 0) | (perm & IOPT_W ? PTE_IW : 0);

	while (bytes) {
		unsigned level = leaf_level(d, iova, host.v, bytes);
		uint64_t size = 1ull << level_shift(level);
		err_t err = map_leaf(d, iova, flags | host.v, level);

		if (err)
			return err;
		iova += size;
		host.v += size;
		bytes -= size;
	}
	return OK;
}
