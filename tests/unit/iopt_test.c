/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu_fake_pci.h"

static struct domain d;

static void start(uint32_t levels)
{
	fake_reset();
	EXPECT_EQ(iopt_init(&d, 5, levels), OK);
}

static uint64_t *table(uint64_t entry)
{
	return (uint64_t *)(entry & 0x000ffffffffff000ull);
}

TEST(a_page)
{
	start(4);
	EXPECT_EQ(d.id, 5);
	EXPECT_EQ(d.levels, 4);
	EXPECT_EQ(iopt_map(&d, 0x8040201000ull, PHYS(0xabcde000), 0x1000, IOPT_RW), OK);
	uint64_t *l4 = table(d.root.v);

	EXPECT_EQ(l4[1] & ~0x000ffffffffff000ull, 0x6000000000000601ull);
	uint64_t *l3 = table(l4[1]);

	EXPECT_EQ(l3[1] & ~0x000ffffffffff000ull, 0x6000000000000401ull);
	uint64_t *l2 = table(l3[1]);

	EXPECT_EQ(l2[1] & ~0x000ffffffffff000ull, 0x6000000000000201ull);
	EXPECT_EQ(table(l2[1])[1], 0x60000000abcde001ull);
	EXPECT_EQ(table(l2[1])[2], 0);
}

TEST(permissions)
{
	start(3);
	EXPECT_EQ(iopt_map(&d, 0x1000, PHYS(0x1000), 0x1000, IOPT_R), OK);
	EXPECT_EQ(iopt_map(&d, 0x2000, PHYS(0x2000), 0x1000, IOPT_W), OK);
	uint64_t *l1 = table(table(table(d.root.v)[0])[0]);

	EXPECT_EQ(l1[1], 0x2000000000001001ull);
	EXPECT_EQ(l1[2], 0x4000000000002001ull);
}

TEST(large_leaves)
{
	start(4);
	EXPECT_EQ(iopt_map(&d, 0x3fe00000, PHYS(0x7fe00000), 0x40400000, IOPT_RW), OK);
	uint64_t *l3 = table(table(d.root.v)[0]);

	EXPECT_EQ(table(l3[0])[511], 0x600000007fe00001ull);
	EXPECT_EQ(l3[1], 0x6000000080000001ull);
	EXPECT_EQ(table(l3[2])[0], 0x60000000c0000001ull);
	EXPECT_EQ(table(l3[2])[1], 0);
}

TEST(no_leaf_of_512_gib)
{
	start(4);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0), 0x8000000000ull, IOPT_RW), OK);
	EXPECT_EQ(table(d.root.v)[0] & 0xfff, 0x601);
	EXPECT_EQ(table(table(d.root.v)[0])[511], 0x6000007fc0000001ull);
}

TEST(again_and_overlap)
{
	start(4);
	EXPECT_EQ(iopt_map(&d, 0x200000, PHYS(0x200000), 0x201000, IOPT_RW), OK);
	EXPECT_EQ(iopt_map(&d, 0x200000, PHYS(0x200000), 0x201000, IOPT_RW), OK);
	EXPECT_EQ(iopt_map(&d, 0x200000, PHYS(0x201000), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0x400000, PHYS(0x400000), 0x1000, IOPT_R), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0x400000, PHYS(0x400000), 0x200000, IOPT_RW), ERR_INVALID);
}

TEST(limits)
{
	start(3);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0), 0, IOPT_RW), OK);
	EXPECT_EQ(iopt_map(&d, 0x1001, PHYS(0), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(1), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0), 0x800, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0x7ffffff000ull, PHYS(0), 0x1000, IOPT_RW), OK);
	EXPECT_EQ(iopt_map(&d, 0x7ffffff000ull, PHYS(0), 0x2000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0x8000000000ull, PHYS(0), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, ~0xfffull, PHYS(0), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0x10000000000000ull), 0x1000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0xffffffffff000ull), 0x2000, IOPT_RW), ERR_INVALID);
	EXPECT_EQ(iopt_init(&d, 1, 0), ERR_INVALID);
	EXPECT_EQ(iopt_init(&d, 1, 6), ERR_INVALID);
}

TEST(no_memory)
{
	start(4);
	fake_pages_limit = fake_pages_used + 2;
	EXPECT_EQ(iopt_map(&d, 0, PHYS(0), 0x1000, IOPT_RW), ERR_NOMEM);
	fake_pages_limit = fake_pages_used;
	EXPECT_EQ(iopt_init(&d, 1, 4), ERR_NOMEM);
}
