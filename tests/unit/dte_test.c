/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/access.h"
#include "iommu/cmd.h"
#include "iommu/irte.h"
#include "iommu/ivrs.h"
#include "iommu_fake_pci.h"

static struct iommu *u;
/* Device 01:00.0 alone, 02:00.0 with requests that carry 01:1f.7. */
static struct ivrs ivrs;
static struct irt irt;
static const struct domain domain = { .id = 0x0102, .levels = 4, .root = { 0x123456789000 } };

static void start(void)
{
	static const struct iommu_setup setup = {
		.galog_entries = 512, .event_vector = 0xd8, .galog_vector = 0xd9
	};

	fake_reset();
	fake_config_init(&fake[0]);
	fake_set(&fake[0], 0x0030, 0x00000000002000c0ull);
	ivrs = (struct ivrs){ .unit_count = 1, .range_count = 2 };
	ivrs.unit[0] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[0].regs, .dev = FAKE_DEV0, .cap_offset = 0x40
	};
	ivrs.range[0] = (struct ivrs_range){ .first = 0, .last = 0xffff };
	ivrs.range[1] = (struct ivrs_range){
		.first = 0x200, .last = 0x200, .aliased = true, .alias = 0x1ff
	};
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	u = iommu_by_index(0);
	EXPECT_EQ(irt_alloc(&irt, 32), OK);
	fake[0].command_count = 0;
}

static const uint64_t *entry(devid_t dev)
{
	return (uint64_t *)(fake_get(&fake[0], 0) & 0x000ffffffffff000ull) + 4 * dev;
}

TEST(everybody_is_blocked_at_first)
{
	start();
	EXPECT_EQ(fake_get(&fake[0], 0) & 0xfff, 511);
	for (uint32_t id = 0; id < 65536; id++) {
		const uint64_t *q = entry((devid_t)id);

		if (q[0] != 1 || q[1] != 0x200000000ull || q[2] != 1 || q[3] != 0) {
			EXPECT_EQ(id, ~0u);
			return;
		}
	}
}

TEST(words_of_an_assigned_device)
{
	start();
	EXPECT_EQ(dte_assign(u, 0x100, &domain, &irt), OK);
	EXPECT_EQ(entry(0x100)[0], 0x6000123456789803ull);
	EXPECT_EQ(entry(0x100)[1], 0x0000000200000102ull);
	EXPECT_EQ(entry(0x100)[2], 0x200000000000000bull | irt.phys.v);
	EXPECT_EQ(entry(0x100)[3], 0);
	EXPECT_EQ(fake[0].command_count, 4);
	EXPECT_EQ(fake[0].command[0][0], 0x2000000000000100ull);
	EXPECT_EQ(fake[0].command[1][0], 0x5000000000000100ull);
	EXPECT_EQ(fake[0].command[2][0], 0x3000010200000000ull);
	EXPECT_EQ(fake[0].command[3][0] >> 60, 1);
}

TEST(alias_gets_the_same)
{
	start();
	EXPECT_EQ(dte_assign(u, 0x200, &domain, &irt), OK);
	EXPECT(memcmp(entry(0x200), entry(0x1ff), 32) == 0);
	EXPECT_EQ(fake[0].command_count, 6);
	EXPECT_EQ(fake[0].command[2][0], 0x20000000000001ffull);
	EXPECT_EQ(fake[0].command[3][0], 0x50000000000001ffull);
	EXPECT_EQ(dte_block(u, 0x200), OK);
	EXPECT_EQ(entry(0x200)[0], 1);
	EXPECT_EQ(entry(0x1ff)[0], 1);
	EXPECT_EQ(entry(0x1ff)[2], 1);
}

TEST(blocking_flushes_the_old_domain)
{
	start();
	EXPECT_EQ(dte_assign(u, 0x100, &domain, &irt), OK);
	fake[0].command_count = 0;
	EXPECT_EQ(dte_block(u, 0x100), OK);
	EXPECT_EQ(entry(0x100)[0], 1);
	EXPECT_EQ(entry(0x100)[1], 0x200000000ull);
	EXPECT_EQ(entry(0x100)[2], 1);
	EXPECT_EQ(fake[0].command_count, 4);
	EXPECT_EQ(fake[0].command[2][0], 0x3000010200000000ull);
	fake[0].command_count = 0;
	EXPECT_EQ(dte_block(u, 0x100), OK); /* blocked already: no domain */
	EXPECT_EQ(fake[0].command_count, 3);
}

/* At no crossing may DMA be open while interrupts aren't remapped by the device's own table. */
static bool seen_bad;

static void watch(void)
{
	const uint64_t *q = entry(0x100);

	if (q[0] & 2 && q[2] >> 60 != 2)
		seen_bad = true;
	if (!(q[0] & 1) || !(q[2] & 1))
		seen_bad = true;
}

TEST(order_of_the_halves)
{
	start();
	seen_bad = false;
	fake_hook = watch;
	EXPECT_EQ(dte_assign(u, 0x100, &domain, &irt), OK);
	EXPECT_EQ(dte_block(u, 0x100), OK);
	fake_hook = NULL;
	EXPECT(!seen_bad);
}

TEST(refusals)
{
	start();
	struct domain deep = domain;

	deep.levels = 5;
	EXPECT_EQ(dte_assign(u, 0x100, &deep, &irt), ERR_UNFIT);
	u->f.ga = false;
	EXPECT_EQ(dte_assign(u, 0x100, &domain, &irt), ERR_UNFIT);
	EXPECT_EQ(entry(0x100)[0], 1);
	u->f.ga = true;
	fake[0].silent = true;
	EXPECT_EQ(dte_block(u, 0x100), ERR_TIMEOUT);
	EXPECT(u->failed);
	EXPECT_EQ(dte_assign(u, 0x100, &domain, &irt), ERR_TIMEOUT);
}
