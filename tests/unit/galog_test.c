/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/cmd.h"
#include "iommu/galog.h"
#include "iommu/gappi.h"
#include "iommu/ivrs.h"
#include "iommu_fake_pci.h"

static struct iommu *u;
static struct ivrs ivrs;

static void start(uint32_t entries)
{
	const struct iommu_setup setup = { .galog_entries = entries, .x2apic = true };

	fake_reset();
	fake_config_init(&fake[0]);
	fake_set(&fake[0], 0x0030, 0x00000000002000e4ull); /* vAPIC, GA, IA, GAPPI, XT */
	ivrs = (struct ivrs){ .unit_count = 1 };
	ivrs.unit[0] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[0].regs, .dev = FAKE_DEV0, .cap_offset = 0x40
	};
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	u = iommu_by_index(0);
	fake[0].write_count = fake[0].read_count = 0;
}

static void on(void)
{
	start(512);
	EXPECT_EQ(galog_enable(u), OK);
	fake[0].write_count = fake[0].read_count = 0;
}

static void status_set(uint64_t bits)
{
	fake_set(&fake[0], 0x2020, fake_get(&fake[0], 0x2020) | bits);
}

/* What hardware does: the entry, the tail and its copy, GAInt. */
static void post(uint32_t tag)
{
	uint64_t base = fake_get(&fake[0], 0x00e0), tail = fake_get(&fake[0], 0x2048);
	uint64_t bytes = 4096ull << ((base >> 56 & 15) - 8);

	*(uint64_t *)((base & 0x000ffffffffff000ull) + tail) = 0x1000030800000000ull | tag;
	tail = (tail + 8) % bytes;
	fake_set(&fake[0], 0x2048, tail);
	*(uint64_t *)fake_get(&fake[0], 0x00e8) = tail;
	status_set(1 << 10);
}

TEST(registers_when_switched_on)
{
	uint64_t v = 0;

	start(512);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 28 & 3, 0);
	EXPECT_EQ(galog_enable(u), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x00e0), (uint64_t)u->galog.entry | 0x0800000000000000ull);
	EXPECT_EQ(fake_get(&fake[0], 0x00e8), (uint64_t)u->galog.tail_copy);
	EXPECT_EQ(fake_writes(&fake[0], 0x2040, &v), 1);
	EXPECT_EQ(v, 0);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 28 & 3, 3);
	EXPECT(u->galog.enabled);
	fake[0].write_count = 0;
	EXPECT_EQ(galog_enable(u), OK); /* on already */
	EXPECT_EQ(fake[0].write_count, 0);
	EXPECT_EQ(galog_disable(u), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 28 & 3, 0);
	EXPECT_EQ(galog_disable(u), OK);
}

TEST(ring_sizes)
{
	static const struct {
		uint32_t entries;
		uint64_t length;
	} size[] = { { 1, 8 }, { 512, 8 }, { 1024, 9 }, { 8192, 12 }, { 32768, 12 } };

	for (unsigned i = 0; i < 5; i++) {
		start(size[i].entries);
		EXPECT_EQ(galog_enable(u), OK);
		EXPECT_EQ(fake_get(&fake[0], 0x00e0) >> 56, size[i].length);
	}
}

TEST(one_wake_costs_two_writes_and_a_read)
{
	uint32_t tag = 0;
	uint64_t v = 0;

	on();
	post(0x00abcd30);
	galog_begin(u);
	EXPECT_EQ(fake_writes(&fake[0], 0x2020, &v), 1);
	EXPECT_EQ(v, 0x400); /* GAInt alone, no other bit is acknowledged */
	EXPECT(galog_next(u, &tag));
	EXPECT_EQ(tag, 0x00abcd30);
	EXPECT(!galog_next(u, &tag));
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
	EXPECT_EQ(fake_get(&fake[0], 0x2040), 8);
	EXPECT_EQ(fake[0].write_count, 2);
	EXPECT_EQ(fake[0].read_count, 1);
	EXPECT_EQ(u->mmio_writes, 2);
	EXPECT_EQ(u->mmio_reads, 1);
	EXPECT_EQ(u->galog.entry[0], 0);
	EXPECT_EQ(u->galog.entries, 1);
}

