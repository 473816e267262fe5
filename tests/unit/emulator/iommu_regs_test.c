// SPDX-License-Identifier: MIT
/* Registers of the emulator's IOMMU: reset values, masks, access rules, interrupts. */
#include "iommu_bench.h"
#include "case.h"

#define AREA "IOMMU: registers"

TEST(feature_registers)
{
	CASE(IOMMU, "IOMMU MMIO Registers",
		"the feature registers 030h and 1A0h name what this part has, and are read-only");
	bench_open();
	/* PreF, XT, GAPPI, IA, GA; HATS 2; SmiF 1, SmiFRC 1; GAM 1; DevTblSeg 3; MsiCapMmio. */
	EXPECT_EQ(rd(0x0030), 0x000040c0002508e5ull);
	EXPECT_EQ(rd(0x01a0), 0x0000000000000110ull);
	wr(0x0030, 0);
	EXPECT_STRICT(0); /* all zeroes to a read-only register harm nobody */
	wr(0x0030, 1);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0030), 0x000040c0002508e5ull);
	bench_close();
}

TEST(features_can_be_absent)
{
	CASE(IOMMU, "IOMMU MMIO Registers",
		"a feature that is switched off reads 0, and its control bit is reserved");

	struct iommu_config cfg = newest();

	cfg.gappisup = false;
	bench_open_with(cfg);
	EXPECT_EQ(rd(0x0030), 0x000040c0002508c5ull);
	EXPECT_EQ(rd(0x01a0), 0x100);
	wr(0x0018, 1ull << 55);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0018), 0);
	bench_close();

	cfg = newest();
	cfg.gasup = false;
	bench_open_with(cfg);
	EXPECT_EQ(rd(0x0030), 0x000040c000050841ull);
	bench_close();

	cfg = newest();
	cfg.gappidissup = false;
	cfg.iasup = false;
	cfg.xtsup = false;
	cfg.num_int_remap = 0;
	cfg.smifsup = false;
	bench_open_with(cfg);
	EXPECT_EQ(rd(0x0030), 0x000040c0002008a1ull);
	EXPECT_EQ(rd(0x01a0), 0);
	bench_close();
}

