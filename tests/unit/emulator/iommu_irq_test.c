// SPDX-License-Identifier: MIT
/* Interrupt remapping of the emulator's IOMMU. */
#include "iommu_bench.h"
#include "case.h"

#define AREA "IOMMU: interrupt remapping"

#define IV     1ull
#define LEN(n) ((uint64_t)(n) << 1)
#define PASS   (1ull << 60)
#define TABLE  (2ull << 60)
#define MSI    0xfee00000ull

static bool msi(uint32_t data)
{
	return iommu_interrupt(b.u, DEV, MSI, data);
}

static void set_q2(uint64_t q2)
{
	put_dte(DEV, 1, 7, q2, 0);
	if (b.u)
		cmd(0x2000000000000010ull, 0);
}

static void open_q2(uint64_t q2, uint64_t extra)
{
	bench_open();
	bench_start(extra);
	set_q2(q2);
}

static void open_table(void)
{
	open_q2(IV | LEN(8) | TABLE | IRT, 0);
}

TEST(disabled_and_iv_0_forward)
{
	CASE(IOMMU, "Interrupt Remapping", "IommuEn = 0, or IV = 0: interrupts pass as they are");
	bench_open();
	EXPECT(iommu_interrupt(b.u, DEV, 0xfee01004, 0xc041));
	EXPECT_EQ(b.msi_count, 1);
	EXPECT_EQ(b.msi_addr, 0xfee01004);
	EXPECT_EQ(b.msi_data, 0xc041);
	bench_start(0);
	EXPECT(msi(0x42));
	put_dte(DEV, 1, 7, 0, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(msi(0x43));
	EXPECT_EQ(b.msi_count, 3);
	EXPECT_NO_EVENT();
	bench_close();
}

TEST(int_ctl)
{
	CASE(IOMMU, "Device Table Entry Format",
		"IntCtl 00b: fixed interrupts are aborted with an event, without one with IG; 01b: they pass; 10b: remapped");
	open_q2(IV, 0);
	EXPECT(!msi(0x41));
	EXPECT_EVENT(0x2078000700000010ull, MSI);
	set_q2(IV | 1ull << 5); /* IG: silent */
	EXPECT(!msi(0x41));
	EXPECT_NO_EVENT();
	set_q2(IV | PASS);
	EXPECT(msi(0x41));
	EXPECT(msi(0x141));
	EXPECT_EQ(b.msi_count, 2);
	EXPECT_EQ(b.msi_data, 0x141);
	bench_close();
}

TEST(pass_bits)
{
	CASE(IOMMU, "Device Table Entry Format",
		"NMI, INIT and ExtINT pass if their Pass bit is set, else abort; they are never remapped");
	ASSUMED(IOMMU, "Interrupt Remapping",
		"those three with a logical destination are aborted even so; 011b is aborted");
	static const struct {
		uint64_t bit;
		uint32_t data;
	} types[] = { { 1ull << 56, 0x500 }, { 1ull << 57, 0x700 }, { 1ull << 58, 0x400 } };

	for (unsigned i = 0; i < 3; i++) {
		open_q2(IV | TABLE | LEN(8) | IRT, 0);
		EXPECT(!msi(types[i].data));
		EXPECT_EVENT(0x2078000700000010ull, MSI);
		set_q2(IV | TABLE | LEN(8) | IRT | types[i].bit);
		EXPECT(msi(types[i].data));
		EXPECT_EQ(b.msi_data, types[i].data);
		EXPECT(!iommu_interrupt(b.u, DEV, MSI | 4, types[i].data)); /* logical */
		EXPECT_EVENT(0x2078000700000010ull, MSI | 4);
		bench_close();
	}
	open_table();
	EXPECT(!msi(0x300));
	EXPECT_EVENT(0x2028000700000010ull, MSI);
	bench_close();
}

#define SMI        0x200u
#define SMIF_EN    (1ull << 22)
#define SMIF_LOG   (1ull << 24)
#define SMIF_VALID (1ull << 16)
#define SMIF_LOCK  (1ull << 17)

TEST(smi_filter)
{
	CASE(IOMMU, "SMI Filter Register",
		"with SmiFEn only the devices of valid filter registers send SMIs; without it all do");
	ASSUMED(IOMMU, "SMI Filter Register",
		"the filter holds whatever IV and IntCtl are; what it blocks is aborted, and with SmiFLogEn logged as INVALID_DEVICE_REQUEST");
	open_table();
	EXPECT(msi(SMI));
	bench_close();
	open_q2(IV | LEN(8) | TABLE | IRT, SMIF_EN);
	EXPECT(!msi(SMI));
	EXPECT_NO_EVENT();
	wr(0x0060, (DEV + 1) | SMIF_VALID);
	wr(0x0068, DEV);
	EXPECT(!msi(SMI));
	wr(0x0068, DEV | SMIF_VALID);
	EXPECT(msi(SMI));
	EXPECT_EQ(b.msi_count, 1);
	EXPECT_EQ(b.msi_data, SMI);
	EXPECT(!msi(0x500)); /* an INIT needs its pass bit as before */
	EXPECT_EVENT(0x2078000700000010ull, MSI);
	bench_close();
	open_q2(0, SMIF_EN | SMIF_LOG);
	EXPECT(!msi(SMI));
	EXPECT_EVENT(0x8020000000000010ull, MSI);
	EXPECT(msi(0x41));
	bench_close();
}

TEST(smi_filter_registers)
{
	CASE(IOMMU, "SMI Filter Register",
		"there are 2^SmiFRC of them; SmiFLock keeps one as it is until reset; without SmiFSup there are none");
	struct iommu_config cfg = newest();

	cfg.smi_filter = 0x28 | SMIF_VALID | SMIF_LOCK;
	bench_open_with(cfg);
	EXPECT_EQ(rd(0x0060), 0x28 | SMIF_VALID | SMIF_LOCK);
	wr(0x0060, 0);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0060), 0x28 | SMIF_VALID | SMIF_LOCK);
	wr(0x0068, 0x3ffff);
	EXPECT_EQ(rd(0x0068), 0x3ffff);
	wr(0x0070, 1);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0070), 0);
	bench_close();
	cfg.smifsup = false;
	bench_open_with(cfg);
	EXPECT_EQ(rd(0x0060), 0);
	wr(0x0018, SMIF_EN);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0018), 0);
	bench_close();
}

