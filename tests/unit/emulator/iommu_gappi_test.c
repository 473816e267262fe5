// SPDX-License-Identifier: MIT
/* GAPPI of the emulator's IOMMU. */
#include "iommu_posting.h"
#include "case.h"

#define AREA "IOMMU: GAPPI"

#define GAPPI_ON  (1ull << 55)
#define GAPPI_DIS (1ull << 5)

/* A cached guest-mode entry that memory no longer has: the post is done, by the page and vector
 * that were cached, and the new entry's fields are not taken for GATag or IsRun. */
TEST(entry_of_another_kind_since_it_was_cached)
{
	ASSUMED(IOMMU, "Guest Virtual APIC Mode",
		"fields of an entry that is no longer a guest-mode one are not taken for GATag or IsRun");
	open(GAPPI_ON);
	entry(LO, 0x51);
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 1);
	put64(VAPIC + 0x220, 0);
	put_irte(1, 0x341, 0x44); /* remapped to the host */
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x220), 1u << 17);
	EXPECT_EQ(b.irq.count, 1);
	EXPECT_EQ(b.doorbells, 0);
	EXPECT_EQ(b.strict, 0);
	bench_close();
}

TEST(gappi)
{
	CASE(IOMMU, "Guest APIC Physical Processor Interrupt",
		"IsRun = 0 and a clear IRR: vector GATag 7:0 to Destination, fixed, physical, edge");
	open(GAPPI_ON);
	put_irte(1, LO | GALOG_INTR, 0x0100000000000000ull | VAPIC | 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 1);
	EXPECT_EQ(b.irq.vector, 0x78); /* GATag 7:0 */
	EXPECT_EQ(b.irq.dest, 0x01000003);
	EXPECT_EQ(b.irq.mode, 0);
	EXPECT(!b.irq.logical && !b.irq.level);
	EXPECT_EQ(b.records[SW_GAPPI], 1);
	EXPECT_EQ(b.doorbells, 0);
	bench_close();
}

TEST(gappi_only_when_the_whole_irr_was_clear)
{
	CASE(IOMMU, "Guest APIC Physical Processor Interrupt",
		"only if all 256 IRR bits were clear; ISR and TMR don't count");
	ASSUMED(IOMMU, "Guest APIC Physical Processor Interrupt",
		"the test for a clear IRR and the OR are one step");

	for (unsigned word = 0; word < 8; word++) {
		open(GAPPI_ON);
		entry(LO, 0x41);
		put64(VAPIC + 0x200 + 0x10 * word, 0x80000000);
		EXPECT(post(1));
		EXPECT_EQ(b.irq.count, 0);
		put64(VAPIC + 0x200 + 0x10 * word, 0);
		put64(VAPIC + 0x220, 0);
		EXPECT(post(1));
		EXPECT_EQ(b.irq.count, 1);
		EXPECT(post(1)); /* the same vector again */
		EXPECT_EQ(b.irq.count, 1);
		bench_close();
	}
	/* ISR and TMR bits do not count. */
	open(GAPPI_ON);
	entry(LO, 0x41);
	put64(VAPIC + 0x120, 0xffffffff);
	put64(VAPIC + 0x1a0, 0xffffffff);
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 1);
	bench_close();
}

TEST(gappi_not_for_a_running_or_disabled_target)
{
	CASE(IOMMU, "Guest APIC Physical Processor Interrupt",
		"not with IsRun = 1 (then a doorbell), not with GAPPIDis = 1");
	ASSUMED(IOMMU, "Guest Virtual APIC Mode", "GAPPIDis is never cached");
	open(GAPPI_ON);
	entry(LO | IS_RUN, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 0);
	EXPECT_EQ(b.doorbells, 1);
	put64(VAPIC + 0x220, 0);
	entry(LO | GAPPI_DIS, 0x41); /* no invalidation: neither bit is cached */
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 0);
	EXPECT_EQ(b.doorbells, 1);
	bench_close();
}

TEST(gappi_dis_is_reserved_where_unsupported)
{
	CASE(IOMMU, "Guest Virtual APIC Mode", "without GAPPIDisSup the bit is reserved");

	struct iommu_config cfg = newest();

	cfg.gappidissup = false;
	open_cfg(cfg, GAPPI_ON);
	entry(LO | GAPPI_DIS, 0x41);
	EXPECT(!post(1));
	EXPECT_EVENT(0x20b8000700000010ull, 0xfee00000);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(spurious_gappi)
{
	CASE(IOMMU, "Guest APIC Physical Processor Interrupt",
		"a GAPPI may be spurious; the property x-spurious-gappi makes them");
	struct iommu_config cfg = newest();

	cfg.spurious_gappi = 30;
	open_cfg(cfg, GAPPI_ON);
	entry(LO, 0x41);
	post(1);
	b.next_random = 29;
	post(1);
	EXPECT_EQ(b.irq.count, 2);
	b.next_random = 30;
	post(1);
	EXPECT_EQ(b.irq.count, 2);
	EXPECT_EQ(b.u->faults_done, 1);
	bench_close();
}

TEST(lost_gappi)
{
	struct iommu_config cfg = newest();

	cfg.wake_lost = 2;
	open_cfg(cfg, GAPPI_ON);
	entry(LO, 0x41);
	post(1);
	EXPECT_EQ(b.irq.count, 1);
	put64(VAPIC + 0x220, 0);
	post(1);
	EXPECT_EQ(get32(VAPIC + 0x220), 2);
	EXPECT_EQ(b.irq.count, 1);
	put64(VAPIC + 0x220, 0);
	post(1);
	EXPECT_EQ(b.irq.count, 2);
	bench_close();
}

TEST(gappi_with_an_exception_vector)
{
	ASSUMED(IOMMU, "Guest APIC Physical Processor Interrupt",
		"a GATag 7:0 below 16 is an error of software");
	open(GAPPI_ON);
	entry(0x0000000f00000381ull, 0x41);
	post(1);
	EXPECT_STRICT(1);
	bench_close();
}
