/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/irte.h"
#include "iommu/ivrs.h"
#include "iommu_fake_pci.h"

static struct ivrs ivrs;
static struct iommu_setup setup;

/* Everything that the emulator's unit has: XT, GAPPI, IA, GA, vAPIC; GAPPIDis. */
#define EFR_ALL  0x00000000002000e4ull
#define EFR2_ALL 0x0000000000000010ull

static void prepare(uint64_t efr, uint64_t efr2)
{
	fake_reset();
	fake_config_init(&fake[0]);
	fake_config_init(&fake[1]);
	for (unsigned i = 0; i < 2; i++) {
		fake_set(&fake[i], 0x0030, efr);
		fake_set(&fake[i], 0x01a0, efr2);
	}
	ivrs = (struct ivrs){ .unit_count = 1, .range_count = 1 };
	ivrs.unit[0] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[0].regs, .dev = FAKE_DEV0, .cap_offset = 0x40
	};
	ivrs.unit[1] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[1].regs, .dev = FAKE_DEV1, .cap_offset = 0x40
	};
	ivrs.range[0] = (struct ivrs_range){ .first = 0x0008, .last = 0xfffe };
	setup = (struct iommu_setup){ .event_apicid = 0x01020304,
		.galog_apicid = 0x05060708,
		.event_vector = 0xd8,
		.galog_vector = 0xd9,
		.x2apic = true,
		.galog_entries = 512 };
}

static struct iommu *bring_up(void)
{
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	EXPECT_EQ(iommu_count(), ivrs.unit_count);
	return iommu_by_index(0);
}

/* Position of the n-th write to a register, from 1; 0: there is none. */
static uint32_t when(uint32_t offset, uint64_t bits)
{
	for (uint32_t i = 0; i < fake[0].write_count; i++)
		if (fake[0].write[i].offset == offset && (fake[0].write[i].value & bits) == bits)
			return i + 1;
	return 0;
}

TEST(order_of_bring_up)
{
	prepare(EFR_ALL, EFR2_ALL);
	bring_up();
	uint32_t on = when(0x18, 1);

	EXPECT(on);
	EXPECT(when(0x00, 0) && when(0x00, 0) < on); /* device table */
	EXPECT(when(0x08, 0) < when(0x18, 1 << 12)); /* ring before CmdBufEn */
	EXPECT(when(0x18, 1 << 12) < on);
	EXPECT(when(0x18, 1 << 17) < when(0x18, 1ull << 50)); /* GAEn before XTEn */
	EXPECT(when(0x18, 1ull << 50) < on);
	EXPECT(when(0x2008, 0x20) > on); /* the first commands */
	EXPECT(when(0x10, 0) < when(0x18, 4));
	EXPECT(when(0x170, 0) < when(0x18, 1ull << 51));
	EXPECT(when(0x18, 1ull << 51) < when(0x18, 8)); /* EventIntEn last */
	EXPECT_EQ(fake[0].command[0][0], 0x8000000000000000ull);
	/* IommuEn, EventLogEn, EventIntEn, timeout 1 s, Coherent, CmdBufEn, GAEn, XTEn, IntCapXTEn
	 */
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x000c00000002148dull);
}

TEST(features)
{
	prepare(EFR_ALL | 0x400, EFR2_ALL | 0x100);
	struct iommu *u = bring_up();

	EXPECT(u->f.ga && u->f.gam && u->f.gappi && u->f.gappi_dis && u->f.xt && u->f.ia && u->xt);
	EXPECT(!u->f.nx && !u->f.np_cache);
	EXPECT_EQ(u->f.host_levels, 5);
	EXPECT_EQ(u->f.irte_max, 2048);
	EXPECT_EQ(u->f.efr, EFR_ALL | 0x400);
	prepare(0xc00, 0);
	u = bring_up();
	EXPECT(!u->f.ga && !u->f.gam && !u->f.gappi && !u->f.gappi_dis && !u->f.xt && !u->xt);
	EXPECT_EQ(u->f.host_levels, 0);
	EXPECT_EQ(u->f.irte_max, 512);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 17 & 1, 0);
	EXPECT_EQ(iommu_enable_guest_mode(u), ERR_UNFIT);
	prepare(0xc0 | 0x20, EFR2_ALL); /* GASup without vAPIC: no GAPPI either */
	u = bring_up();
	EXPECT(u->f.ga && !u->f.gam && !u->f.gappi && !u->f.gappi_dis);
}

TEST(image_in_the_table_counts)
{
	prepare(0x40, 0);
	ivrs.unit[0].efr = EFR_ALL;
	ivrs.unit[0].efr2 = EFR2_ALL;
	struct iommu *u = bring_up();

	EXPECT(u->f.gappi && u->f.gappi_dis);
}

TEST(guest_mode)
{
	prepare(EFR_ALL, 0);
	struct iommu *u = bring_up();

	EXPECT_EQ(iommu_enable_guest_mode(u), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 25 & 7, 1);
	EXPECT_EQ(iommu_enable_guest_mode(u), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x000c00000202148dull);
}

