// SPDX-License-Identifier: MIT
/* Caches of DTEs and translations in the emulator's IOMMU. */
#include "iommu_tables.h"
#include "case.h"

#define AREA "IOMMU: caches"

#define OTHER_L1 0x144000ull

TEST(translations_are_cached_by_domain)
{
	CASE(IOMMU, "INVALIDATE_IOMMU_PAGES",
		"a translation stays until its domain and address are invalidated; S = 1 gives the range");
	CASE(IOMMU, "Device Table Entry Format",
		"devices of one domain share its cached translations");
	open_4_levels();
	EXPECT(get(IOVA) && m.spa == 0x200000);
	put64(L1 + 24, 0x201000 | RW | PR);
	EXPECT(get(IOVA) && m.spa == 0x200000); /* still the old one */
	cmd(0x3000000800000000ull, IOVA);       /* another domain */
	EXPECT(get(IOVA) && m.spa == 0x200000);
	cmd(0x3000000700000000ull, IOVA + 0x1000); /* another page */
	EXPECT(get(IOVA) && m.spa == 0x200000);
	cmd(0x3000000700000000ull, IOVA);
	EXPECT(get(IOVA) && m.spa == 0x201000);
	/* S: 8 pages at 40200000h. */
	put64(L1 + 24, 0x202000 | RW | PR);
	cmd(0x3000000700000000ull, 0x40203001ull);
	EXPECT(get(IOVA) && m.spa == 0x202000);
	/* A second device of the domain shares the entry. */
	put_dte(0x20, V | TV | MODE(4) | L4 | RW, DOMAIN, 0, 0);
	put64(L1 + 24, 0);
	EXPECT(iommu_translate(b.u, 0x20, IOVA, IOMMU_READ, &m));
	bench_close();
}

TEST(page_of_an_invalidated_address_goes_as_a_whole)
{
	CASE(IOMMU, "INVALIDATE_IOMMU_PAGES",
		"an address within a large page drops the whole page");
	open_4_levels();
	put64(L2 + 16, 0x200000 | RW | PR);
	EXPECT(get(0x40400000) && get(0x40401000));
	put64(L2 + 16, 0);
	cmd(0x3000000700000000ull, 0x40500000);
	EXPECT(!get(0x40400000));
	EXPECT(!get(0x40401000));
	bench_close();
}

TEST(absent_is_not_cached)
{
	CASE(IOMMU, "IOMMU PCI Resources",
		"NpCache = 0: an entry that is not present is read again");
	open_4_levels();
	put64(L1 + 24, 0);
	EXPECT(!get(IOVA));
	put64(L1 + 24, 0x200000 | RW | PR);
	EXPECT(get(IOVA));
	bench_close();
}

TEST(table_pointers_need_pde)
{
	CASE(IOMMU, "INVALIDATE_IOMMU_PAGES",
		"page directory entries stay cached with PDE = 0 and go with PDE = 1");
	open_4_levels();
	EXPECT(get(IOVA));
	put64(OTHER_L1 + 24, 0x205000 | RW | PR);
	put64(L2 + 8, OTHER_L1 | NEXT(1) | RW | PR);
	cmd(0x3000000700000000ull, IOVA); /* PDE = 0: the old table is still walked */
	EXPECT(get(IOVA) && m.spa == 0x200000);
	cmd(0x3000000700000000ull, IOVA | 2);
	EXPECT(get(IOVA) && m.spa == 0x205000);
	bench_close();
}

TEST(dte_is_cached)
{
	CASE(IOMMU, "INVALIDATE_DEVTAB_ENTRY",
		"a DTE is used as it was until this device's entry is invalidated");
	CASE(IOMMU, "INVALIDATE_IOMMU_ALL", "drops DTEs");
	open_4_levels();
	EXPECT(get(IOVA));
	put_dte(DEV, V, DOMAIN, 0, 0);
	EXPECT(get(IOVA));
	cmd(0x2000000000000020ull, 0); /* another device */
	EXPECT(get(IOVA));
	cmd(0x2000000000000010ull, 0);
	EXPECT(!get(IOVA));
	put_dte(DEV, 0, 0, 0, 0);
	EXPECT(!get(IOVA));
	cmd(0x8000000000000000ull, 0);
	EXPECT(get(IOVA) && m.spa == IOVA);
	bench_close();
}

TEST(v_0_is_cached_too)
{
	CASE(IOMMU, "Device Table Entry Format", "a DTE with V = 0 is cached like any other");
	open_4_levels();
	put_dte(DEV, 0, 0, 0, 0);
	EXPECT(get(IOVA) && m.spa == IOVA);
	put_dte(DEV, V, DOMAIN, 0, 0);
	EXPECT(get(IOVA) && m.spa == IOVA);
	cmd(0x2000000000000010ull, 0);
	EXPECT(!get(IOVA));
	bench_close();
}

TEST(caching_can_be_off)
{
	struct iommu_config cfg = newest();

	cfg.caching = false;
	bench_open_with(cfg);
	bench_start(0);
	put_dte(DEV, V | TV | RW, DOMAIN, 0, 0);
	EXPECT(get(IOVA));
	put_dte(DEV, V, DOMAIN, 0, 0);
	EXPECT(!get(IOVA));
	bench_close();
}

/* One thing of each kind is in the caches, and memory no longer has any of them. */
static void fill_caches(void)
{
	open_4_levels();
	put_dte(DEV, V | TV | MODE(4) | L4 | RW, DOMAIN, 1 | 8 << 1 | 2ull << 60 | IRT, 0);
	put_irte(1, 0x101, 0x55);
	EXPECT(get(IOVA) && m.spa == 0x200000);
	EXPECT(iommu_interrupt(b.u, DEV, 0xfee00000, 1));
	put64(L1 + 24, 0x201000 | RW | PR);
	put_irte(1, 0x101, 0x66);
}

static void expect_stale(bool translation, bool irte)
{
	EXPECT(get(IOVA));
	EXPECT_EQ(m.spa, translation ? 0x200000 : 0x201000);
	EXPECT(iommu_interrupt(b.u, DEV, 0xfee00000, 1));
	EXPECT_EQ(b.irq.vector, irte ? 0x55 : 0x66);
	bench_close();
}

TEST(each_command_drops_what_it_names)
{
	CASE(IOMMU, "INVALIDATE_DEVTAB_ENTRY", "leaves translations and interrupt table entries");
	fill_caches();
	cmd(0x2000000000000010ull, 0);
	expect_stale(true, true);
	CASE(IOMMU, "INVALIDATE_IOMMU_PAGES", "leaves interrupt table entries");
	fill_caches();
	cmd(0x3000000700000000ull, 0x7ffffffffffff003ull);
	expect_stale(false, true);
	CASE(IOMMU, "INVALIDATE_INTERRUPT_TABLE", "leaves translations");
	fill_caches();
	cmd(0x5000000000000010ull, 0);
	expect_stale(true, false);
	CASE(IOMMU, "INVALIDATE_IOMMU_ALL", "drops translations and interrupt table entries");
	fill_caches();
	cmd(0x8000000000000000ull, 0);
	expect_stale(false, false);
	CASE(IOMMU, "COMPLETION_WAIT", "drops nothing");
	fill_caches();
	cmd(0x1000000000131001ull, 1);
	expect_stale(true, true);
}
