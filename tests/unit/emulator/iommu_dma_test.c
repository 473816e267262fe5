// SPDX-License-Identifier: MIT
/* Device table, page tables, caches and page fault events of the emulator's IOMMU. */
#include "iommu_tables.h"
#include "case.h"

#define AREA "IOMMU: DMA"

static bool put(uint64_t iova)
{
	return iommu_translate(b.u, DEV, iova, IOMMU_WRITE, &m);
}

TEST(disabled_and_v_0_pass)
{
	CASE(IOMMU, "Device Table Entry Format",
		"IommuEn = 0, or V = 0 whatever the other fields: DMA passes untranslated");
	bench_open();
	wr(0x0000, DEVTAB | 1);
	EXPECT(put(0x123456789abcull) && m.spa == 0x123456789abcull);
	bench_start(0);
	put_dte(DEV, TV | 0x7ffcull, ~0ull, ~0ull, ~0ull); /* V = 0: nothing else counts */
	EXPECT(put(0x5678) && m.spa == 0x5678 && m.readable && m.writable);
	bench_close();
}

TEST(tv_0_aborts)
{
	CASE(IOMMU, "IO_PAGE_FAULT Event",
		"V = 1, TV = 0: IO_PAGE_FAULT with RW as the access, device, domain and address");
	open_mode(0);
	put_dte(DEV, V | RW, DOMAIN, 0, 0);
	EXPECT(!put(0x5678));
	EXPECT_EVENT(0x2020000700000010ull, 0x5678);
	EXPECT(!get(0x5678));
	EXPECT_EVENT(0x2000000700000010ull, 0x5678);
	bench_close();
}

TEST(mode_0_is_identity_with_permissions)
{
	CASE(IOMMU, "Device Table Entry Format",
		"Mode 0: the address as it is, with IR and IW; refused: PR, RW and PE in the event");
	open_mode(0);
	EXPECT(put(0x5678) && m.spa == 0x5678);
	put_dte(DEV, V | TV | IR, DOMAIN, 0, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(get(0x5678) && !m.writable);
	EXPECT(!put(0x5678));
	EXPECT_EVENT(0x2070000700000010ull, 0x5678); /* PR, RW, PE */
	bench_close();
}

TEST(walk)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations",
		"four levels; IO_PAGE_FAULT with PR = 0 where an entry is absent or the address is beyond the levels");
	open_4_levels();
	EXPECT(put(IOVA + 0x123));
	EXPECT_EQ(m.spa, 0x200123);
	EXPECT(!get(IOVA + 0x1000));
	EXPECT_EVENT(0x2000000700000010ull, IOVA + 0x1000);
	EXPECT(!get(1ull << 48)); /* beyond four levels */
	EXPECT_EVENT(0x2000000700000010ull, 1ull << 48);
	bench_close();
}

TEST(permissions_of_all_levels_are_anded)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations",
		"IR and IW are the AND of the DTE and all levels");

	for (unsigned i = 0; i < 4; i++) {
		static const uint64_t where[] = { L4, L3 + 8, L2 + 8, L1 + 24 };

		open_4_levels();
		put64(where[i], get64(where[i]) & ~IW);
		EXPECT(!put(IOVA));
		EXPECT_EVENT(0x2070000700000010ull, IOVA);
		EXPECT(get(IOVA) && !m.writable);
		bench_close();
	}
}

TEST(not_present_leaf_with_an_address)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations",
		"a leaf with PR = 0 faults whatever its other bits");
	open_4_levels();
	put64(L1 + 24, 0x200000 | RW);
	EXPECT(!get(IOVA));
	EXPECT_EVENT(0x2000000700000010ull, IOVA);
	bench_close();
}

TEST(large_pages)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations",
		"NextLevel 0: the level's own page size; NextLevel 7: the size is in the address");
	ASSUMED(IOMMU, "I/O Page Tables for Host Translations",
		"NextLevel 7 with a size that is not of this level: IO_PAGE_FAULT with RZ = 1");
	open_4_levels();
	put64(L2 + 16, 0x200000 | RW | PR); /* 2 MB, the level's own size */
	EXPECT(get(0x40412345) && m.spa == 0x212345);
	put64(L1 + 8 * 8, 0x201000 | NEXT(7) | RW | PR); /* one 1 bit: 16 KB */
	put64(L1 + 8 * 9, 0x201000 | NEXT(7) | RW | PR);
	EXPECT(get(0x40209123) && m.spa == 0x201123);
	EXPECT_NO_EVENT();
	/* 2^13 is no size for level 2. */
	put64(L2 + 24, 0x200000 | NEXT(7) | RW | PR);
	EXPECT(!get(0x40600000));
	EXPECT_EVENT(0x2090000700000010ull, 0x40600000);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(reserved_bits_and_levels)
{
	CASE(IOMMU, "IO_PAGE_FAULT Event",
		"a reserved bit, or a NextLevel that is not below its own: RZ = 1");
	open_4_levels();
	put64(L1 + 24, 0x200000 | RW | PR | 1ull << 52);
	EXPECT(!get(IOVA));
	EXPECT_EVENT(0x2090000700000010ull, IOVA);
	EXPECT_STRICT(1);
	put64(L2 + 8, L1 | NEXT(2) | RW | PR); /* not below its own level */
	cmd(0x3000000700000000ull, 0x7ffffffffffff003ull);
	EXPECT(!get(IOVA));
	EXPECT_EVENT(0x2090000700000010ull, IOVA);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(level_skipping)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations",
		"levels can be skipped where the skipped address bits are 0; else a page fault");
	open_mode(4);
	put64(L4, L1 | NEXT(1) | RW | PR);
	put64(L1 + 8 * 3, 0x200000 | RW | PR);
	EXPECT(get(0x3000) && m.spa == 0x200000);
	EXPECT(!get(0x203000)); /* a skipped bit is set */
	EXPECT_EVENT(0x2000000700000010ull, 0x203000);
	bench_close();
}

