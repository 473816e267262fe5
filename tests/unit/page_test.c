/* SPDX-License-Identifier: MIT */
/* sources: vmm/page.c */
#include "test.h"
#include "page.h"

/* A physical address is a host pointer here: a piece of real memory, in 4 KiB pages. */
#define POOL_PAGES 64
static uint8_t pool[POOL_PAGES * PAGE_BYTES] __attribute__((aligned(64 * 4096)));
static struct boot_info boot;

#define AT(page) ((uint64_t)pool + (page)*PAGE_BYTES)

static void region(uint64_t base, uint64_t bytes, enum boot_mem_type type)
{
	boot.mem[boot.mem_count++] = (struct boot_mem){ base, bytes, type };
}

static void start(void)
{
	memset(&boot, 0, sizeof(boot));
	memset(pool, 0xee, sizeof(pool));
	region(AT(0), POOL_PAGES * PAGE_BYTES, BOOT_MEM_FREE);
	page_init(&boot);
}

TEST(only_free_memory_above_1_mib)
{
	memset(&boot, 0, sizeof(boot));
	region(0, 0x9f000, BOOT_MEM_FREE);
	region(0xff000, 0x3000, BOOT_MEM_FREE);
	region(AT(0), 4 * PAGE_BYTES, BOOT_MEM_VMM);
	region(AT(4), 4 * PAGE_BYTES, BOOT_MEM_FIRMWARE);
	region(AT(8), 4 * PAGE_BYTES, BOOT_MEM_ACPI);
	region(AT(12) + 1, 2 * PAGE_BYTES, BOOT_MEM_FREE);
	page_init(&boot);
	EXPECT_EQ(page_free_count(), 3);
}

TEST(cleared_and_aligned)
{
	start();
	EXPECT_EQ(page_alloc(1, 1).v, AT(0));
	phys_t p = page_alloc(3, 4);

	EXPECT_EQ(p.v, AT(4));
	for (unsigned i = 0; i < 3 * PAGE_BYTES; i++)
		EXPECT(((uint8_t *)p.v)[i] == 0);
	EXPECT_EQ(pool[7 * PAGE_BYTES], 0xee);
	EXPECT_EQ(page_free_count(), 60);
	/* First fit: the hole before it. */
	EXPECT_EQ(page_alloc(2, 1).v, AT(1));
}

TEST(nothing_left)
{
	start();
	EXPECT_EQ(page_alloc(65, 1).v, ~0ull);
	EXPECT_EQ(page_alloc(64, 64).v, AT(0));
	EXPECT_EQ(page_alloc(1, 1).v, ~0ull);
	EXPECT_EQ(page_free_count(), 0);
	page_free(PHYS(AT(0)), 64);
	EXPECT_EQ(page_free_count(), 64);
	EXPECT_EQ(page_alloc(0, 1).v, ~0ull);
	EXPECT_EQ(page_alloc(1ull << 52, 1).v, ~0ull);
	EXPECT_EQ(page_alloc(1, 1ull << 52).v, ~0ull);
	EXPECT_EQ(page_alloc(1, 1ull << 40).v, ~0ull);
}

TEST(freed_pages_join_again)
{
	phys_t p[4];

	start();
	for (int i = 0; i < 4; i++)
		p[i] = page_alloc(16, 1);
	page_free(p[1], 16);
	page_free(p[3], 16);
	page_free(p[0], 0);
	EXPECT_EQ(page_alloc(17, 1).v, ~0ull);
	page_free(p[2], 16); /* joins both sides */
	EXPECT_EQ(page_alloc(48, 1).v, AT(16));
	page_free(PHYS(AT(16)), 48);
	page_free(p[0], 16); /* joins to the right */
	EXPECT_EQ(page_alloc(64, 1).v, AT(0));
	page_free(PHYS(AT(0)), 8);
	page_free(PHYS(AT(8)), 56); /* joins to the left */
	EXPECT_EQ(page_alloc(64, 1).v, AT(0));
}

TEST(a_take_in_the_middle_leaves_both_ends)
{
	start();
	page_alloc(1, 1);
	EXPECT_EQ(page_alloc(1, 8).v, AT(8));
	EXPECT_EQ(page_free_count(), 62);
	EXPECT_EQ(page_alloc(7, 1).v, AT(1));
	EXPECT_EQ(page_alloc(55, 1).v, AT(9));
}

TEST(the_largest_piece)
{
	start();
	EXPECT_EQ(page_largest_count(), 64);
	page_alloc(1, 1);
	EXPECT_EQ(page_alloc(8, 32).v, AT(32));
	EXPECT_EQ(page_largest_count(), 31);
	page_alloc(31, 1);
	EXPECT_EQ(page_largest_count(), 24);
	page_alloc(24, 1);
	EXPECT_EQ(page_largest_count(), 0);
}

/* A machine with a hole below 4 GiB: what doesn't fit below it is taken above. */
TEST(around_a_hole)
{
	memset(&boot, 0, sizeof(boot));
	region(AT(0), 16 * PAGE_BYTES, BOOT_MEM_FREE);
	region(AT(16), 8 * PAGE_BYTES, BOOT_MEM_FIRMWARE);
	region(AT(24), 40 * PAGE_BYTES, BOOT_MEM_FREE);
	page_init(&boot);
	EXPECT_EQ(page_largest_count(), 40);
	EXPECT_EQ(page_alloc(2, 1).v, AT(0));
	EXPECT_EQ(page_alloc(32, 8).v, AT(24));
	EXPECT_EQ(page_alloc(15, 1).v, ~0ull);
	EXPECT_EQ(page_alloc(14, 1).v, AT(2));
}

TEST(as_many_extents_as_can_be_noted)
{
	uint64_t far = 1ull << 46;

	/* 256 regions. Freed pages that touch nothing: 256 more fit, the rest is lost. */
	memset(&boot, 0, sizeof(boot));
	for (int i = 0; i < BOOT_MEM_REGIONS; i++)
		region(far + (uint64_t)i * 64 * PAGE_BYTES, 6 * PAGE_BYTES, BOOT_MEM_FREE);
	page_init(&boot);
	EXPECT_EQ(page_free_count(), 6 * 256);
	/* Freed pages that touch nothing: 256 more fit, the rest is lost. */
	for (int i = 0; i < 300; i++)
		page_free(PHYS(far * 2 + (uint64_t)i * 2 * PAGE_BYTES), 1);
	EXPECT_EQ(page_free_count(), 6 * 256 + 256);
}
