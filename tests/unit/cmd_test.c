/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/cmd.h"
#include "iommu_fake_pci.h"

static struct iommu u;

static void start(void)
{
	fake_reset();
	u = (struct iommu){ .regs = fake[0].regs, .device_count = 256 };
	EXPECT_EQ(cmd_init(&u), OK);
}

TEST(ring_is_256_entries_and_enabled)
{
	uint64_t last = 0;

	start();
	EXPECT_EQ(fake_get(&fake[0], 0x0008), (uint64_t)u.cmd.entry | 0x0800000000000000ull);
	EXPECT_EQ(fake_get(&fake[0], 0x0018), 0x1000);
	EXPECT_EQ(fake_writes(&fake[0], 0x2000, &last), 1);
	EXPECT_EQ(fake_writes(&fake[0], 0x2008, &last), 1);
}

TEST(words_of_every_command)
{
	start();
	u.f.ia = true;
	cmd_invalidate_device(&u, 0x1234);
	cmd_invalidate_domain(&u, 0xbeef);
	cmd_invalidate_interrupts(&u, 0xffff);
	cmd_invalidate_all(&u);
	EXPECT_EQ(fake[0].command_count, 0); /* nothing is handed over before the end */
	EXPECT_EQ(cmd_finish(&u, 1000), OK);
	EXPECT_EQ(fake[0].command_count, 5);
	EXPECT_EQ(fake[0].command[0][0], 0x2000000000001234ull);
	EXPECT_EQ(fake[0].command[0][1], 0);
	EXPECT_EQ(fake[0].command[1][0], 0x3000beef00000000ull);
	EXPECT_EQ(fake[0].command[1][1], 0x7ffffffffffff003ull);
	EXPECT_EQ(fake[0].command[2][0], 0x500000000000ffffull);
	EXPECT_EQ(fake[0].command[2][1], 0);
	EXPECT_EQ(fake[0].command[3][0], 0x8000000000000000ull);
	EXPECT_EQ(fake[0].command[3][1], 0);
	EXPECT_EQ(fake[0].command[4][0], 0x1000000000000001ull | (uint64_t)u.cmd.done);
	EXPECT_EQ(fake[0].command[4][1], 1);
	EXPECT_EQ(fake_get(&fake[0], 0x2008), 0x50);
}

TEST(ring_wraps)
{
	start();
	for (unsigned i = 0; i < 300; i++) {
		cmd_invalidate_device(&u, (devid_t)i);
		EXPECT_EQ(cmd_finish(&u, 1000), OK);
	}
	EXPECT_EQ(fake[0].command_count, 600);
	EXPECT_EQ(fake[0].command[510][0], 0x20000000000000ffull);
	EXPECT_EQ(fake_get(&fake[0], 0x2008), 600 * 16 % 4096);
	EXPECT_EQ(*u.cmd.done, 300);
}

TEST(long_batches_never_fill_the_ring)
{
	start();
	cmd_invalidate_all(&u); /* no IASup: three commands a device */
	EXPECT_EQ(cmd_finish(&u, 1000), OK);
	EXPECT(fake[0].command_count > 256 * 3);
	EXPECT(fake[0].command_count < 256 * 3 + 8);
	EXPECT(!u.failed);
}

TEST(silence_is_a_failure_once_and_for_all)
{
	start();
	fake[0].silent = true;
	EXPECT_EQ(cmd_finish(&u, 1000), ERR_TIMEOUT);
	EXPECT(u.failed);
	uint32_t writes = fake[0].write_count;

	fake[0].silent = false;
	cmd_invalidate_device(&u, 1);
	EXPECT_EQ(cmd_finish(&u, 1000), ERR_TIMEOUT);
	EXPECT_EQ(fake[0].write_count, writes);
}

TEST(a_long_batch_ends_at_silence)
{
	start();
	fake[0].silent = true;
	cmd_invalidate_all(&u);
	EXPECT(u.failed);
	EXPECT_EQ(cmd_finish(&u, 1000), ERR_TIMEOUT);
	EXPECT(fake[0].command_count <= 256);
}

TEST(no_memory)
{
	fake_reset();
	fake_pages_limit = 1;
	u = (struct iommu){ .regs = fake[0].regs };
	EXPECT_EQ(cmd_init(&u), ERR_NOMEM);
}
