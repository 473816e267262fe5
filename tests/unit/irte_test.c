/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/cmd.h"
#include "iommu/irte.h"
#include "iommu/ivrs.h"
#include "iommu_fake_pci.h"

static struct iommu u;
static struct irt irt;

static void start(void)
{
	fake_reset();
	EXPECT_EQ(iommu_init_all(NULL, NULL), ERR_UNFIT); /* no aliases */
	u = (struct iommu){ .regs = fake[0].regs, .xt = true, .f.gappi_dis = true };
	EXPECT_EQ(cmd_init(&u), OK);
	EXPECT_EQ(irt_alloc(&irt, 32), OK);
}

static struct post a_post(void)
{
	return (struct post){ .irte = &irt.entry[3],
		.iommu = &u,
		.dev = 0x0308,
		.index = 3,
		.vector = 0x61,
		.vapic = PHYS(0x000fedcba9876000ull) };
}

TEST(table)
{
	start();
	EXPECT_EQ(irt.phys.v & 0xfff, 0);
	for (unsigned i = 0; i < 32; i++) {
		EXPECT_EQ(irt.entry[i].q[0], 2); /* off, faults not logged */
		EXPECT_EQ(irt.entry[i].q[1], 0);
	}
	irt_free(&irt);
	EXPECT_EQ(fake_pages_freed, 1);
	irt_free(&irt);
	EXPECT_EQ(fake_pages_freed, 1);
	EXPECT_EQ(irt_alloc(&irt, 512), OK);
	irt_free(&irt);
	EXPECT_EQ(fake_pages_freed, 3);
	EXPECT_EQ(irt_alloc(&irt, 16), ERR_INVALID);
	EXPECT_EQ(irt_alloc(&irt, 48), ERR_INVALID);
	EXPECT_EQ(irt_alloc(&irt, 1024), ERR_INVALID);
	fake_pages_limit = 0;
	EXPECT_EQ(irt_alloc(&irt, 32), ERR_NOMEM);
}

TEST(words_of_a_remapped_entry)
{
	start();
	EXPECT_EQ(irte_remap(&u, 0x0308, &irt.entry[1], 0x12345678, 0x9a), OK);
	EXPECT_EQ(irt.entry[1].q[0], 0x0000000034567801ull);
	EXPECT_EQ(irt.entry[1].q[1], 0x120000000000009aull);
	EXPECT_EQ(fake[0].command_count, 2);
	EXPECT_EQ(fake[0].command[0][0], 0x5000000000000308ull);
	EXPECT_EQ(fake[0].command[1][0] >> 60, 1);
	EXPECT_EQ(irte_clear(&u, 0x0308, &irt.entry[1]), OK);
	EXPECT_EQ(irt.entry[1].q[0], 2);
	EXPECT_EQ(irt.entry[1].q[1], 0);
	EXPECT_EQ(fake[0].command_count, 4);
}

TEST(words_of_a_posted_entry)
{
	start();
	struct post p = a_post();

	EXPECT_EQ(irte_post(&p, 0x000102, 0xcafe42d0), OK);
	EXPECT_EQ(irt.entry[3].q[0], 0xcafe42d0000102a1ull);
	EXPECT_EQ(irt.entry[3].q[1], 0x000fedcba9876061ull);
	EXPECT_EQ(fake[0].command_count, 2);
	u.f.gappi_dis = false; /* bit 5 is reserved then */
	EXPECT_EQ(irte_post(&p, 0x000102, 0xcafe42d0), OK);
	EXPECT_EQ(irt.entry[3].q[0], 0xcafe42d000010281ull);
}

TEST(run_time_updates_are_one_store_and_no_command)
{
	start();
	struct post p = a_post();

	EXPECT_EQ(irte_post(&p, 0, 0xd0), OK);
	uint32_t writes = fake[0].write_count, commands = fake[0].command_count;

	irte_running(&p, 0xabcdef, 0x11223344);
	EXPECT_EQ(irt.entry[3].q[0], 0x11223344abcdefe1ull);
	irte_stopped_quiet(&p, 0x000001, 0x00000130);
	EXPECT_EQ(irt.entry[3].q[0], 0x00000130000001a1ull);
	irte_stopped_galog(&p, 0x000002, 0x00000230);
	EXPECT_EQ(irt.entry[3].q[0], 0x0000023000000285ull);
	irte_stopped_gappi(&p, 0x000003, 0x00000330);
	EXPECT_EQ(irt.entry[3].q[0], 0x0000033000000381ull);
	EXPECT_EQ(irt.entry[3].q[1], 0x000fedcba9876061ull);
	EXPECT_EQ(fake[0].write_count, writes);
	EXPECT_EQ(fake[0].command_count, commands);
	p.gappi_dis = 0;
	irte_running(&p, 1, 0);
	EXPECT_EQ(irt.entry[3].q[0], 0x00000000000001c1ull);
	irte_stopped_quiet(&p, 1, 0);
	EXPECT_EQ(irt.entry[3].q[0], 0x0000000000000181ull);
}

/* While an entry changes from one live state to another it is never off. */
static bool seen_off;

static void watch(void)
{
	if (!(irt.entry[3].q[0] & 1))
		seen_off = true;
}

TEST(change_of_a_live_entry_is_never_off)
{
	start();
	struct post p = a_post();

	EXPECT_EQ(irte_remap(&u, 0x0308, p.irte, 1, 0x40), OK);
	seen_off = false;
	fake_hook = watch;
	EXPECT_EQ(irte_post(&p, 0, 0xd0), OK);
	EXPECT_EQ(irte_remap(&u, 0x0308, p.irte, 1, 0x41), OK);
	fake_hook = NULL;
	EXPECT(!seen_off);
}

TEST(destinations_that_do_not_fit)
{
	start();
	struct post p = a_post();

	EXPECT_EQ(irte_post(&p, 0x1000000, 0), ERR_UNFIT);
	u.xt = false;
	EXPECT_EQ(irte_post(&p, 0x100, 0), ERR_UNFIT);
	EXPECT_EQ(irte_remap(&u, 0x0308, p.irte, 0x100, 0x40), ERR_UNFIT);
	EXPECT_EQ(irt.entry[3].q[0], 2);
	EXPECT_EQ(irte_post(&p, 0xff, 0), OK);
	fake[0].silent = true;
	EXPECT_EQ(irte_post(&p, 0xff, 0), ERR_TIMEOUT);
}

TEST(alias_is_invalidated_too)
{
	static const struct ivrs ivrs = {
		.unit_count = 1,
		.range_count = 1,
		.unit[0] = { .mmio = 0x1000, .segment = 1 },
	};
	static struct ivrs with_alias;
	static const struct iommu_setup setup = { .galog_entries = 512 };

	fake_reset();
	with_alias = ivrs;
	with_alias.unit[0] =
		(struct ivrs_unit){ .mmio = (uint64_t)fake[0].regs, .dev = 2, .cap_offset = 0x40 };
	with_alias.range[0] = (struct ivrs_range){
		.first = 0x308, .last = 0x308, .aliased = true, .alias = 0x300
	};
	EXPECT_EQ(iommu_init_all(&with_alias, &setup), OK);
	EXPECT_EQ(irt_alloc(&irt, 32), OK);
	fake[0].command_count = 0;
	EXPECT_EQ(irte_clear(iommu_by_index(0), 0x308, &irt.entry[0]), OK);
	EXPECT_EQ(fake[0].command_count, 3);
	EXPECT_EQ(fake[0].command[0][0], 0x5000000000000308ull);
	EXPECT_EQ(fake[0].command[1][0], 0x5000000000000300ull);
}
