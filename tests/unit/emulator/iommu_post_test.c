// SPDX-License-Identifier: MIT
/* Guest virtual APIC mode, GA log and GAPPI of the emulator's IOMMU. */
#include "iommu_posting.h"
#include "case.h"

#define AREA "IOMMU: posting and GA log"

#define GALOG_ON (1ull << 28 | 1ull << 29 | 1ull << 51)

TEST(irr_bit_of_every_vector)
{
	CASE(IOMMU, "Guest Virtual APIC Mode",
		"vectors 16 to 255: just the IRR bit in the backing page is set");
	open(0);
	for (unsigned v = 16; v < 256; v++) {
		uint64_t word = VAPIC + 0x200 + 0x10 * (v / 32);

		memset(at(VAPIC, 4096), 0, 4096);
		entry(LO, (uint8_t)v);
		cmd(0x5000000000000010ull, 0);
		EXPECT(post(1));
		EXPECT_EQ(get32(word), 1u << v % 32);
		put64(word, 0);
		for (unsigned i = 0; i < 4096; i += 8)
			EXPECT_EQ(get64(VAPIC + i), 0);
	}
	EXPECT_EQ(b.doorbells + b.irq.count + b.msi_count, 0);
	EXPECT_EQ(b.records[SW_POST], 240);
	bench_close();
}

TEST(is_run_rings_the_doorbell)
{
	CASE(IOMMU, "Guest Virtual APIC Mode",
		"IsRun = 1: a doorbell to the 32-bit Destination; no log entry");
	open(GALOG_ON);
	put_irte(1, LO | IS_RUN | GALOG_INTR, 0x8000000000000000ull | VAPIC | 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.doorbells, 1);
	EXPECT_EQ(b.doorbell_dest, 0x80000003);
	EXPECT_EQ(rd(0x2048), 0);
	EXPECT_EQ(b.irq.count, 0);
	bench_close();
}

TEST(ga_log_entry)
{
	CASE(IOMMU, "Guest Virtual APIC Log",
		"IsRun = 0, GALogIntr = 1: entry GUEST_NR with device and GATag, tail in register and memory, GAInt");
	CASE(IOMMU, "Guest Virtual APIC Log",
		"each post is logged, also if its IRR bit was set already");
	CASE(IOMMU, "IOMMU Interrupt Support",
		"GAInt sends its interrupt (register 180h) when it goes from 0 to 1");
	open(GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x220), 2);
	EXPECT_EQ(get64(GALOG), 0x1000001012345678ull);
	EXPECT_EQ(rd(0x2048), 8);
	EXPECT_EQ(get64(GATAIL), 8);
	EXPECT_EQ(rd(0x2020), 0x518); /* GAInt; three units run */
	EXPECT_EQ(b.irq.count, 1);
	EXPECT_EQ(b.irq.vector, 0x99);
	EXPECT_EQ(b.irq.dest, 5);
	EXPECT_EQ(b.doorbells, 0);
	EXPECT(post(1)); /* logged again; GAInt is still set: no interrupt */
	EXPECT_EQ(rd(0x2048), 16);
	EXPECT_EQ(b.irq.count, 1);
	wr(0x2020, 0x400);
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 2);
	EXPECT_EQ(b.records[SW_GALOG], 3);
	bench_close();
}

TEST(ga_log_by_msi)
{
	CASE(IOMMU, "IOMMU PCI Resources",
		"GAInt is the message MsiNumGA, folded where fewer messages were granted");
	open(1ull << 28 | 1ull << 29);
	iommu_pci_write(b.u, 0x64, 0xfee00000, ~0u);
	iommu_pci_write(b.u, 0x6c, 0x50, ~0u);
	iommu_pci_write(b.u, 0x60, 0x00010000, 0xffff0000); /* one message granted */
	entry(LO | GALOG_INTR, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.msi_data, 0x50);
	iommu_pci_write(b.u, 0x60, 0x00110000, 0xffff0000); /* two */
	wr(0x2020, 0x400);
	EXPECT(post(1));
	EXPECT_EQ(b.msi_data, 0x51);
	EXPECT_EQ(b.msi_count, 2);
	bench_close();
}

TEST(ga_int_en_gates_the_interrupt_only)
{
	CASE(IOMMU, "IOMMU Control Register", "GAIntEn = 0: GAInt is set, no interrupt is sent");
	open(1ull << 28 | 1ull << 51);
	entry(LO | GALOG_INTR, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(rd(0x2020) & 0x400, 0x400);
	EXPECT_EQ(b.irq.count, 0);
	bench_close();
}

TEST(nobody_is_told)
{
	CASE(IOMMU, "Guest Virtual APIC Mode",
		"GALogIntr = 0, or no log: the IRR bit and nothing else");
	open(GALOG_ON);
	entry(LO, 0x41); /* GALogIntr = 0 */
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x220), 2);
	EXPECT_EQ(rd(0x2048), 0);
	EXPECT_EQ(b.records[SW_GALOG_OVERFLOW], 0);
	bench_close();

	open(0); /* no log */
	entry(LO | GALOG_INTR, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.records[SW_GALOG_OVERFLOW], 0);
	bench_close();
}

