/* SPDX-License-Identifier: MIT */
/*
 * Free memory as a sorted list of extents. Pages are handed out when VMs are made and come back
 * only when making one failed, so there are never many extents.
 */
#include "page.h"
#include "base/lib.h"
#include "base/spinlock.h"
#include <hw/mem.h>

#define EXTENTS (2 * BOOT_MEM_REGIONS)
/* Real-mode data, the APs' start page, and whatever firmware forgot to reserve. */
#define LOW_LIMIT (1 * MIB)

struct extent {
	uint64_t base, end;
};

static struct spinlock lock;           /* rank PAGE */
static struct extent extents[EXTENTS]; /* (lock) sorted, never adjacent, never empty */
static size_t extent_count;            /* (lock) */

static void remove_at(size_t i)
{
	extent_count--;
	memmove(&extents[i], &extents[i + 1], (extent_count - i) * sizeof(extents[0]));
}

static bool insert_at(size_t i, uint64_t base, uint64_t end)
{
	if (extent_count == EXTENTS)
		return false;
	memmove(&extents[i + 1], &extents[i], (extent_count - i) * sizeof(extents[0]));
	extents[i] = (struct extent){ base, end };
	extent_count++;
	return true;
}

static void give_back(uint64_t base, uint64_t end)
{
	size_t i = 0;

	while (i < extent_count && extents[i].base < base)
		i++;
	bool joins_left = i > 0 && extents[i - 1].end == base;
	bool joins_right = i < extent_count && extents[i].base == end;

	if (joins_left && joins_right) {
		extents[i - 1].end = extents[i].end;
		remove_at(i);
	} else if (joins_left) {
		extents[i - 1].end = end;
	} else if (joins_right) {
		extents[i].base = base;
	} else {
		/* No room to note it: the pages are lost, which nobody needs to handle. */
		(void)insert_at(i, base, end);
	}
}

void page_init(const struct boot_info *boot)
{
	extent_count = 0;
	for (uint32_t i = 0; i < boot->mem_count && i < BOOT_MEM_REGIONS; i++) {
		uint64_t base = ALIGN_UP(boot->mem[i].base, PAGE_BYTES);
		uint64_t end = ALIGN_DOWN(boot->mem[i].base + boot->mem[i].bytes, PAGE_BYTES);

		base = base < LOW_LIMIT ? LOW_LIMIT : base;
		if (boot->mem[i].type == BOOT_MEM_FREE && base < end)
			give_back(base, end);
	}
}

/* Cuts [base, base + bytes) out of extent i; false when the rest can't be noted. */
static bool take(size_t i, uint64_t base, uint64_t bytes)
{
	struct extent *e = &extents[i];
	uint64_t end = base + bytes;

	if (e->base == base && e->end == end) {
		remove_at(i);
	} else if (e->base == base) {
		e->base = end;
	} else if (e->end == end) {
		e->end = base;
	} else {
		if (!insert_at(i + 1, end, e->end))
			return false;
		e->end = base;
	}
	return true;
}

static phys_t take_first_fit(uint64_t bytes, uint64_t align)
{
	for (size_t i = 0; i < extent_count; i++) {
		uint64_t base = ALIGN_UP(extents[i].base, align);

		if (base < extents[i].base || base >= extents[i].end ||
			extents[i].end - base < bytes)
			continue;
		if (take(i, base, bytes))
			return PHYS(base);
	}
	return PHYS_NONE;
}

phys_t page_alloc(size_t count, size_t align_pages)
{
	phys_t got;

	/* Also keeps count * PAGE_BYTES from wrapping. */
	if (count == 0 || count > (1ull << 40) || align_pages > (1ull << 40))
		return PHYS_NONE;
	spin_lock(&lock);
	got = take_first_fit(count * PAGE_BYTES, align_pages * PAGE_BYTES);
	spin_unlock(&lock);
	if (got.v != PHYS_NONE.v)
		memset(phys_to_virt(got), 0, count * PAGE_BYTES);
	return got;
}

void page_free(phys_t base, size_t count)
{
	if (count == 0)
		return;
	spin_lock(&lock);
	give_back(base.v, base.v + count * PAGE_BYTES);
	spin_unlock(&lock);
}

size_t page_free_count(void)
{
	uint64_t bytes = 0;

	spin_lock(&lock);
	for (size_t i = 0; i < extent_count; i++)
		bytes += extents[i].end - extents[i].base;
	spin_unlock(&lock);
	return bytes / PAGE_BYTES;
}

size_t page_largest_count(void)
{
	uint64_t bytes = 0;

	spin_lock(&lock);
	for (size_t i = 0; i < extent_count; i++)
		if (extents[i].end - extents[i].base > bytes)
			bytes = extents[i].end - extents[i].base;
	spin_unlock(&lock);
	return bytes / PAGE_BYTES;
}