TEST(absent_registers_read_zero)
{
	ASSUMED(IOMMU, "IOMMU MMIO Registers",
		"registers of absent features, and offsets without a register, read 0 and ignore writes");
	bench_open();
	for (uint32_t o = 0x0038; o <= 0x0058; o += 8)
		EXPECT_EQ(rd(o), 0);
	EXPECT_EQ(rd(0x2030), 0);
	EXPECT_EQ(rd(0x0200), 0);
	wr(0x2030, 0x10);
	EXPECT_STRICT(1);
	wr(0x3000, 0);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(halves)
{
	CASE(IOMMU, "IOMMU MMIO Registers",
		"a 64-bit register can be read and written in 32-bit halves; accesses of other sizes, or not aligned, are ignored");
	bench_open();
	iommu_mmio_write(b.u, 0x0008, 0x00110000, 4);
	iommu_mmio_write(b.u, 0x000c, 0x09000001, 4);
	EXPECT_EQ(rd(0x0008), 0x0900000100110000ull);
	EXPECT_EQ(iommu_mmio_read(b.u, 0x0008, 4), 0x00110000);
	EXPECT_EQ(iommu_mmio_read(b.u, 0x000c, 4), 0x09000001);
	iommu_mmio_read(b.u, 0x0008, 2);
	EXPECT_STRICT(1);
	iommu_mmio_write(b.u, 0x0008, 0, 1);
	EXPECT_STRICT(1);
	iommu_mmio_read(b.u, 0x000c, 8);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(run_bits)
{
	CASE(IOMMU, "IOMMU Status Register",
		"EventLogRun, CmdBufRun and GALogRun follow the enable bits");
	bench_open();
	bench_start(1ull << 28 | 1ull << 29);
	EXPECT_EQ(rd(0x2020), 1ull << 3 | 1ull << 4 | 1ull << 8);
	wr(0x0018, RUN_CONTROL);
	EXPECT_EQ(rd(0x2020), 1ull << 3 | 1ull << 4);
	wr(0x0018, RUN_CONTROL & ~(1ull << 12));
	EXPECT_EQ(rd(0x2020), 1ull << 3);
	wr(0x0018, RUN_CONTROL & ~(1ull << 0));
	EXPECT_EQ(rd(0x2020), 0);
	wr(0x0018, RUN_CONTROL);
	EXPECT_EQ(rd(0x2020), 1ull << 3 | 1ull << 4);
	bench_close();
}

TEST(nothing_runs_before_iommu_en)
{
	CASE(IOMMU, "IOMMU Control Register",
		"no unit runs before IommuEn; commands queued before are fetched then");
	bench_open();
	bench_start(0);
	wr(0x0018, 1ull << 2 | 1ull << 12);
	b.strict = 0; /* GAEn and XTEn change on the way; not what this is about */
	EXPECT_EQ(rd(0x2020), 0);
	cmd(0x1000000000000000ull | STORE | 1, 7);
	EXPECT_EQ(get64(STORE), 0);
	wr(0x0018, 1ull << 0 | 1ull << 2 | 1ull << 12);
	EXPECT_EQ(get64(STORE), 7);
	bench_close();
}

TEST(control_rules)
{
	CASE(IOMMU, "IOMMU Control Register",
		"XTEn without GAEn, GAMEn 010b and reserved bits are errors of software");
	CASE(IOMMU, "IOMMU Control Register",
		"GAEn, XTEn and DevTblSegEn are not to change while IommuEn = 1");
	ASSUMED(IOMMU, "Guest APIC Physical Processor Interrupt",
		"GALogEn and GAPPIEn together are an error of software; only GAPPI is done");
	bench_open();
	wr(0x0018, 1ull << 49);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x0018), 0);
	wr(0x0018, 1ull << 50); /* XTEn without GAEn */
	EXPECT_STRICT(1);
	wr(0x0018, 2ull << 25 | 1ull << 17); /* GAMEn 010b */
	EXPECT_STRICT(1);
	wr(0x0018, 1ull << 59); /* probing IRTCacheDis is allowed */
	EXPECT_EQ(rd(0x0018), 1ull << 59);
	wr(0x0018, 0);
	EXPECT_STRICT(0);
	bench_start(0);
	wr(0x0018, RUN_CONTROL & ~(1ull << 50)); /* XTEn changed while enabled */
	EXPECT_STRICT(1);
	wr(0x0018, RUN_CONTROL);
	EXPECT_STRICT(1);
	wr(0x0018, RUN_CONTROL | 1ull << 28 | 1ull << 55);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(irt_cache_dis_may_be_absent)
{
	CASE(IOMMU, "IOMMU Control Register", "IRTCacheDis reads back 0 where it is not supported");

	struct iommu_config cfg = newest();

	cfg.irtcachedissup = false;
	bench_open_with(cfg);
	wr(0x0018, 1ull << 59);
	EXPECT_EQ(rd(0x0018), 0);
	bench_close();
}

TEST(pointers_outside_the_ring)
{
	ASSUMED(IOMMU, "IOMMU MMIO Registers",
		"a command tail outside of the ring is refused; a log head outside of what was logged is reported");
	bench_open();
	bench_start(0);
	wr(0x2008, 0x1000);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2008), 0);
	wr(0x2010, 0x10); /* the log is empty: nothing to consume */
	EXPECT_STRICT(1);
	bench_close();
}

