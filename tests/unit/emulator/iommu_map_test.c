// SPDX-License-Identifier: MIT
/* Every register of the emulator's IOMMU: reset value, what can be written and when. */
#include "iommu_bench.h"
#include "case.h"

#define AREA "IOMMU: registers"
#define MAP  "IOMMU MMIO Registers"

struct row {
	uint32_t offset;
	const char *name;
	uint64_t reset;
	uint64_t writable;
	uint64_t unit; /* the status bit of the unit whose run protects it; 0: none */
};

#define CMD_RUN   (1ull << 4)
#define EVENT_RUN (1ull << 3)
#define GALOG_RUN (1ull << 8)

/* Typed from the manual's register pages, with the features of this part. */
static const struct row rows[] = {
	{ 0x0000, "Device Table Base", 0, 0x000ffffffffff1ffull, 0 },
	{ 0x0008, "Command Buffer Base", 0, 0x0f0ffffffffff000ull, CMD_RUN },
	{ 0x0010, "Event Log Base", 0, 0x0f0ffffffffff000ull, EVENT_RUN },
	{ 0x0020, "Exclusion Base", 0, 0x000ffffffffff003ull, 0 },
	{ 0x0028, "Exclusion Range Limit", 0, 0x000ffffffffff000ull, 0 },
	{ 0x0030, "Extended Feature", 0x000040c0002508e5ull, 0, 0 },
	{ 0x0038, "PPR Log Base (absent)", 0, 0, 0 },
	{ 0x0040, "Hardware Event Upper (absent)", 0, 0, 0 },
	{ 0x0048, "Hardware Event Lower (absent)", 0, 0, 0 },
	{ 0x0050, "Hardware Event Status (absent)", 0, 0, 0 },
	{ 0x0070, "SMI Filter 2 (absent)", 0, 0, 0 },
	{ 0x00d8, "SMI Filter 15 (absent)", 0, 0, 0 },
	{ 0x00e0, "Guest Virtual APIC Log Base", 0, 0x0f0ffffffffff000ull, GALOG_RUN },
	{ 0x00e8, "Guest Virtual APIC Log Tail Address", 0, 0x000ffffffffffff8ull, GALOG_RUN },
	{ 0x00f0, "PPR Log B Base (absent)", 0, 0, 0 },
	{ 0x00f8, "Event Log B Base (absent)", 0, 0, 0 },
	{ 0x0100, "Device Table Segment 1 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0108, "Device Table Segment 2 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0110, "Device Table Segment 3 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0118, "Device Table Segment 4 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0120, "Device Table Segment 5 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0128, "Device Table Segment 6 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0130, "Device Table Segment 7 Base", 0, 0x000ffffffffff0ffull, 0 },
	{ 0x0138, "Device-Specific Feature (absent)", 0, 0, 0 },
	{ 0x0140, "Device-Specific Control (absent)", 0, 0, 0 },
	{ 0x0148, "Device-Specific Status (absent)", 0, 0, 0 },
	{ 0x0170, "XT General Interrupt Control", 0, 0xff0001ffffffff04ull, 0 },
	{ 0x0178, "XT PPR Interrupt Control", 0, 0xff0001ffffffff04ull, 0 },
	{ 0x0180, "XT GA Log Interrupt Control", 0, 0xff0001ffffffff04ull, 0 },
	{ 0x0190, "vIOMMU Status (absent)", 0, 0, 0 },
	{ 0x01a0, "Extended Feature 2", 0x110, 0, 0 },
	{ 0x0200, "MARC Aperture 0 Base (absent)", 0, 0, 0 },
	{ 0x0258, "MARC Aperture 3 Length (absent)", 0, 0, 0 },
	{ 0x2000, "Command Buffer Head Pointer", 0, 0x7fff0, CMD_RUN },
	{ 0x2008, "Command Buffer Tail Pointer", 0, 0x7fff0, 0 },
	{ 0x2010, "Event Log Head Pointer", 0, 0x7fff0, 0 },
	{ 0x2018, "Event Log Tail Pointer", 0, 0x7fff0, EVENT_RUN },
	{ 0x2030, "PPR Log Head Pointer (absent)", 0, 0, 0 },
	{ 0x2038, "PPR Log Tail Pointer (absent)", 0, 0, 0 },
	{ 0x2040, "Guest Virtual APIC Log Head Pointer", 0, 0x7fff8, 0 },
	{ 0x2048, "Guest Virtual APIC Log Tail Pointer", 0, 0x7fff8, GALOG_RUN },
	{ 0x2050, "PPR Log B Head Pointer (absent)", 0, 0, 0 },
	{ 0x2058, "PPR Log B Tail Pointer (absent)", 0, 0, 0 },
	{ 0x2070, "Event Log B Head Pointer (absent)", 0, 0, 0 },
	{ 0x2078, "Event Log B Tail Pointer (absent)", 0, 0, 0 },
	{ 0x2080, "PPR Log Auto Response (absent)", 0, 0, 0 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* While everything is off: one bit after the other, and the bit alone is kept. */
static void bits_of(const struct row *r)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = 1ull << bit;

		wr(r->offset, one);
		EXPECT_EQ(rd(r->offset), r->writable ? one & r->writable : r->reset);
		EXPECT_STRICT(!(one & r->writable));
	}
	wr(r->offset, r->writable);
	EXPECT_EQ(rd(r->offset), r->writable ? r->writable : r->reset);
	b.strict = 0;
	wr(r->offset, 0);
	EXPECT_EQ(rd(r->offset), r->writable ? 0 : r->reset);
	EXPECT_STRICT(0);
}

