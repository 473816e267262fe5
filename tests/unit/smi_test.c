/* SPDX-License-Identifier: MIT */
/* Whose SMIs pass, by the registers of an IOMMU. */
/* sources: iommu/[a-z]*.c */
#include "iommu/ivrs.h"
#include "iommu_fake_pci.h"

#define EFR_GA 0x00000000002000c0ull
#define FOUR   (1ull << 16 | 2ull << 18) /* SmiFSup 1, SmiFRC 2 */
#define VALID  (1ull << 16)
#define LOCK   (1ull << 17)
#define ON     (1ull << 22 | 1ull << 24)

static struct ivrs ivrs;

/* 02:00.0 has requests that carry 01:1f.7. */
static struct iommu *start(uint64_t efr)
{
	static const struct iommu_setup setup = {
		.galog_entries = 512, .event_vector = 0xd8, .galog_vector = 0xd9
	};

	fake_reset();
	fake_config_init(&fake[0]);
	fake_set(&fake[0], 0x0030, EFR_GA | efr);
	fake_set(&fake[0], 0x0060, 0x00a3 | VALID | LOCK);
	fake_set(&fake[0], 0x0068, 0x0100 | VALID);
	fake_set(&fake[0], 0x0070, 0x0101); /* not valid */
	fake_set(&fake[0], 0x0078, 0x01ff | VALID);
	fake_set(&fake[0], 0x0080, 0x0100 | VALID | LOCK); /* one too many */
	ivrs = (struct ivrs){ .unit_count = 1, .range_count = 2 };
	ivrs.unit[0] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[0].regs, .dev = FAKE_DEV0, .cap_offset = 0x40
	};
	ivrs.range[0] = (struct ivrs_range){ .first = 0, .last = 0xffff };
	ivrs.range[1] = (struct ivrs_range){
		.first = 0x200, .last = 0x200, .aliased = true, .alias = 0x1ff
	};
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	return iommu_by_index(0);
}

TEST(on_where_there_is_one)
{
	EXPECT_EQ(start(FOUR)->f.smi_filters, 4);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & ON, ON);
	EXPECT_EQ(fake_get(&fake[0], 0x68), 0x0100 | VALID); /* nobody has it yet */
	EXPECT_EQ(start(0)->f.smi_filters, 0);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & ON, 0);
	EXPECT_EQ(start(2ull << 16)->f.smi_filters, 0); /* reserved */
	EXPECT_EQ(start(1ull << 16 | 7ull << 18)->f.smi_filters, 16);
}

TEST(forbidden)
{
	struct iommu *u = start(FOUR);

	EXPECT_EQ(smi_forbid(u, 0x0100), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x68), 0);
	EXPECT_EQ(fake_get(&fake[0], 0x80), 0x0100 | VALID | LOCK);
	EXPECT_EQ(smi_forbid(u, 0x0101), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x70), 0x0101);
	EXPECT_EQ(smi_forbid(u, 0x0200), OK); /* by the ID that it sends with */
	EXPECT_EQ(fake_get(&fake[0], 0x78), 0);
	EXPECT_EQ(smi_forbid(u, 0x00a3), ERR_UNFIT);
	EXPECT_EQ(fake_get(&fake[0], 0x60), 0x00a3 | VALID | LOCK);
}

/* Without a filter there is nothing to write, and nobody is refused. */
TEST(no_filter)
{
	struct iommu *u = start(0);

	EXPECT_EQ(smi_forbid(u, 0x00a3), OK);
	EXPECT_EQ(smi_forbid(u, 0x0100), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x68), 0x0100 | VALID);
}