TEST(status_is_write_1_to_clear_and_interrupts_on_the_edge)
{
	CASE(IOMMU, "IOMMU Status Register",
		"ComWaitInt is write-1-to-clear; the run bits are read-only");
	CASE(IOMMU, "IOMMU Interrupt Support",
		"an interrupt is sent when a status bit goes from 0 to 1, not while it is set");
	CASE(IOMMU, "IOMMU Interrupt Support",
		"IntCapXTEn: vector, destination and mode come from register 170h");
	bench_open();
	bench_start(1ull << 4 | 1ull << 51);
	wr(0x0170, 0x0100004400000204ull | 0x0000000000000500ull);
	cmd(0x1000000000000002ull, 0);
	EXPECT_EQ(rd(0x2020), 0x1c);
	EXPECT_EQ(b.irq.count, 1);
	EXPECT_EQ(b.irq.vector, 0x44);
	EXPECT_EQ(b.irq.dest, 0x01000007);
	EXPECT_EQ(b.irq.logical, 1);
	EXPECT_EQ(b.irq.mode, 0);
	cmd(0x1000000000000002ull, 0); /* still set: no second interrupt */
	EXPECT_EQ(b.irq.count, 1);
	wr(0x2020, 0x18); /* the run bits are read-only, and 0 clears nothing */
	EXPECT_EQ(rd(0x2020), 0x1c);
	wr(0x2020, 0x4);
	EXPECT_EQ(rd(0x2020), 0x18);
	cmd(0x1000000000000002ull, 0);
	EXPECT_EQ(b.irq.count, 2);
	EXPECT_EQ(b.msi_count, 0);
	bench_close();
}

TEST(com_wait_int_en_gates_the_interrupt_only)
{
	CASE(IOMMU, "IOMMU Control Register",
		"ComWaitIntEn = 0: the status bit is set, no interrupt is sent");
	bench_open();
	bench_start(1ull << 51);
	cmd(0x1000000000000002ull, 0);
	EXPECT_EQ(rd(0x2020), 0x1c);
	EXPECT_EQ(b.irq.count, 0);
	bench_close();
}

static uint32_t pci(uint32_t offset)
{
	uint32_t value = 0;

	EXPECT(iommu_pci_read(b.u, offset, &value));
	return value;
}

TEST(capability_block)
{
	CASE(IOMMU, "IOMMU PCI Resources",
		"the capability block, its base locked by Enable, and its mirror at 150h");
	bench_open();
	EXPECT_EQ(pci(0x40), 0x180b600f);
	EXPECT_EQ(pci(0x44), 0xfed80001);
	EXPECT_EQ(pci(0x48), 0);
	EXPECT_EQ(pci(0x4c), 0);
	EXPECT_EQ(pci(0x50), 0x00203040);
	EXPECT_EQ(pci(0x54), 1);
	EXPECT_EQ(rd(0x0150), 0x0000000100203040ull);
	iommu_pci_write(b.u, 0x44, 0x12340001, ~0u);
	EXPECT_STRICT(1);
	EXPECT_EQ(pci(0x44), 0xfed80001);
	EXPECT_EQ(pci(0x70), 0xa8030008);
	bench_close();
}

