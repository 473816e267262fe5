/* SPDX-License-Identifier: MIT */
/* sources: avic/vapic.c */
#include "test.h"
#include "avic/vapic.h"

static struct vapic page;

static uint32_t at(uint32_t offset)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)&page + offset, 4);
	return v;
}

static void put(uint32_t offset, uint32_t v)
{
	memcpy((uint8_t *)&page + offset, &v, 4);
}

TEST(reset_xapic)
{
	memset(&page, 0xee, sizeof(page));
	vapic_reset(&page, 3, false);
	EXPECT_EQ(at(0x020), 0x03000000);
	EXPECT_EQ(at(0x030), 0x00050010);
	EXPECT_EQ(at(0x080), 0);
	EXPECT_EQ(at(0x0d0), 0);
	EXPECT_EQ(at(0x0e0), 0xffffffff);
	EXPECT_EQ(at(0x0f0), 0x000000ff);
	for (uint32_t i = 0; i < 8; i++) {
		EXPECT_EQ(at(0x100 + 16 * i), 0);
		EXPECT_EQ(at(0x180 + 16 * i), 0);
		EXPECT_EQ(at(0x200 + 16 * i), 0);
	}
	for (uint32_t lvt = 0x320; lvt <= 0x370; lvt += 16)
		EXPECT_EQ(at(lvt), 0x00010000);
	EXPECT_EQ(at(0x380), 0);
	EXPECT_EQ(at(0x3e0), 0);
	EXPECT_EQ(at(0xffc), 0);
}

/* ID 35 (23h): cluster 2, member 3. */
TEST(reset_x2apic)
{
	vapic_reset(&page, 0x23, true);
	EXPECT_EQ(at(0x020), 0x23);
	EXPECT_EQ(at(0x0d0), 0x00020008);
	vapic_reset(&page, 0, true);
	EXPECT_EQ(at(0x0d0), 0x00000001);
}

TEST(irr_bit_is_where_hardware_looks)
{
	vapic_reset(&page, 0, true);
	EXPECT(!vapic_irr_any(&page));
	EXPECT(vapic_set_irr(&page, 0x51));
	EXPECT(!vapic_set_irr(&page, 0x51));
	EXPECT_EQ(at(0x220), 1u << 17);
	EXPECT(vapic_irr_any(&page));
	EXPECT(vapic_set_irr(&page, 0xff));
	EXPECT_EQ(at(0x270), 1u << 31);
	EXPECT(vapic_set_irr(&page, 0x20));
	EXPECT_EQ(at(0x210), 1);
}

TEST(an_edge_interrupt_clears_tmr)
{
	vapic_reset(&page, 0, true);
	put(0x1a0, 0x00060000);
	EXPECT(vapic_is_level(&page, 0x51));
	EXPECT(vapic_set_irr(&page, 0x51));
	EXPECT_EQ(at(0x1a0), 0x00040000);
	EXPECT(!vapic_is_level(&page, 0x51));
	EXPECT(vapic_is_level(&page, 0x52));
}

TEST(every_vector_alone)
{
	for (unsigned v = 0; v < 256; v++) {
		vapic_reset(&page, 0, false);
		EXPECT(vapic_set_irr(&page, (uint8_t)v));
		EXPECT_EQ(vapic_highest_irr(&page), (int)v);
		/* Class 0 is never above the PPR. */
		EXPECT_EQ(vapic_deliverable(&page), v < 16 ? -1 : (int)v);
		if (v < 16)
			continue;
		EXPECT_EQ(vapic_accept(&page), (int)v);
		EXPECT(!vapic_irr_any(&page));
		EXPECT_EQ(at(0x100 + v / 32 * 16), 1u << v % 32);
		EXPECT_EQ(at(0x0a0), v & 0xf0);
		EXPECT_EQ(vapic_eoi(&page), (int)v);
		EXPECT_EQ(at(0x0a0), 0);
	}
}

TEST(priority)
{
	vapic_reset(&page, 0, false);
	put(0x080, 0x45);
	vapic_update_ppr(&page);
	EXPECT_EQ(at(0x0a0), 0x45);
	vapic_set_irr(&page, 0x4f);
	EXPECT_EQ(vapic_deliverable(&page), -1);
	EXPECT_EQ(vapic_accept(&page), -1);
	vapic_set_irr(&page, 0x50);
	EXPECT_EQ(vapic_deliverable(&page), 0x50);
	EXPECT_EQ(vapic_accept(&page), 0x50);
	EXPECT_EQ(at(0x0a0), 0x50);
	vapic_set_irr(&page, 0x5f);
	EXPECT_EQ(vapic_deliverable(&page), -1);
	vapic_set_irr(&page, 0x61);
	EXPECT_EQ(vapic_accept(&page), 0x61);
	EXPECT_EQ(vapic_highest_isr(&page), 0x61);
	EXPECT_EQ(vapic_eoi(&page), 0x61);
	EXPECT_EQ(at(0x0a0), 0x50);
	EXPECT_EQ(vapic_eoi(&page), 0x50);
	EXPECT_EQ(at(0x0a0), 0x45);
	EXPECT_EQ(vapic_eoi(&page), -1);
	/* TPR of the same class as the vector in service: PPR is the TPR, sub-class included. */
	put(0x080, 0x53);
	EXPECT_EQ(vapic_deliverable(&page), -1);
	put(0x080, 0x43);
	EXPECT_EQ(vapic_accept(&page), 0x5f);
	put(0x080, 0x53);
	vapic_update_ppr(&page);
	EXPECT_EQ(at(0x0a0), 0x53);
}

/* The short answer is the long one's, whatever is pending, in service and masked. */
TEST(ready)
{
	for (unsigned irr = 0; irr < 256; irr += 5)
		for (unsigned isr = 0; isr < 256; isr += 7)
			for (unsigned tpr = 0; tpr < 256; tpr += 0x1b) {
				vapic_reset(&page, 0, true);
				EXPECT(!vapic_ready(&page));
				vapic_set_irr(&page, (uint8_t)irr);
				if (isr >= 16)
					put(0x100 + isr / 32 * 16, 1u << isr % 32);
				put(0x080, tpr);
				EXPECT_EQ(vapic_ready(&page), vapic_deliverable(&page) >= 0);
			}
}

TEST(stash_moves_everything_and_back)
{
	struct vapic_stash stash = { 0 };

	vapic_reset(&page, 0, false);
	EXPECT_EQ(vapic_stash(&page, &stash), 0);
	EXPECT(!stash.any);
	vapic_set_irr(&page, 0x31);
	vapic_set_irr(&page, 0x32);
	vapic_set_irr(&page, 0xf1);
	EXPECT_EQ(vapic_stash(&page, &stash), 3);
	EXPECT(stash.any);
	EXPECT(!vapic_irr_any(&page));
	EXPECT_EQ(vapic_stash_deliverable(&page, &stash), 0xf1);
	put(0x080, 0xf0);
	EXPECT_EQ(vapic_stash_deliverable(&page, &stash), -1);
	put(0x080, 0);
	/* One more in a word that has some already; and one that arrives while they are away. */
	vapic_set_irr(&page, 0x33);
	EXPECT_EQ(vapic_stash(&page, &stash), 1);
	vapic_set_irr(&page, 0x34);
	vapic_unstash(&page, &stash);
	EXPECT(!stash.any);
	EXPECT_EQ(at(0x210), 0x001e0000);
	EXPECT_EQ(at(0x270), 0x00020000);
	EXPECT_EQ(vapic_stash_deliverable(&page, &stash), -1);
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(stash.irr[i], 0);
}