TEST(ga_log_wraps)
{
	open(GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	for (unsigned i = 0; i < 1000; i++) {
		EXPECT(post(1));
		EXPECT_EQ(get64(GALOG + rd(0x2040)), 0x1000001012345678ull);
		put64(GALOG + rd(0x2040), 0);
		wr(0x2040, rd(0x2048));
	}
	EXPECT_EQ(rd(0x2048), 1000 % 512 * 8);
	EXPECT_EQ(get64(GATAIL), 1000 % 512 * 8);
	bench_close();
}

TEST(overflow_and_restart)
{
	CASE(IOMMU, "Guest Virtual APIC Log",
		"overflow: posting goes on, GALOverflow set, GALogRun cleared, nothing logged; draining does not restart it");
	ASSUMED(IOMMU, "Guest Virtual APIC Log",
		"overflow sends no interrupt; the property x-galog-overflow-int has it raise GAInt");
	CASE(IOMMU, "Guest Virtual APIC Log Restart Procedure",
		"GALogEn off, pointers 0, GALOverflow cleared, GALogEn on: logged from the start");

	struct iommu_config cfg = newest();

	cfg.galog_limit = 3;
	open_cfg(cfg, GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(post(1));
	EXPECT_EQ(rd(0x2020), 0x518);
	wr(0x2020, 0x400);
	put64(VAPIC + 0x220, 0);
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x220), 2); /* posted all the same */
	EXPECT_EQ(rd(0x2020), 0x218);       /* overflow, not running, no GAInt */
	EXPECT_EQ(rd(0x2048), 24);
	EXPECT_EQ(b.records[SW_GALOG_OVERFLOW], 1);
	EXPECT_EQ(b.irq.count, 1);
	wr(0x2040, 24); /* draining does not restart it */
	EXPECT(post(1));
	EXPECT_EQ(b.records[SW_GALOG_OVERFLOW], 2);
	EXPECT_EQ(rd(0x2048), 24);
	/* Restart: off, pointers, acknowledge, on. */
	wr(0x0018, (RUN_CONTROL | GALOG_ON) & ~(1ull << 28 | 1ull << 29));
	wr(0x2040, 0);
	wr(0x2048, 0);
	wr(0x2020, 0x200);
	wr(0x0018, RUN_CONTROL | GALOG_ON);
	EXPECT_EQ(rd(0x2020), 0x118);
	EXPECT(post(1));
	EXPECT_EQ(get64(GALOG), 0x1000001012345678ull);
	EXPECT_EQ(b.irq.count, 2);
	bench_close();
}

TEST(overflow_must_be_acknowledged)
{
	ASSUMED(IOMMU, "Guest Virtual APIC Log Restart Procedure",
		"GALogEn set while GALOverflow is still set does not restart the log");

	struct iommu_config cfg = newest();

	cfg.galog_limit = 1;
	cfg.galog_overflow_int = true;
	open_cfg(cfg, GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	post(1);
	wr(0x2020, 0x400);
	post(1);
	EXPECT_EQ(rd(0x2020), 0x618); /* an IOMMU that raises GAInt on overflow too */
	EXPECT_EQ(b.irq.count, 2);
	wr(0x0018, RUN_CONTROL);
	wr(0x0018, RUN_CONTROL | GALOG_ON);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2020) & 0x100, 0);
	bench_close();
}

