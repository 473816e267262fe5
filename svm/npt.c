/* SPDX-License-Identifier: MIT */
/* Four levels, like the host's own tables; every nested access is a user access (24593 rev 3.44,
 * "Nested Paging"). */
#include "npt.h"
#include "page.h"
#include "base/bits.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/shared.h>

#define NPTE_P       BIT(0)
#define NPTE_W       BIT(1)
#define NPTE_U       BIT(2)
#define NPTE_LARGE   BIT(7)
#define NPTE_ADDRESS FIELD(51, 12)
#define NPTE_NX      BIT(63)
#define NPTE_TABLE   (NPTE_P | NPTE_W | NPTE_U)

#define LEVELS        4 /* the root is level 4, a leaf of 4 KiB is level 1 */
#define TABLE_ENTRIES 512
#define GUEST_LIMIT   BIT(48)

static unsigned level_shift(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static uint64_t level_bytes(unsigned level)
{
	return 1ull << level_shift(level);
}

static uint64_t *entry_of(uint64_t *table, uint64_t gpa, unsigned level)
{
	return &table[gpa >> level_shift(level) & (TABLE_ENTRIES - 1)];
}

static uint64_t *table_of(uint64_t entry)
{
	return phys_to_virt(PHYS(entry & NPTE_ADDRESS));
}

static bool is_leaf(uint64_t entry, unsigned level)
{
	return level == 1 || (entry & NPTE_LARGE);
}

/* The largest level that a leaf may have. */
static unsigned leaf_level_max(void)
{
	return hw_cpuid(0x80000001, 0).edx & BIT(26) ? 3 : 2;
}

static uint64_t leaf_flags(enum npt_perm perm)
{
	uint64_t flags = NPTE_P | NPTE_U;

	if (perm == NPT_RW || perm == NPT_RWX)
		flags |= NPTE_W;
	if (perm == NPT_RO || perm == NPT_RW)
		flags |= NPTE_NX;
	return flags;
}

err_t npt_init(struct npt *npt)
{
	npt->root = page_alloc(1, 1);
	return npt->root.v == PHYS_NONE.v ? ERR_NOMEM : OK;
}

static void free_table(uint64_t *table, unsigned level)
{
	if (level > 1) {
		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			if ((table[i] & NPTE_P) && !is_leaf(table[i], level))
				free_table(table_of(table[i]), level - 1);
	}
	page_free(virt_to_phys(table), 1);
}

void npt_free(struct npt *npt)
{
	if (npt->root.v != PHYS_NONE.v)
		free_table(phys_to_virt(npt->root), LEVELS);
	npt->root = PHYS_NONE;
}

/* The table below *entry, made when there is none; a large page on the way is split. */
static err_t lower_table(uint64_t *entry, unsigned level, uint64_t **table)
{
	uint64_t old = *entry;

	if ((old & NPTE_P) && !is_leaf(old, level)) {
		*table = table_of(old);
		return OK;
	}
	phys_t page = page_alloc(1, 1);

	if (page.v == PHYS_NONE.v)
		return ERR_NOMEM;
	uint64_t *lower = phys_to_virt(page);

	if (old & NPTE_P) {
		uint64_t flags = level == 2 ? old & ~NPTE_LARGE : old;

		for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
			lower[i] = flags + i * level_bytes(level - 1);
	}
	/* Hardware walks these tables meanwhile: the lower table is whole before it hangs there. */
	shared_store64(entry, page.v | NPTE_TABLE);
	*table = lower;
	return OK;
}

/* Maps one leaf of the given level. */
static err_t map_leaf(struct npt *npt, uint64_t gpa, uint64_t leaf, unsigned leaf_level)
{
	uint64_t *table = phys_to_virt(npt->root);

	for (unsigned level = LEVELS; level > leaf_level; level--) {
		uint64_t *entry = entry_of(table, gpa, level);

		if ((*entry & NPTE_P) && is_leaf(*entry, level))
			return ERR_INVALID;
		err_t err = lower_table(entry, level, &table);

		if (err)
			return err;
	}
	uint64_t *entry = entry_of(table, gpa, leaf_level);

	if (*entry & NPTE_P)
		return ERR_INVALID;
	shared_store64(entry, leaf | (leaf_level > 1 ? NPTE_LARGE : 0));
	return OK;
}

static bool range_fits(uint64_t gpa, uint64_t bytes)
{
	return !((gpa | bytes) & PAGE_MASK) && gpa < GUEST_LIMIT && bytes <= GUEST_LIMIT - gpa;
}

err_t npt_map(struct npt *npt, gpa_t guest, phys_t host, uint64_t bytes, enum npt_perm perm)
{
	if (!range_fits(guest.v, bytes) || (host.v & PAGE_MASK))
		return ERR_INVALID;
	unsigned level_max = leaf_level_max();

	while (bytes) {
		unsigned level = level_max;

		while (((guest.v | host.v) & (level_bytes(level) - 1)) ||
			bytes < level_bytes(level))
			level--;
		err_t err = map_leaf(npt, guest.v, host.v | leaf_flags(perm), level);

		if (err)
			return err;
		guest.v += level_bytes(level);
		host.v += level_bytes(level);
		bytes -= level_bytes(level);
	}
	return OK;
}

/* Removes what lies at gpa: a leaf not larger than bytes, or the hole that is there. Says in *step
 * how far that went. */
static err_t unmap_step(struct npt *npt, uint64_t gpa, uint64_t bytes, uint64_t *step)
{
	uint64_t *table = phys_to_virt(npt->root);

	for (unsigned level = LEVELS; level >= 1; level--) {
		uint64_t *entry = entry_of(table, gpa, level);
		uint64_t left = level_bytes(level) - (gpa & (level_bytes(level) - 1));

		if (!(*entry & NPTE_P)) {
			*step = left < bytes ? left : bytes;
			return OK;
		}
		if (is_leaf(*entry, level) && left == level_bytes(level) && left <= bytes) {
			shared_store64(entry, 0);
			*step = left;
			return OK;
		}
		err_t err = lower_table(entry, level, &table);

		if (err)
			return err;
	}
	return ERR_INVALID;
}

err_t npt_unmap(struct npt *npt, gpa_t guest, uint64_t bytes)
{
	if (!range_fits(guest.v, bytes))
		return ERR_INVALID;
	while (bytes) {
		uint64_t step;
		err_t err = unmap_step(npt, guest.v, bytes, &step);

		if (err)
			return err;
		guest.v += step;
		bytes -= step;
	}
	return OK;
}

bool npt_translate(const struct npt *npt, gpa_t guest, bool write, phys_t *host)
{
	uint64_t *table = phys_to_virt(npt->root);

	if (guest.v >= GUEST_LIMIT)
		return false;
	for (unsigned level = LEVELS; level >= 1; level--) {
		uint64_t entry = *entry_of(table, guest.v, level);

		if (!(entry & NPTE_P) || (write && !(entry & NPTE_W)))
			return false;
		if (is_leaf(entry, level)) {
			uint64_t offset = guest.v & (level_bytes(level) - 1);

			*host = PHYS((entry & NPTE_ADDRESS & ~(level_bytes(level) - 1)) | offset);
			return true;
		}
		table = table_of(entry);
	}
	return false;
}
