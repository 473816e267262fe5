/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/cmd.h"
#include "iommu/galog.h"
#include "iommu/gappi.h"
#include "iommu_fake_pci.h"

static struct iommu u;

static void start(void)
{
	fake_reset();
	u = (struct iommu){ .regs = fake[0].regs, .f = { .gam = true, .gappi = true } };
	u.control = 0x400; /* Coherent: stays */
}

TEST(on_and_off_is_one_bit)
{
	start();
	EXPECT_EQ(gappi_enable(&u), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x0080000000000400ull);
	gappi_disable(&u);
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x400);
	EXPECT_EQ(fake[0].write_count, 2);
	gappi_disable(&u);
	EXPECT_EQ(fake[0].write_count, 2);
}

TEST(never_both)
{
	start();
	u.galog.enabled = true;
	EXPECT_EQ(gappi_enable(&u), ERR_BUSY);
	u.galog.enabled = false;
	EXPECT_EQ(gappi_enable(&u), OK);
	EXPECT_EQ(galog_enable(&u), ERR_BUSY);
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x0080000000000400ull);
}

TEST(unfit)
{
	start();
	u.f.gappi = false;
	EXPECT_EQ(gappi_enable(&u), ERR_UNFIT);
	u.f = (struct iommu_features){ .gappi = true };
	EXPECT_EQ(gappi_enable(&u), ERR_UNFIT);
	EXPECT_EQ(fake[0].write_count, 0);
}