/* Linux 6.1 has the IOAPIC remapped so. */
TEST(v_has_no_say)
{
	ASSUMED(IOMMU, "Device Table Entry Format",
		"IV = 1 governs interrupts also with V = 0 (Linux 6.1 relies on it)");
	open_table();
	put_dte(DEV, 0, ~0ull, IV | LEN(8) | TABLE | IRT, 0);
	cmd(0x2000000000000010ull, 0);
	put_irte(5, 0x101, 0x55);
	EXPECT(msi(5));
	EXPECT_EQ(b.irq.vector, 0x55);
	put_dte(DEV, 0, 0, IV | LEN(8) | TABLE | IRT | 1ull << 52, 0);
	cmd(0x2000000000000010ull, 0);
	EXPECT(!msi(5));
	EXPECT_EVENT(0x10a8000000000010ull, MSI);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(remap_128)
{
	CASE(IOMMU, "Interrupt Remapping",
		"128-bit entry: vector, destination, mode; with XTEn the destination has 32 bits; trigger mode is the message's");
	open_table();
	/* RemapEn, arbitrated, logical, destination 00_1234h, 00h high; vector 55h. */
	put_irte(5, 0x0000000000123445ull, 0x0000000000000055ull);
	EXPECT(msi(5));
	EXPECT_EQ(b.irq.count, 1);
	EXPECT_EQ(b.irq.vector, 0x55);
	EXPECT_EQ(b.irq.dest, 0x1234);
	EXPECT_EQ(b.irq.mode, 1);
	EXPECT(b.irq.logical);
	EXPECT(!b.irq.level);
	/* 32-bit destination, fixed, physical; the level of the message is kept. */
	put_irte(6, 0x00000000ffffff01ull, 0x8100000000000056ull);
	EXPECT(msi(0xc006));
	EXPECT_EQ(b.irq.dest, 0x81ffffff);
	EXPECT_EQ(b.irq.mode, 0);
	EXPECT(!b.irq.logical);
	EXPECT(b.irq.level);
	EXPECT_EQ(b.records[SW_REMAP], 2);
	bench_close();
}

TEST(remap_128_without_xt)
{
	CASE(IOMMU, "Interrupt Remapping",
		"128-bit entry without XTEn: 8 bits of destination, more are reserved");
	bench_open();
	bench_start(0);
	wr(0x0018, 0);
	wr(0x0018, RUN_CONTROL & ~(1ull << 50));
	set_q2(IV | LEN(8) | TABLE | IRT);
	put_irte(5, 0x000000000000ff01ull, 0x55);
	EXPECT(msi(5));
	EXPECT_EQ(b.irq.dest, 0xff);
	put_irte(6, 0x0000000000010201ull, 0x55);
	EXPECT(msi(6));
	EXPECT_EQ(b.irq.dest, 0x02);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(remap_32)
{
	CASE(IOMMU, "Interrupt Remapping",
		"32-bit entry: all fields; reserved bits and GuestMode: RZ = 1");
	bench_open();
	bench_start(0);
	wr(0x0018, 0);
	wr(0x0018, 1ull << 0 | 1ull << 2 | 1ull << 12);
	set_q2(IV | LEN(8) | TABLE | IRT);
	put64(IRT + 4 * 4, 0x0055ab0500661245ull); /* entries 4 and 5 */
	EXPECT(msi(4));
	EXPECT_EQ(b.irq.vector, 0x66);
	EXPECT_EQ(b.irq.dest, 0x12);
	EXPECT_EQ(b.irq.mode, 1);
	EXPECT(b.irq.logical);
	EXPECT(msi(5));
	EXPECT_EQ(b.irq.vector, 0x55);
	EXPECT_EQ(b.irq.dest, 0xab);
	put64(IRT + 6 * 4, 0x0055ab8101661241ull); /* reserved bit; GuestMode */
	EXPECT(!msi(6));
	EXPECT_EVENT(0x20b8000700000010ull, MSI);
	EXPECT(!msi(7));
	EXPECT_EVENT(0x20b8000700000010ull, MSI);
	EXPECT_STRICT(2);
	bench_close();
}

TEST(table_bound)
{
	CASE(IOMMU, "Device Table Entry Format",
		"an index beyond IntTabLen: IO_PAGE_FAULT with I = 1");
	open_q2(IV | LEN(3) | TABLE | IRT, 0);
	put_irte(7, 0x101, 0x55);
	put_irte(8, 0x101, 0x55);
	EXPECT(msi(7));
	EXPECT(!msi(8));
	EXPECT_EVENT(0x2028000700000010ull, MSI);
	bench_close();
}

TEST(index_bits_are_the_message_type_above_255)
{
	ASSUMED(IOMMU, "Interrupt Remapping",
		"MSI data 10:8 is the message type and part of the index; NumIntRemapMode = 1: part of the index alone");
	open_q2(IV | LEN(11) | TABLE | IRT, 0);
	put_irte(0x1ff, 0x101, 0x55);
	put_irte(0x4ff, 0x101, 0x56);
	EXPECT(msi(0x1ff));
	EXPECT_EQ(b.irq.vector, 0x55);
	EXPECT(!msi(0x4ff)); /* an NMI */
	EXPECT_EVENT(0x2078000700000010ull, MSI);
	bench_close();

	/* NumIntRemapMode = 1 */
	open_q2(IV | LEN(11) | TABLE | IRT, 1ull << 43);
	put_irte(0x4ff, 0x101, 0x56);
	EXPECT(msi(0x4ff));
	EXPECT_EQ(b.irq.vector, 0x56);
	bench_close();
}

TEST(remap_en_0)
{
	CASE(IOMMU, "Interrupt Remapping",
		"RemapEn = 0: IO_PAGE_FAULT with I = 1; without an event if SupIOPF");
	open_table();
	put_irte(1, 0, 0);
	EXPECT(!msi(1));
	EXPECT_EVENT(0x2028000700000010ull, MSI);
	put_irte(2, 2, 0); /* SupIOPF */
	EXPECT(!msi(2));
	EXPECT_NO_EVENT();
	bench_close();
}

TEST(reserved_bits)
{
	CASE(IOMMU, "Interrupt Remapping",
		"reserved bits: RZ = 1 and PR = 1; a reserved IntType: PR = 1");
	open_table();
	put_irte(1, 0x0000000100000101ull, 0x55);
	EXPECT(!msi(1));
	EXPECT_EVENT(0x20b8000700000010ull, MSI);
	put_irte(2, 0x101, 0x155);
	EXPECT(!msi(2));
	EXPECT_EVENT(0x20b8000700000010ull, MSI);
	put_irte(3, 0x101 | 2 << 2, 0x55); /* IntType 2 */
	EXPECT(!msi(3));
	EXPECT_EVENT(0x2038000700000010ull, MSI);
	EXPECT_STRICT(3);
	bench_close();
}

TEST(entry_without_memory)
{
	CASE(IOMMU, "PAGE_TAB_HARDWARE_ERROR Event",
		"an interrupt table without memory: I = 1 and the entry's address");
	open_q2(IV | LEN(8) | TABLE | 0x900000, 0);
	EXPECT(!msi(1));
	EXPECT_EVENT(0x4028000700000010ull, 0x900010);
	bench_close();
}

TEST(entries_are_cached)
{
	CASE(IOMMU, "INVALIDATE_INTERRUPT_TABLE",
		"an entry, also one with RemapEn = 0, is used as it was until this device's entries are invalidated");
	CASE(IOMMU, "INVALIDATE_IOMMU_ALL", "drops interrupt table entries");
	open_table();
	put_irte(1, 0x101, 0x55);
	EXPECT(msi(1));
	put_irte(1, 0x201, 0x66);
	EXPECT(msi(1));
	EXPECT_EQ(b.irq.vector, 0x55);
	EXPECT_EQ(b.irq.dest, 1);
	EXPECT_EQ(b.u->stale_irte_uses, 1);
	cmd(0x5000000000000020ull, 0); /* another device */
	EXPECT(msi(1));
	EXPECT_EQ(b.irq.vector, 0x55);
	cmd(0x5000000000000010ull, 0);
	EXPECT(msi(1));
	EXPECT_EQ(b.irq.vector, 0x66);
	EXPECT_EQ(b.irq.dest, 2);
	/* RemapEn = 0 is cached like any other entry. */
	put_irte(2, 2, 0);
	EXPECT(!msi(2));
	put_irte(2, 0x101, 0x77);
	EXPECT(!msi(2));
	cmd(0x8000000000000000ull, 0);
	EXPECT(msi(2));
	bench_close();
}

TEST(irt_cache_dis)
{
	CASE(IOMMU, "IOMMU Control Register", "IRTCacheDis = 1: entries are read each time");
	open_q2(IV | LEN(8) | TABLE | IRT, 1ull << 59);
	put_irte(1, 0x101, 0x55);
	EXPECT(msi(1));
	put_irte(1, 0x101, 0x66);
	EXPECT(msi(1));
	EXPECT_EQ(b.irq.vector, 0x66);
	bench_close();
}

TEST(guest_mode_needs_gam_en)
{
	CASE(IOMMU, "IOMMU Control Register",
		"GAMEn = 0: an entry with GuestMode = 1 is illegal, nothing is posted");
	bench_open();
	bench_start(0);
	wr(0x0018, RUN_CONTROL & ~(1ull << 25));
	set_q2(IV | LEN(8) | TABLE | IRT);
	put_irte(1, 0x181, VAPIC | 0x55);
	EXPECT(!msi(1));
	EXPECT_EVENT(0x20b8000700000010ull, MSI);
	EXPECT_STRICT(1);
	EXPECT_EQ(get32(VAPIC + 0x220), 0);
	bench_close();
}