/* A fault for tests of software: the bit is there and nobody is told, once. */
TEST(lost_ga_log_entry)
{
	struct iommu_config cfg = newest();

	cfg.wake_lost = 1;
	open_cfg(cfg, GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	post(1);
	EXPECT_EQ(get32(VAPIC + 0x220), 2);
	EXPECT_EQ(rd(0x2048), 0);
	EXPECT_EQ(rd(0x2020) & 0x700, 0x100);
	post(1);
	EXPECT_EQ(rd(0x2048), 8);
	EXPECT_EQ(b.u->faults_done, 1);
	bench_close();
}

TEST(injected_overflow)
{
	open(GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	iommu_inject_galog_overflow(b.u);
	post(1);
	EXPECT_EQ(rd(0x2020) & 0x300, 0x200);
	EXPECT_EQ(rd(0x2048), 0);
	bench_close();
}

TEST(head_may_not_pass_the_tail)
{
	ASSUMED(IOMMU, "Guest Virtual APIC Log",
		"a head that passes the tail is an error of software");
	open(GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	post(1);
	wr(0x2040, 16);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(tail_address_without_memory)
{
	open(0);
	wr(0x00e8, 0x900000);
	wr(0x0018, RUN_CONTROL | GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	post(1);
	EXPECT_STRICT(1);
	bench_close();
}

TEST(late_ga_log_entry)
{
	ASSUMED(IOMMU, "Guest Virtual APIC Log",
		"errata 732 and 733: the tail may be seen before the entry is in memory");

	struct iommu_config cfg = newest();

	cfg.late_log = true;
	open_cfg(cfg, GALOG_ON);
	entry(LO | GALOG_INTR, 0x41);
	post(1);
	EXPECT_EQ(rd(0x2048), 8);
	EXPECT_EQ(get64(GALOG), 0);
	iommu_later(b.u);
	EXPECT_EQ(get64(GALOG), 0x1000001012345678ull);
	bench_close();
}

TEST(uncached_fields)
{
	CASE(IOMMU, "Guest Virtual APIC Mode", "IsRun, Destination and GATag are never cached");
	ASSUMED(IOMMU, "Guest Virtual APIC Mode", "neither is GALogIntr");
	open(GALOG_ON);
	entry(LO, 0x41);
	EXPECT(post(1));
	entry(0xabcdef0100000781ull | GALOG_INTR, 0x41); /* tag, destination, GALogIntr */
	EXPECT(post(1));
	EXPECT_EQ(get64(GALOG), 0x10000010abcdef01ull);
	entry(0xabcdef0100000781ull | IS_RUN, 0x41);
	EXPECT(post(1));
	EXPECT_EQ(b.doorbell_dest, 7);
	EXPECT_EQ(b.u->stale_irte_uses, 0);
	bench_close();
}

TEST(cached_fields)
{
	CASE(IOMMU, "Guest Virtual APIC Mode",
		"page, vector, GuestMode and RemapEn are cached until INVALIDATE_INTERRUPT_TABLE");
	open(0);
	entry(LO, 0x41);
	EXPECT(post(1));
	put_irte(1, LO, (VAPIC + 0x1000) | 0x51);
	put64(VAPIC + 0x220, 0);
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x220), 2); /* the old page, the old vector */
	EXPECT_EQ(get32(VAPIC + 0x1220), 0);
	EXPECT_EQ(b.u->stale_irte_uses, 1);
	put_irte(1, LO & ~0x80ull & 0xffffffff, 0x51); /* GuestMode, RemapEn: cached */
	EXPECT(post(1));
	EXPECT_EQ(b.irq.count, 0);
	put_irte(1, LO, (VAPIC + 0x1000) | 0x51);
	cmd(0x5000000000000010ull, 0);
	EXPECT(post(1));
	EXPECT_EQ(get32(VAPIC + 0x1220), 0x20000); /* vector 51h: word 2, bit 17 */
	bench_close();
}

static void blocks_meanwhile(void)
{
	entry(LO | GALOG_INTR, 0x41);
}

/* The race of a vCPU that blocks while an interrupt is on its way: the fields are read
 * after the IRR bit is set, so either its last look sees the bit or it is woken. */
TEST(fields_are_read_after_the_irr_bit_is_set)
{
	ASSUMED(IOMMU, "Guest Virtual APIC Mode", "IsRun is read after the IRR bit is set");
	open(GALOG_ON);
	entry(LO | IS_RUN, 0x41);
	b.after_or = blocks_meanwhile;
	EXPECT(post(1));
	EXPECT_EQ(b.doorbells, 0);
	EXPECT_EQ(rd(0x2048), 8);
	bench_close();
}

TEST(page_without_memory)
{
	CASE(IOMMU, "PAGE_TAB_HARDWARE_ERROR Event",
		"a backing page without memory: I = 1 and the page's address");
	open(0);
	put_irte(1, LO, 0x900000 | 0x41);
	EXPECT(!post(1));
	EXPECT_EVENT(0x4028000000000010ull, 0x900000);
	bench_close();
}

TEST(reserved_bits_of_guest_mode)
{
	CASE(IOMMU, "Guest Virtual APIC Mode",
		"reserved bits of a guest-mode entry: RZ = 1, nothing is posted");
	ASSUMED(IOMMU, "Guest Virtual APIC Mode",
		"a vector below 16 is posted; it is an error of software");
	open(0);
	entry(LO | 1 << 3, 0x41);
	EXPECT(!post(1));
	EXPECT_EVENT(0x20b8000700000010ull, 0xfee00000);
	put_irte(2, LO, VAPIC | 0x141);
	EXPECT(!post(2));
	EXPECT_EVENT(0x20b8000700000010ull, 0xfee00000);
	EXPECT_STRICT(2);
	put_irte(3, LO, VAPIC | 0x0f);
	EXPECT(post(3));
	EXPECT_STRICT(1);
	bench_close();
}