TEST(reset_value_and_writable_bits)
{
	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];

		if (r->writable)
			CASE(IOMMU, MAP, "%04xh %s: reset %llxh, read-write %016llxh, rest 0",
				r->offset, r->name, (unsigned long long)r->reset,
				(unsigned long long)r->writable);
		else
			CASE(IOMMU, MAP, "%04xh %s: reset %llxh, read-only", r->offset, r->name,
				(unsigned long long)r->reset);
		bench_open();
		EXPECT_EQ(rd(r->offset), r->reset);
		bits_of(r);
		bench_close();
	}
}

TEST(protected_while_its_unit_runs)
{
	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];

		if (!r->unit)
			continue;
		ASSUMED(IOMMU, MAP, "%04xh %s: a write while its unit runs is refused", r->offset,
			r->name);
		bench_open();
		bench_start(1ull << 28);
		uint64_t before = rd(r->offset);

		EXPECT_EQ(rd(0x2020) & r->unit, r->unit);
		wr(r->offset, 0x1000);
		EXPECT_STRICT(1);
		EXPECT_EQ(rd(r->offset), before);
		/* Without IommuEn nothing runs, and it can be written. */
		wr(0x0018, 0);
		EXPECT_EQ(rd(0x2020) & r->unit, 0);
		wr(r->offset, 0x1000);
		EXPECT_EQ(rd(r->offset), 0x1000);
		bench_close();
	}
}

/* The control register, with each feature there; reserved bits as the manual has them. */
TEST(control_bits)
{
	const uint64_t writable = 0x088c081c3f421fffull;

	CASE(IOMMU, "IOMMU Control Register", "0018h Control: reset 0, read-write %016llxh, rest 0",
		(unsigned long long)writable);
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = 1ull << bit;

		bench_open();
		EXPECT_EQ(rd(0x0018), 0);
		wr(0x0018, one);
		EXPECT_EQ(rd(0x0018), one & writable);
		b.strict = 0;
		bench_close();
	}
}

/* Everything that can be set is set, then each bit is written alone. */
static void all_status(void)
{
	struct iommu_mapping m;

	bench_open();
	bench_start(1ull << 28);
	put_dte(DEV, 1, 7, 1 | 8 << 1 | 2ull << 60 | IRT, 0);
	put_irte(1, 0x385, VAPIC | 0x41);
	EXPECT(iommu_interrupt(b.u, DEV, 0xfee00000, 1));
	iommu_inject_galog_overflow(b.u);
	EXPECT(iommu_interrupt(b.u, DEV, 0xfee00000, 1));
	for (unsigned i = 0; i < 256; i++)
		EXPECT(!iommu_translate(b.u, DEV, 0x5000, IOMMU_READ, &m));
	cmd(0x1000000000000002ull, 0);
}

TEST(status_bits)
{
	static const struct {
		unsigned bit;
		const char *name;
	} clears[] = { { 0, "EventOverflow" }, { 1, "EventLogInt" }, { 2, "ComWaitInt" },
		{ 9, "GALOverflow" }, { 10, "GAInt" } };
	const uint64_t all = 0x617;

	for (unsigned i = 0; i < 5; i++) {
		CASE(IOMMU, "IOMMU Status Register", "2020h bit %u, %s: write-1-to-clear",
			clears[i].bit, clears[i].name);
		all_status();
		EXPECT_EQ(rd(0x2020), all);
		wr(0x2020, 0);
		EXPECT_EQ(rd(0x2020), all);
		wr(0x2020, 1ull << clears[i].bit);
		EXPECT_EQ(rd(0x2020), all & ~(1ull << clears[i].bit));
		bench_close();
	}
	CASE(IOMMU, "IOMMU Status Register",
		"2020h: the run bits 3, 4 and 8 and all others are read-only");
	for (unsigned bit = 0; bit < 64; bit++) {
		if (all & ~CMD_RUN & 1ull << bit)
			continue;
		all_status();
		wr(0x2020, 1ull << bit);
		EXPECT_EQ(rd(0x2020), all);
		bench_close();
	}
	CASE(IOMMU, "IOMMU Status Register",
		"2020h: a 32-bit write of the upper half clears nothing below");
	all_status();
	iommu_mmio_write(b.u, 0x2024, 0xffffffff, 4);
	EXPECT_EQ(rd(0x2020), all);
	bench_close();
}
