// SPDX-License-Identifier: MIT
/* The three rings of the emulator's IOMMU at every length that their base can name. */
#include "iommu_bench.h"
#include "case.h"

#define AREA "IOMMU: rings"
#define RING 0x200000ull /* 512 KB: the longest */
#define MAP  "IOMMU MMIO Registers"

static uint64_t bytes_of(unsigned code)
{
	return 4096ull << (code - 8);
}

/* A ring at RING instead of where the bench has it. */
static void open_ring(uint32_t base, unsigned code, uint64_t extra)
{
	bench_open();
	bench_start(0);
	wr(0x0018, 0);
	wr(base, RING | (uint64_t)code << 56);
	wr(0x0018, RUN_CONTROL | extra);
}

TEST(command_buffer_lengths)
{
	for (unsigned code = 8; code <= 15; code++) {
		uint64_t bytes = bytes_of(code);

		CASE(IOMMU, MAP, "command buffer, length code %u: wraps at %u entries", code,
			256u << (code - 8));
		open_ring(0x0008, code, 0);
		/* The last entry but one, the last, and the first. */
		wr(0x0018, RUN_CONTROL & ~(1ull << 12));
		wr(0x2000, bytes - 32);
		wr(0x2008, bytes - 32);
		wr(0x0018, RUN_CONTROL);
		for (unsigned i = 0; i < 3; i++) {
			uint64_t at = (bytes - 32 + 16 * i) & (bytes - 1);

			put64(RING + at, 0x1000000000131001ull + 8 * i);
			put64(RING + at + 8, i + 1);
		}
		wr(0x2008, 16);
		EXPECT_EQ(rd(0x2000), 16);
		for (unsigned i = 0; i < 3; i++)
			EXPECT_EQ(get64(STORE + 8 * i), i + 1);
		bench_close();
	}
}

TEST(command_tail_bounds)
{
	for (unsigned code = 8; code < 15; code++) {
		ASSUMED(IOMMU, MAP,
			"command buffer, length code %u: a tail beyond %u entries is refused", code,
			256u << (code - 8));
		open_ring(0x0008, code, 0);
		wr(0x2008, bytes_of(code));
		EXPECT_STRICT(1);
		EXPECT_EQ(rd(0x2008), 0);
		EXPECT_EQ(rd(0x2000), 0);
		bench_close();
	}
}

static void provoke(uint64_t times)
{
	struct iommu_mapping m;

	put_dte(DEV, 1, 7, 0, 0);
	for (uint64_t i = 0; i < times; i++)
		EXPECT(!iommu_translate(b.u, DEV, i << 12, IOMMU_READ, &m));
}

TEST(event_log_lengths)
{
	for (unsigned code = 8; code <= 15; code++) {
		uint64_t entries = bytes_of(code) / 16;

		CASE(IOMMU, "Event Logging",
			"length code %u: %llu entries are logged, the next one overflows; wraps",
			code, (unsigned long long)entries - 1);
		open_ring(0x0010, code, 0);
		provoke(entries - 1);
		EXPECT_EQ(rd(0x2018), bytes_of(code) - 16);
		EXPECT_EQ(rd(0x2020) & 9, 8);
		EXPECT_EQ(get64(RING + bytes_of(code) - 32 + 8), (entries - 2) << 12);
		wr(0x2010, 32);
		provoke(2);
		EXPECT_EQ(rd(0x2018), 16);
		EXPECT_EQ(get64(RING + 8), 0x1000);
		EXPECT_EQ(rd(0x2020) & 9, 8);
		provoke(1);
		EXPECT_EQ(rd(0x2018), 16);
		EXPECT_EQ(rd(0x2020) & 9, 1);
		bench_close();
	}
}

TEST(ga_log_lengths)
{
	for (unsigned code = 8; code <= 15; code++) {
		uint64_t entries = bytes_of(code) / 8;

		if (code <= 12)
			CASE(IOMMU, "Guest Virtual APIC Log",
				"length code %u: wraps at %llu entries, overflows when full", code,
				(unsigned long long)entries);
		else
			ASSUMED(IOMMU, "Guest Virtual APIC Log",
				"length code %u: wraps at %llu entries, overflows when full "
				"(pointers of more than 16 bits)",
				code, (unsigned long long)entries);
		open_ring(0x00e0, code, 1ull << 28);
		put_dte(DEV, 1, 7, 1 | 8 << 1 | 2ull << 60 | IRT, 0);
		put_irte(1, 0x7700000385ull, VAPIC | 0x41);
		for (uint64_t i = 0; i < entries - 1; i++)
			iommu_interrupt(b.u, DEV, 0xfee00000, 1);
		EXPECT_EQ(rd(0x2048), bytes_of(code) - 8);
		EXPECT_EQ(rd(0x2020) & 0x300, 0x100);
		wr(0x2040, 8);
		iommu_interrupt(b.u, DEV, 0xfee00000, 1);
		EXPECT_EQ(get64(RING + bytes_of(code) - 8), 0x1000001000000077ull);
		EXPECT_EQ(rd(0x2048), 0);
		EXPECT_EQ(get64(GATAIL), 0);
		iommu_interrupt(b.u, DEV, 0xfee00000, 1);
		EXPECT_EQ(rd(0x2020) & 0x300, 0x200);
		bench_close();
	}
}

TEST(reserved_lengths)
{
	static const struct {
		uint32_t base;
		unsigned control;
		uint64_t run;
		const char *name;
	} rings[] = { { 0x0008, 12, 1 << 4, "command buffer" }, { 0x0010, 2, 1 << 3, "event log" },
		{ 0x00e0, 28, 1 << 8, "GA log" } };

	for (unsigned i = 0; i < 3; i++) {
		CASE(IOMMU, MAP, "%s: length codes 0 to 7 are reserved, the unit does not run",
			rings[i].name);
		for (unsigned code = 0; code < 8; code++) {
			bench_open();
			wr(rings[i].base, RING | (uint64_t)code << 56);
			wr(0x00e8, GATAIL);
			wr(0x0018, 1ull << 17 | 1 << 25 | 1ull << rings[i].control | 1);
			EXPECT_STRICT(1);
			EXPECT_EQ(rd(0x2020) & rings[i].run, 0);
			bench_close();
		}
	}
}

TEST(log_heads)
{
	ASSUMED(IOMMU, "Event Logging",
		"a head outside of the ring is refused; one that passes the tail is an error of software");
	open_ring(0x0010, 9, 0);
	provoke(2);
	wr(0x2010, 0x2000);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2010), 0);
	wr(0x2010, 0x20);
	EXPECT_STRICT(0);
	wr(0x2010, 0x30);
	EXPECT_STRICT(1);
	bench_close();
	ASSUMED(IOMMU, "Guest Virtual APIC Log", "a head outside of the ring is refused");
	open_ring(0x00e0, 9, 1ull << 28);
	wr(0x2040, 0x2000);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2040), 0);
	bench_close();
}