TEST(nothing_there)
{
	uint32_t tag;

	on();
	galog_begin(u);
	EXPECT(!galog_next(u, &tag));
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
	EXPECT_EQ(fake[0].write_count, 1); /* the head hasn't moved */
}

TEST(all_the_way_round)
{
	uint32_t tag;

	on();
	for (uint32_t i = 0; i < 1200; i++) {
		post(i);
		galog_begin(u);
		EXPECT(galog_next(u, &tag));
		EXPECT_EQ(tag, i);
		EXPECT(!galog_next(u, &tag));
		EXPECT_EQ(galog_end(u), GALOG_EMPTY);
	}
	EXPECT_EQ(fake_get(&fake[0], 0x2040), 1200 % 512 * 8);
}

TEST(many_in_one_go)
{
	uint32_t tag;

	on();
	for (uint32_t i = 0; i < 511; i++)
		post(i);
	galog_begin(u);
	for (uint32_t i = 0; i < 511; i++) {
		EXPECT(galog_next(u, &tag));
		EXPECT_EQ(tag, i);
	}
	EXPECT(!galog_next(u, &tag));
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
	EXPECT_EQ(fake[0].write_count, 2);
}

TEST(what_comes_meanwhile_is_told)
{
	uint32_t tag;

	on();
	post(1);
	galog_begin(u);
	EXPECT(galog_next(u, &tag));
	EXPECT(!galog_next(u, &tag));
	post(2);
	EXPECT_EQ(galog_end(u), GALOG_MORE);
	galog_begin(u);
	EXPECT(galog_next(u, &tag));
	EXPECT_EQ(tag, 2);
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
}

/* The interrupt has overtaken the entry: GAInt was cleared before it could be seen. */
TEST(entry_later_than_its_interrupt)
{
	uint32_t tag;

	on();
	galog_begin(u);
	EXPECT(!galog_next(u, &tag));
	post(7);
	fake_set(&fake[0], 0x2020, fake_get(&fake[0], 0x2020) & ~0x400ull);
	EXPECT_EQ(galog_end(u), GALOG_MORE);
	EXPECT(galog_next(u, &tag));
	EXPECT_EQ(tag, 7);
}

/* Erratum 732: the tail has moved, the entry comes a while after. */
static unsigned crossings;
static uint64_t late;

static void entry_appears(void)
{
	if (++crossings == 20)
		u->galog.entry[0] = late;
}

TEST(tail_before_entry)
{
	uint32_t tag;

	on();
	post(9);
	late = u->galog.entry[0];
	u->galog.entry[0] = 0;
	crossings = 0;
	fake_hook = entry_appears;
	EXPECT(galog_next(u, &tag));
	fake_hook = NULL;
	EXPECT_EQ(tag, 9);
	EXPECT(crossings >= 20);
}

TEST(entry_that_never_comes)
{
	uint32_t tag;

	on();
	post(9);
	u->galog.entry[0] = 0;
	EXPECT(!galog_next(u, &tag)); /* bounded */
	EXPECT_EQ(u->galog.head, 0);
	fake_set(&fake[0], 0x2020, fake_get(&fake[0], 0x2020) & ~0x400ull);
	for (unsigned i = 0; i < 255; i++)
		EXPECT_EQ(galog_end(u), GALOG_MORE); /* but not forgotten */
	EXPECT_EQ(galog_end(u), GALOG_OVERFLOWED);   /* and not for ever */
	EXPECT_EQ(galog_restart(u), OK);
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
}