TEST(xt_interrupts)
{
	prepare(EFR_ALL, 0);
	struct iommu *u = bring_up();

	EXPECT_EQ(fake_get(&fake[0], 0x170), 0x010000d802030400ull);
	EXPECT_EQ(fake_get(&fake[0], 0x180), 0x050000d906070800ull);
	EXPECT_EQ(u->galog_apicid, 0x05060708);
	EXPECT(!u->one_message && !u->mute);
	EXPECT_EQ(fake[0].config[0x72] & 1, 0); /* no MSI */
}

static void msi_setup(void)
{
	prepare(EFR_ALL, 0);
	setup.x2apic = false;
	setup.event_apicid = 0x11;
	setup.galog_apicid = 0x22;
}

TEST(two_msi_messages)
{
	msi_setup();
	struct iommu *u = bring_up();

	EXPECT(!u->xt && !u->one_message && !u->mute);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x74, 4), 0xfee22000);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x78, 4), 0);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x7c, 2), 0xd8);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x72, 2), 0x95); /* enabled, 2 of 4 */
	EXPECT_EQ(fake_get(&fake[0], 0x18) >> 50 & 3, 0);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & 8, 8);
}

TEST(one_msi_message)
{
	msi_setup();
	fake[0].config[0x72] = 0; /* 32-bit, one message */
	struct iommu *u = bring_up();

	EXPECT(u->one_message);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x72, 2), 1);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x78, 2), 0xd8);
	msi_setup();
	fake[0].config[0x54] = 2; /* GA is message 2: doesn't fit two vectors in a row */
	EXPECT(bring_up()->one_message);
	msi_setup();
	fake[0].config[0x43] = 0x08; /* no CapExt */
	EXPECT(bring_up()->one_message);
	msi_setup();
	setup.galog_vector = 0xdb;
	EXPECT(bring_up()->one_message);
}

TEST(no_way_to_interrupt)
{
	msi_setup();
	fake[0].config[0x70] = 0;
	struct iommu *u = bring_up();

	EXPECT(u->mute);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & 8, 0);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & 1, 1); /* but it blocks */
	msi_setup();
	setup.galog_apicid = 0x100;
	EXPECT(bring_up()->mute);
}

TEST(takes_over_what_firmware_left_on)
{
	prepare(EFR_ALL, EFR2_ALL);
	/* All on, GAPPI included, status full of old bits. */
	uint64_t left = 0x0880000030027c0full;

	fake_set(&fake[0], 0x18, left);
	fake_set(&fake[0], 0x2020, 0x75f);
	fake_set(&fake[0], 0x20, 0x1001);
	fake_set(&fake[0], 0x2000, 0x70);
	fake_set(&fake[0], 0x2008, 0x70);
	fake_set(&fake[0], 0x2010, 0x30);
	bring_up();
	static const uint64_t order[] = { 1 << 12, 1 << 3, 1 << 2, 1 << 28, 1 << 29, 1ull << 55,
		1 << 13, 1 << 14, 1 << 0, 1ull << 59 };

	for (unsigned i = 0; i < 10; i++) {
		left &= ~order[i];
		EXPECT_EQ(fake[0].write[i].offset, 0x18);
		EXPECT_EQ(fake[0].write[i].value, left);
	}
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x000c00000002148dull);
	EXPECT_EQ(fake_get(&fake[0], 0x20), 0);
	EXPECT_EQ(fake_get(&fake[0], 0x2020), 0x18); /* run bits only */
	EXPECT_EQ(fake_get(&fake[0], 0x2010), 0);
	EXPECT_EQ(fake_get(&fake[0], 0x2000), 0x20);
}

TEST(flags_of_the_ivhd)
{
	prepare(EFR_ALL, 0);
	ivrs.unit[0].flags = 0x0f;
	bring_up();
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0x000c000000021f8full);
}

TEST(capability_block)
{
	prepare(EFR_ALL, 0);
	fake[0].config[0x43] |= 4; /* NpCache */
	struct iommu *u = bring_up();

	EXPECT(u->f.np_cache);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x44, 4), ((uint32_t)ivrs.unit[0].mmio & 0xffffc000u) | 1);
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x48, 4), ivrs.unit[0].mmio >> 32);
	prepare(EFR_ALL, 0);
	fake[0].config[0x44] = 1; /* locked by firmware */
	fake[0].config[0x48] = 0x77;
	bring_up();
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x48, 4), 0x77);
	prepare(EFR_ALL, 0);
	fake[0].config[0x40] = 0; /* hidden */
	bring_up();
	EXPECT_EQ(pci_read(FAKE_DEV0, 0x44, 4), 0);
}

TEST(who_is_behind_which)
{
	prepare(EFR_ALL, 0);
	ivrs.unit_count = 2;
	ivrs.range_count = 3;
	ivrs.range[1] = (struct ivrs_range){ .first = 0x4000, .last = 0x40ff, .unit = 1 };
	ivrs.range[2] = (struct ivrs_range){
		.first = 0x300, .last = 0x307, .aliased = true, .alias = 0xa4
	};
	bring_up();
	EXPECT(iommu_of(0x0018) == iommu_by_index(0));
	EXPECT(iommu_of(0x4010) == iommu_by_index(1));
	EXPECT(iommu_of(0x0002) == NULL);
	EXPECT(iommu_by_index(2) == NULL);
	EXPECT_EQ(iommu_alias(0x0018), 0x0018);
	EXPECT_EQ(iommu_alias(0x0301), 0x00a4);
	EXPECT_EQ(iommu_alias(0x0002), 0x0002);
}

