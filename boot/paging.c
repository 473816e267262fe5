/* SPDX-License-Identifier: MIT */
/*
 * The page tables that the VMM runs on, for good:
 *   VMM_BASE     the image, page by page: text read-only, the rest no-execute
 *   DIRECT_MAP   all physical addresses, writable, no-execute
 *   identity     only the page of boot_switch() and the APs' start page; gone once all CPUs run
 * Below 4 GiB the direct map uses 2 MiB pages, because there RAM and devices lie close together
 * and a page whose MTRR types differ is undefined (24593 rev 3.44, "Large Page Size
 * Considerations"); above by 1 GiB where the CPU has that.
 */
#include "boot.h"
#include <hw/cpu.h>
#include <hw/mem.h>

#define PTE_P    (1ull << 0)
#define PTE_W    (1ull << 1)
#define PTE_LEAF (1ull << 7)
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

#define ELF_X 1u
#define ELF_W 2u

struct tables {
	uint64_t root, next, end; /* physical = virtual while firmware runs */
};

static uint64_t table_page(struct tables *t)
{
	uint64_t page = t->next;

	if (page == t->end)
		return 0;
	t->next += PAGE_BYTES;
	return page;
}

/* A leaf of 4 KiB (shift 12), 2 MiB (21) or 1 GiB (30). */
static bool map(struct tables *t, uint64_t virt, uint64_t phys, unsigned leaf_shift, uint64_t flags)
{
	uint64_t *table = (uint64_t *)t->root;

	for (unsigned shift = 39; shift > leaf_shift; shift -= 9) {
		uint64_t *e = &table[virt >> shift & 511];

		if (!*e) {
			uint64_t page = table_page(t);

			if (!page)
				return false;
			*e = page | PTE_P | PTE_W;
		}
		table = (uint64_t *)(*e & PTE_ADDR);
	}
	table[virt >> leaf_shift & 511] = phys | flags | PTE_P | (leaf_shift > 12 ? PTE_LEAF : 0);
	return true;
}

static bool map_image(struct tables *t, const struct image *image)
{
	for (uint64_t at = 0; at < image->bytes; at += PAGE_BYTES) {
		uint32_t flags = elf_page_flags(image, at);

		if (!map(t, VMM_BASE + at, image->physical + at, 12,
			    (flags & ELF_W ? PTE_W : 0) | (flags & ELF_X ? 0 : PTE_NX)))
			return false;
	}
	return true;
}

static bool map_direct(struct tables *t, uint64_t limit, bool huge)
{
	for (uint64_t at = 0; at < limit;) {
		unsigned shift = huge && at >= 4 * GIB ? 30 : 21;

		if (!map(t, DIRECT_MAP + at, at, shift, PTE_W | PTE_NX))
			return false;
		at += 1ull << shift;
	}
	return true;
}

/* How far physical addresses go. 46 bits fit between DIRECT_MAP and VMM_BASE with room; by 2 MiB
 * pages 1 TiB costs 4 MiB of tables, which is enough. */
static uint64_t direct_limit(bool huge)
{
	unsigned bits = hw_cpuid(0x80000008, 0).eax & 0xff;
	unsigned most = huge ? 46 : 40;

	return 1ull << (bits > most ? most : bits);
}

bool paging_build(struct boot_info *info, const struct image *image)
{
	bool huge = hw_cpuid(0x80000001, 0).edx >> 26 & 1; /* Page1GB */
	uint64_t limit = direct_limit(huge);
	uint64_t here = ALIGN_DOWN((uint64_t)boot_switch, PAGE_BYTES);
	/* Direct map: one table each 512 GiB, one each GiB of the 2 MiB part. Image: one each
	 * 2 MiB, and the levels above; identity: three levels twice. */
	uint64_t pages =
		limit / (512 * GIB) + 1 + (huge ? 4 : limit / GIB) + image->bytes / (2 * MIB) + 16;
	struct tables t = { 0 };

	/* An AP loads CR3 while it can only hold 32 bits. */
	t.next = firmware_pages(pages, 4 * GIB);
	if (!t.next)
		return false;
	t.end = t.next + pages * PAGE_BYTES;
	t.root = table_page(&t);
	info->cr3 = t.root;
	if (!huge)
		console_write("This CPU has no 1 GiB pages: memory above 1 TiB is not used.\n");
	return map_image(&t, image) && map_direct(&t, limit, huge) && map(&t, here, here, 12, 0) &&
	       map(&t, info->low_page, info->low_page, 12, PTE_W);
}
