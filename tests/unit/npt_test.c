// SPDX-License-Identifier: MIT
/* sources: svm/npt.c */
#include "page.h"
#include "svm/npt.h"
#include <hw/sim.h>
#include "test.h"

static bool huge = true;
static int pages_left = -1, pages_used;

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 16);
	if (leaf == 0x80000001 && huge)
		out[3] = 1u << 26;
}

phys_t page_alloc(size_t count, size_t align_pages)
{
	if (pages_left == 0)
		return PHYS_NONE;
	if (pages_left > 0)
		pages_left--;
	pages_used++;
	void *p = aligned_alloc(4096 * align_pages, 4096 * count);

	memset(p, 0, 4096 * count);
	return PHYS((uint64_t)p);
}

void page_free(phys_t base, size_t count)
{
	pages_used--;
	free((void *)base.v);
}

static struct npt n;

static void fresh(void)
{
	huge = true;
	pages_left = -1;
	pages_used = 0;
	EXPECT_EQ(npt_init(&n), OK);
}

static void done(void)
{
	npt_free(&n);
	EXPECT_EQ(pages_used, 0);
}

static uint64_t host_of(uint64_t gpa)
{
	phys_t host;

	return npt_translate(&n, GPA(gpa), false, &host) ? host.v : ~0ull;
}

static uint64_t *table(uint64_t entry)
{
	return (uint64_t *)(entry & 0x000ffffffffff000);
}

/* 24593 rev 3.44, "Nested Paging": P 0, W 1, U 2, large 7, NX 63. */
TEST(small_page_words)
{
	fresh();
	EXPECT_EQ(npt_map(&n, GPA(0xfee00000), PHYS(0x123456000), 4096, NPT_RW), OK);
	uint64_t *level4 = (uint64_t *)n.root.v;
	EXPECT_EQ(level4[0] & 0xfff0000000000fff, 7);
	uint64_t *level3 = table(level4[0]);
	uint64_t *level2 = table(level3[3]);
	uint64_t *level1 = table(level2[0x1f7]);
	EXPECT_EQ(level1[0], 0x8000000123456007);
	EXPECT_EQ(host_of(0xfee00abc), 0x123456abc);
	EXPECT_EQ(host_of(0xfee01000), ~0ull);
	done();
}

TEST(permissions)
{
	phys_t host;

	fresh();
	EXPECT_EQ(npt_map(&n, GPA(0x1000), PHYS(0x1000), 4096, NPT_RO), OK);
	EXPECT_EQ(npt_map(&n, GPA(0x2000), PHYS(0x2000), 4096, NPT_RX), OK);
	EXPECT_EQ(npt_map(&n, GPA(0x3000), PHYS(0x3000), 4096, NPT_RWX), OK);
	uint64_t *level1 = table(table(table(*(uint64_t *)n.root.v)[0])[0]);
	EXPECT_EQ(level1[1], 0x8000000000001005);
	EXPECT_EQ(level1[2], 0x0000000000002005);
	EXPECT_EQ(level1[3], 0x0000000000003007);
	EXPECT(!npt_translate(&n, GPA(0x1000), true, &host));
	EXPECT(npt_translate(&n, GPA(0x3008), true, &host));
	EXPECT_EQ(host.v, 0x3008);
	done();
}

TEST(large_pages)
{
	fresh();
	/* 1 GiB, then 2 MiB, then 4 KiB. */
	EXPECT_EQ(
		npt_map(&n, GPA(0), PHYS(0x40000000), 0x40000000 + 0x200000 + 0x1000, NPT_RWX), OK);
	EXPECT_EQ(pages_used, 4);
	uint64_t *level3 = table(*(uint64_t *)n.root.v);
	EXPECT_EQ(level3[0], 0x40000087);
	uint64_t *level2 = table(level3[1]);
	EXPECT_EQ(level2[0], 0x80000087);
	EXPECT_EQ(table(level2[1])[0], 0x80200007);
	EXPECT_EQ(host_of(0x3fffffff), 0x7fffffff);
	EXPECT_EQ(host_of(0x40200fff), 0x80200fff);
	done();

	fresh();
	huge = false;
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0), 0x40000000, NPT_RWX), OK);
	level3 = table(*(uint64_t *)n.root.v);
	EXPECT_EQ(level3[0] & 0xfff, 7);
	EXPECT_EQ(table(level3[0])[511], 0x3fe00087);
	done();

	/* Host not aligned like the guest: small pages. */
	fresh();
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0x1000), 0x200000, NPT_RWX), OK);
	EXPECT_EQ(host_of(0x1ff123), 0x200123);
	EXPECT_EQ(pages_used, 4);
	done();
}

TEST(refused)
{
	fresh();
	EXPECT_EQ(npt_map(&n, GPA(1), PHYS(0), 4096, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(1), 4096, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0), 100, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA(1ull << 48), PHYS(0), 4096, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA((1ull << 48) - 4096), PHYS(0), 8192, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA(0x200000), PHYS(0x200000), 0x200000, NPT_RW), OK);
	EXPECT_EQ(npt_map(&n, GPA(0x201000), PHYS(0), 4096, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_map(&n, GPA(0x200000), PHYS(0), 0x200000, NPT_RW), ERR_INVALID);
	EXPECT_EQ(npt_unmap(&n, GPA(5), 4096), ERR_INVALID);
	EXPECT_EQ(host_of(1ull << 48), ~0ull);
	done();
}

TEST(unmap)
{
	fresh();
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0x40000000), 0x40000000, NPT_RWX), OK);
	/* Splits 1 GiB into 2 MiB and one of those into 4 KiB. */
	EXPECT_EQ(npt_unmap(&n, GPA(0x201000), 4096), OK);
	EXPECT_EQ(host_of(0x201000), ~0ull);
	EXPECT_EQ(host_of(0x200fff), 0x40200fff);
	EXPECT_EQ(host_of(0x202000), 0x40202000);
	EXPECT_EQ(host_of(0x3fffffff), 0x7fffffff);
	uint64_t *level2 = table(table(*(uint64_t *)n.root.v)[0]);
	EXPECT_EQ(level2[2], 0x40400087);
	EXPECT_EQ(table(level2[1])[2], 0x40202007);
	/* The rest, holes included. */
	EXPECT_EQ(npt_unmap(&n, GPA(0), 0x80000000), OK);
	EXPECT_EQ(host_of(0), ~0ull);
	EXPECT_EQ(host_of(0x202000), ~0ull);
	EXPECT_EQ(npt_map(&n, GPA(0x201000), PHYS(0x1000), 4096, NPT_RW), OK);
	done();
}

TEST(no_memory)
{
	pages_left = 0;
	EXPECT_EQ(npt_init(&n), ERR_NOMEM);
	npt_free(&n);
	fresh();
	pages_left = 2;
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0), 4096, NPT_RW), ERR_NOMEM);
	pages_left = -1;
	EXPECT_EQ(npt_map(&n, GPA(0), PHYS(0), 0x200000, NPT_RW), OK);
	pages_left = 0;
	EXPECT_EQ(npt_unmap(&n, GPA(0), 4096), ERR_NOMEM);
	EXPECT_EQ(host_of(0), 0);
	done();
}