TEST(six_levels)
{
	CASE(IOMMU, "I/O Page Tables for Host Translations", "Mode 6 takes all 64 address bits");
	CASE(IOMMU, "ILLEGAL_DEV_TABLE_ENTRY Event", "a Mode above HATS is an illegal DTE");

	struct iommu_config cfg = newest();

	open_mode(6);
	put64(L4 + 8 * 0x7f, L1 | NEXT(1) | RW | PR);
	put64(L1, 0x200000 | RW | PR);
	EXPECT(get(0xfe00000000000000ull) && m.spa == 0x200000);
	bench_close();

	cfg.hats = 0;
	bench_open_with(cfg);
	bench_start(0);
	put_dte(DEV, V | TV | MODE(5) | L4 | RW, DOMAIN, 0, 0);
	EXPECT(!get(0x1000));
	EXPECT_EVENT(0x1000000000000010ull, 0x1000);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(illegal_entries)
{
	CASE(IOMMU, "ILLEGAL_DEV_TABLE_ENTRY Event",
		"each reserved bit: RZ = 1, device, address; reserved encodings: RZ = 0");
	CASE(IOMMU, "ILLEGAL_DEV_TABLE_ENTRY Event", "for an interrupt the event has I = 1");

	static const uint64_t bad[][4] = {
		{ V | 4, 0, 0, 0 },
		{ V | 1ull << 7, 0, 0, 0 },
		{ V | 1ull << 55, 0, 0, 0 },
		{ V | 1ull << 63, 0, 0, 0 },
		{ V, 1ull << 42, 0, 0 },
		{ V, 0, 1 | 1ull << 52, 0 },
		{ V, 0, 1 | 1ull << 6, 0 },
		{ V, 0, 1, 1 },
	};

	bench_open();
	bench_start(0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_dte(DEV, bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
		cmd(0x2000000000000010ull, 0);
		EXPECT(!put(0x4000));
		EXPECT_EVENT(0x10a0000000000010ull, 0x4000);
		EXPECT_STRICT(1);
	}
	/* Reserved encodings: no RZ. */
	put_dte(DEV, V | TV | MODE(7), 0, 0, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(!get(0x4000));
	EXPECT_EVENT(0x1000000000000010ull, 0x4000);
	EXPECT_STRICT(1);
	put_dte(DEV, V, 0, 1 | 3ull << 60, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(!iommu_interrupt(b.u, DEV, 0xfee00000, 0));
	EXPECT_EVENT(0x1028000000000010ull, 0xfee00000);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(beyond_the_table_and_no_memory)
{
	CASE(IOMMU, "ILLEGAL_DEV_TABLE_ENTRY Event", "a device ID beyond the table's size");
	CASE(IOMMU, "DEV_TAB_HARDWARE_ERROR Event",
		"a device table without memory: the event has the entry's address");
	bench_open();
	bench_start(0);
	EXPECT(!iommu_translate(b.u, 0x0100, 0x4000, IOMMU_READ, &m));
	EXPECT_EVENT(0x1000000000000100ull, 0x4000);
	wr(0x0000, 0x800000 | 1);
	EXPECT(!get(0x4000));
	EXPECT_EVENT(0x3000000000000010ull, 0x800000 + DEV * 32);
	bench_close();
}

TEST(segments)
{
	CASE(IOMMU, "IOMMU MMIO Registers",
		"DevTblSegEn: the top bits of the bus number choose a table of their own");
	bench_open();
	wr(0x0100, 0x150000); /* segment 1: buses 80h to ffh */
	bench_start(1ull << 34);
	put64(0x150000 + 0x12 * 32, V);
	EXPECT(!iommu_translate(b.u, 0x8012, 0x4000, IOMMU_READ, &m));
	EXPECT_EVENT(0x2000000000008012ull, 0x4000);
	EXPECT(iommu_translate(b.u, 0x0012, 0x4000, IOMMU_READ, &m));
	bench_close();
}

TEST(page_table_hardware_error)
{
	CASE(IOMMU, "PAGE_TAB_HARDWARE_ERROR Event",
		"a page table without memory: device, domain, RW, and the entry's address");
	open_mode(4);
	put_dte(DEV, V | TV | MODE(4) | 0x900000 | RW, DOMAIN, 0, 0);
	EXPECT(!put(0x4000));
	EXPECT_EVENT(0x4020000700000010ull, 0x900000);
	bench_close();
}

TEST(suppression)
{
	CASE(IOMMU, "Device Table Entry Format",
		"SA suppresses all page fault events; SE all but the first until the DTE is invalidated");
	open_mode(0);
	put_dte(DEV, V, DOMAIN | 1ull << 34, 0, 0); /* SA */
	EXPECT(!get(0x4000));
	EXPECT_NO_EVENT();
	put_dte(DEV, V, DOMAIN | 1ull << 33, 0, 0); /* SE */
	cmd(0x2000000000000010ull, 0);
	EXPECT(!get(0x4000) && !get(0x5000));
	EXPECT_EVENT(0x2000000700000010ull, 0x4000);
	EXPECT_NO_EVENT();
	cmd(0x2000000000000010ull, 0);
	EXPECT(!get(0x6000));
	EXPECT_EVENT(0x2000000700000010ull, 0x6000);
	EXPECT(!iommu_translate(b.u, DEV, 0x4000, IOMMU_PROBE, &m));
	bench_close();
}

TEST(probing_logs_nothing)
{
	open_4_levels();
	EXPECT(iommu_translate(b.u, DEV, IOVA, IOMMU_PROBE, &m));
	EXPECT(!iommu_translate(b.u, DEV, 0x5000, IOMMU_PROBE, &m));
	EXPECT(!iommu_translate(b.u, 0x100, 0x5000, IOMMU_PROBE, &m));
	put_dte(DEV, V | 4, 0, 0, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(!iommu_translate(b.u, DEV, IOVA, IOMMU_PROBE, &m));
	EXPECT_NO_EVENT();
	bench_close();
}

TEST(exclusion_range)
{
	CASE(IOMMU, "IOMMU MMIO Registers",
		"exclusion range: untranslated for devices with EX, with Allow for all");
	open_4_levels();
	wr(0x0028, 0x6000);
	wr(0x0020, 0x5000 | 1);
	EXPECT(!get(0x5000)); /* EX = 0 */
	put_dte(DEV, V | TV | MODE(4) | L4 | RW, DOMAIN | 1ull << 39, 0, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(put(0x5000) && m.spa == 0x5000);
	EXPECT(put(0x6fff));
	EXPECT(!put(0x7000));
	put_dte(DEV, V | TV | MODE(4) | L4 | RW, DOMAIN, 0, 0);
	cmd(0x2000000000000010ull, 0);
	wr(0x0020, 0x5000 | 3); /* Allow: for all devices */
	EXPECT(put(0x5000));
	bench_close();
}

TEST(special_ranges)
{
	ASSUMED(IOMMU, "Device Table Entry Format",
		"the HT ranges at FD_0000_0000h abort, or pass by IoCtl and SysMgt; HTRangeIgnore makes them memory");
	struct iommu_config cfg = newest();

	open_4_levels();
	EXPECT(!get(0xfdfc000000ull)); /* IoCtl 0 */
	EXPECT(!get(0xfd00000000ull));
	put_dte(DEV, V | TV | RW, 1ull << 35 | 1ull << 40, 0, 0); /* both forward */
	cmd(0x2000000000000010ull, 0);
	EXPECT(get(0xfdfc000000ull) && m.spa == 0xfdfc000000ull);
	EXPECT(get(0xfdf9100000ull));
	EXPECT(!get(0xfe00000000ull));
	bench_close();

	cfg.htrangeignore = true;
	bench_open_with(cfg);
	bench_start(0);
	put_dte(DEV, V | TV | RW, 0, 0, 0);
	EXPECT(get(0xfdfc000000ull));
	EXPECT_EQ(rd(0x01a0) >> 11 & 1, 1);
	bench_close();
}

TEST(bad_access_to_the_interrupt_range)
{
	CASE(IOMMU, "INVALID_DEVICE_REQUEST Event",
		"a read, or a write that is no interrupt, at FEEx_xxxxh: device, RW and address");
	bench_open();
	iommu_bad_interrupt_access(b.u, DEV, 0xfee00000, false);
	bench_start(0);
	EXPECT_NO_EVENT();
	iommu_bad_interrupt_access(b.u, DEV, 0xfee00000, false);
	EXPECT_EVENT(0x8000000000000010ull, 0xfee00000);
	iommu_bad_interrupt_access(b.u, DEV, 0xfee00002, true);
	EXPECT_EVENT(0x8020000000000010ull, 0xfee00002);
	bench_close();
}