TEST(overflow_and_restart)
{
	uint32_t tag;

	on();
	for (uint32_t i = 0; i < 511; i++)
		post(i);
	status_set(1 << 9);
	EXPECT(galog_overflowed(u));
	galog_begin(u);
	EXPECT(galog_next(u, &tag));
	EXPECT_EQ(galog_end(u), GALOG_OVERFLOWED);
	EXPECT_EQ(galog_restart(u), OK);
	EXPECT(!galog_overflowed(u));
	EXPECT(!galog_next(u, &tag));
	EXPECT_EQ(fake_get(&fake[0], 0x2040), 0);
	EXPECT_EQ(u->galog.overflows, 1);
	EXPECT_EQ(fake_get(&fake[0], 0x2020) & 0x700, 0x100);
	post(5);
	EXPECT(galog_next(u, &tag));
	EXPECT_EQ(tag, 5);
}

TEST(waits_are_bounded)
{
	uint32_t tag;

	start(512);
	fake[0].lame = 0x100;
	EXPECT_EQ(galog_enable(u), ERR_TIMEOUT);
	EXPECT(!u->galog.enabled);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 28 & 3, 0);
	EXPECT(!galog_next(u, &tag));
	EXPECT(!galog_overflowed(u));
	EXPECT_EQ(galog_end(u), GALOG_EMPTY);
	on();
	fake[0].stuck = 0x100;
	EXPECT_EQ(galog_restart(u), ERR_TIMEOUT);
	EXPECT_EQ(u->control >> 28 & 3, 0);
	on();
	fake[0].stuck = 0x100;
	EXPECT_EQ(galog_disable(u), ERR_TIMEOUT);
}

static void full_at_once(void)
{
	if (fake_get(&fake[0], 0x18) >> 28 & 1)
		status_set(1 << 9);
}

/* Overflowed again before the first look: it has restarted all the same. */
TEST(restarted_and_full_again)
{
	on();
	status_set(1 << 9);
	fake[0].lame = 0x100;
	fake_hook = full_at_once;
	EXPECT_EQ(galog_restart(u), OK);
	fake_hook = NULL;
	EXPECT(u->galog.enabled);
	EXPECT_EQ(galog_end(u), GALOG_OVERFLOWED);
}

TEST(moves_to_another_cpu)
{
	uint32_t tag;

	on();
	post(1);
	EXPECT_EQ(galog_move(u, 0x01020304), OK);
	EXPECT_EQ(u->galog_apicid, 0x01020304);
	/* XT GA log interrupt control: Destination[23:0] in 31:8, [31:24] in 63:56. */
	EXPECT_EQ(fake_get(&fake[0], 0x0180) & 0xff00000000ffff00ull, 0x0100000000030400ull);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 28 & 3, 3);
	EXPECT(u->galog.enabled);
	EXPECT(!galog_next(u, &tag)); /* what was in it is dropped */
	EXPECT_EQ(galog_disable(u), OK);
	EXPECT_EQ(galog_move(u, 5), OK);
	EXPECT(!u->galog.enabled); /* off stays off */
	EXPECT_EQ(u->galog_apicid, 5);
	on();
	fake[0].stuck = 0x100;
	EXPECT_EQ(galog_move(u, 7), ERR_TIMEOUT);
	EXPECT(!u->galog.enabled && u->galog_apicid != 7);
}

static bool enabled_when_begun;

static void note_enabled(void)
{
	if (fake_get(&fake[0], 0x18) >> 28 & 1)
		enabled_when_begun |= u->galog.enabled;
}

/* Its owner, on another CPU, takes the first message for his. */
TEST(enabled_before_it_sends)
{
	start(512);
	enabled_when_begun = false;
	fake_hook = note_enabled;
	EXPECT_EQ(galog_enable(u), OK);
	fake_hook = NULL;
	EXPECT(enabled_when_begun);
}

TEST(unfit)
{
	start(512);
	u->f.gam = false;
	EXPECT_EQ(galog_enable(u), ERR_UNFIT);
	u->f.gam = true;
	u->mute = true;
	EXPECT_EQ(galog_enable(u), ERR_UNFIT);
}