TEST(special_devices)
{
	devid_t dev = 0;

	prepare(EFR_ALL, 0);
	ivrs.special_count = 2;
	ivrs.special[0] = (struct ivrs_special){ .handle = 1, .variety = IVRS_IOAPIC, .dev = 0xa0 };
	ivrs.special[1] = (struct ivrs_special){ .handle = 1, .variety = IVRS_HPET, .dev = 0xa2 };
	bring_up();
	EXPECT(iommu_of_ioapic(1, &dev) == iommu_by_index(0) && dev == 0xa0);
	EXPECT(iommu_of_hpet(1, &dev) == iommu_by_index(0) && dev == 0xa2);
	EXPECT(!iommu_of_ioapic(0, &dev) && !iommu_of_hpet(0, &dev));
}

TEST(failures)
{
	prepare(EFR_ALL, 0);
	EXPECT_EQ(iommu_init_all(NULL, &setup), ERR_UNFIT);
	EXPECT_EQ(iommu_count(), 0);
	EXPECT(iommu_of(0x18) == NULL);
	ivrs.unit_count = 0;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), ERR_UNFIT);

	prepare(EFR_ALL, 0); /* never answers */
	fake[0].silent = true;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), ERR_UNFIT);
	EXPECT(iommu_of(0x18) == NULL);
	EXPECT_EQ(fake_get(&fake[0], 0x18) & 1, 1); /* it may still block */

	prepare(EFR_ALL, 0); /* one of two fails: the other serves */
	ivrs.unit_count = 2;
	ivrs.range[0].unit = 1;
	fake[0].silent = true;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	EXPECT_EQ(iommu_count(), 1);
	EXPECT(iommu_of(0x18) == iommu_by_index(0));
	EXPECT_EQ(iommu_by_index(0)->dev, FAKE_DEV1);

	prepare(EFR_ALL, 0);
	ivrs.unit[0].segment = 1;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), ERR_UNFIT);
	for (size_t pages = 0; pages < 520; pages += pages < 511 ? 511 : 1) {
		prepare(EFR_ALL, 0);
		fake_pages_limit = pages;
		err_t err = iommu_init_all(&ivrs, &setup);

		EXPECT_EQ(err, pages < 512 + 2 + 2 + 2 ? ERR_UNFIT : OK);
	}
	prepare(EFR_ALL, 0);
	setup.galog_entries = 600;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), ERR_UNFIT);
	prepare(EFR_ALL, 0); /* something doesn't stop: goes on all the same */
	fake[0].stuck = 0x80;
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
}

TEST(unity_maps)
{
	static struct domain d;

	prepare(EFR_ALL, 0);
	ivrs.unity_count = 4;
	ivrs.unity[0] = (struct ivrs_unity){
		.first = 0, .last = 0xffff, .base = 0x80000800, .bytes = 0x1000, .flags = 3
	};
	ivrs.unity[1] = (struct ivrs_unity){
		.first = 0x18, .last = 0x18, .base = 0x90000000, .bytes = 0x1000, .flags = 8
	};
	ivrs.unity[2] = (struct ivrs_unity){
		.first = 0x19, .last = 0x20, .base = 0xa0000000, .bytes = 0x1000, .flags = 7
	};
	ivrs.unity[3] = (struct ivrs_unity){
		.first = 0x18, .last = 0x18, .base = 0xb0000000, .bytes = 0x1000, .flags = 0
	};
	bring_up();
	EXPECT_EQ(iopt_init(&d, 1, 3), OK);
	EXPECT_EQ(iommu_map_unity(&d, 0x18), OK);
	EXPECT_EQ(iommu_map_unity(&d, 0x18), OK); /* the next device of the same VM */
	uint64_t *l3 = (uint64_t *)d.root.v;
	uint64_t *l2 = (uint64_t *)(l3[2] & 0x000ffffffffff000ull);
	uint64_t *l1 = (uint64_t *)(l2[0] & 0x000ffffffffff000ull);

	EXPECT_EQ(l1[0], 0x2000000080000001ull);
	EXPECT_EQ(l1[1], 0x2000000080001001ull);
	EXPECT_EQ(l1[2], 0);
	l1 = (uint64_t *)(l2[128] & 0x000ffffffffff000ull);
	EXPECT_EQ(l1[0], 0x6000000090000001ull);
	EXPECT_EQ(l2[256], 0);
	EXPECT_EQ(l2[384], 0);
	EXPECT_EQ(iopt_init(&d, 1, 3), OK);
	EXPECT_EQ(iopt_map(&d, 0x80000000, PHYS(0), 0x1000, IOPT_RW), OK);
	EXPECT_EQ(iommu_map_unity(&d, 0x18), ERR_INVALID);
}