TEST(base_before_the_lock)
{
	CASE(IOMMU, "IOMMU PCI Resources",
		"the base can be written until Enable is set, then no more");
	bench_open();
	b.u->pci.locked = false;
	iommu_pci_write(b.u, 0x48, 0x1, ~0u);
	iommu_pci_write(b.u, 0x44, 0x23454000, ~0u);
	EXPECT_EQ(pci(0x44), 0x23454000);
	iommu_pci_write(b.u, 0x44, 0x23454001, ~0u);
	EXPECT_EQ(pci(0x44), 0x23454001);
	EXPECT_EQ(pci(0x48), 1);
	iommu_pci_write(b.u, 0x48, 0, ~0u);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(msi_messages_and_mirrors)
{
	CASE(IOMMU, "IOMMU PCI Resources",
		"MSI capability: off by default; 158h to 168h read and write the same registers");
	bench_open();
	EXPECT_EQ(pci(0x60), 0x00827005);
	iommu_pci_write(b.u, 0x64, 0xfee01000, ~0u);
	iommu_pci_write(b.u, 0x6c, 0x4040, ~0u);
	EXPECT_EQ(rd(0x0158), 0xfee0100000827005ull);
	EXPECT_EQ(rd(0x0160), 0x0000404000000000ull);
	bench_start(1ull << 4 | 1ull << 28 | 1ull << 29);
	cmd(0x1000000000000002ull, 0);
	EXPECT_EQ(b.msi_count, 0); /* not enabled */
	wr(0x2020, 4);
	iommu_pci_write(b.u, 0x60, 0x00110000, 0xffff0000);
	EXPECT_EQ(pci(0x60), 0x00937005);
	cmd(0x1000000000000002ull, 0);
	EXPECT_EQ(b.msi_count, 1);
	EXPECT_EQ(b.msi_addr, 0xfee01000);
	EXPECT_EQ(b.msi_data, 0x4040);
	EXPECT_EQ(b.irq.count, 0);
	wr(0x0160, 0x0000505000000000ull); /* the mirror writes through */
	EXPECT_EQ(pci(0x6c), 0x5050);
	bench_close();
}

TEST(ivrs_bytes)
{
	CASE(IOMMU, "I/O Virtualization Reporting Structure",
		"IVHD types 10h, 11h and 40h, byte by byte");
	/* IVinfo; 10h block, its four entries. */
	static const uint8_t first[] = { 0x41, 0x30, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x40,
		0x30, 0, 0x02, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0x61, 0, 0,
		0x80, 0x03, 0, 0, 0, 0x04, 0xff, 0xff, 0, 0x48, 0, 0, 0, 0x00, 0xa0, 0, 1, 0x48, 0,
		0, 0, 0, 0xa0, 0, 2 };
	static const uint8_t type40[] = { 0x40, 0, 0x40, 0, 0x02, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe5, 0x08, 0x25, 0, 0xc0, 0x40, 0, 0, 0x10, 1 };
	uint8_t buf[512];

	bench_open();
	EXPECT_EQ(iommu_ivrs(b.u, 0, NULL, 0, buf, sizeof(buf)), 12 + 48 + 64 + 64);
	EXPECT(!memcmp(buf, first, 1)); /* EFRSup, and GVASize's low bits */
	EXPECT(!memcmp(buf + 12, first + 12, sizeof(first) - 12));
	EXPECT_EQ(buf[60], 0x11);
	EXPECT(!memcmp(buf + 124, type40, sizeof(type40)));
	EXPECT_EQ(buf[0] | buf[1] << 8 | buf[2] << 16, 64 << 15 | 48 << 8 | 2 << 5 | 1);
	bench_close();
}

TEST(ivrs_aliases)
{
	CASE(IOMMU, "I/O Virtualization Reporting Structure",
		"alias ranges (entry 43h, ended by 04h) in each IVHD, after the range of all");
	static const struct iommu_alias alias[] = { { 0x0300, 0x03ff, 0x0020 },
		{ 0x0200, 0x02ff, 0x0200 } };
	static const uint8_t entries[] = { 0x04, 0xff, 0xff, 0, 0x43, 0x00, 0x03, 0, 0, 0x20, 0, 0,
		0x04, 0xff, 0x03, 0, 0x43, 0x00, 0x02, 0, 0, 0x00, 0x02, 0, 0x04, 0xff, 0x02, 0,
		0x48 };
	static const size_t block[] = { 12, 12 + 72, 12 + 72 + 88 };
	uint8_t buf[512];

	bench_open();
	EXPECT_EQ(iommu_ivrs(b.u, 0, alias, 2, buf, sizeof(buf)), 12 + 72 + 88 + 88);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(buf[block[i] + 2], i ? 88 : 72);
		EXPECT(!memcmp(buf + block[i] + (i ? 44 : 28), entries, sizeof(entries)));
	}
	bench_close();
}
