/* SPDX-License-Identifier: MIT */
/* sources: vmm/device_find.c vmm/device_path.c drivers/pci.c drivers/pci_bar.c */
/* sources: drivers/pci_config.c drivers/pci_bridge.c drivers/clock.c */
/* Devices by address, by ID and by the way to them. */
#include "test.h"
#include "device_find.h"
#include "pci_fake.h"

#define PORT   DEVID(0, 0x1c, 0)
#define SWITCH DEVID(1, 0, 0)
#define NIC    DEVID(2, 3, 1)

static void bridge(devid_t id, uint8_t secondary)
{
	function(id, 0x1022, 0x1483, 0x060400, 1);
	put(id, 0x19, secondary, 1);
}

/* 00:1c.0 -> 01:00.0 -> 02:03.1 */
static void machine(void)
{
	fake_start();
	memset(config(DEVID(2, 0, 0)), 0xff, 1 << 20);
	fake_acpi.ecam[0].bus_last = 2;
	bridge(PORT, 1);
	bridge(SWITCH, 2);
	function(DEVID(2, 3, 0), 0x8086, 0x10c9, 0x020000, 0x80);
	function(NIC, 0x8086, 0x10c9, 0x020000, 0x80);
	EXPECT_EQ(pci_init(), OK);
}

static struct config_device by_path(devid_t first, unsigned hops, const uint8_t *hop)
{
	struct config_device d = { .naming = DEVICE_BY_PATH, .bdf = first };

	d.hop_count = (uint8_t)hops;
	memcpy(d.hops, hop, hops);
	return d;
}

TEST(the_way_to_a_device)
{
	static const uint8_t hops[] = { 0, 3 << 3 | 1 };
	struct config_device d = by_path(PORT, 2, hops);

	machine();
	EXPECT_EQ(device_find(&d)->id, NIC);
	d.hop_count = 1;
	EXPECT_EQ(device_find(&d)->id, SWITCH);
	d.hop_count = 0;
	EXPECT_EQ(device_find(&d)->id, PORT);
	/* The same way when firmware has other numbers for the buses. */
	put(PORT, 0x19, 2, 1);
	EXPECT_EQ(device_find(&(struct config_device){ .naming = DEVICE_BY_PATH,
				      .bdf = PORT,
				      .hop_count = 1,
				      .hops = { 3 << 3 | 1 } })
			  ->id,
		NIC);
}

TEST(ways_that_lead_nowhere)
{
	static const uint8_t through[] = { 0, 3 << 3 | 1, 0 }, gap[] = { 8 }, two[] = { 0, 0 };
	struct config_device d = by_path(PORT, 3, through); /* through what is no bridge */

	machine();
	EXPECT(!device_find(&d));
	d = by_path(PORT, 1, gap);
	EXPECT(!device_find(&d));
	d = by_path(DEVID(0, 5, 0), 1, gap);
	EXPECT(!device_find(&d));
	put(SWITCH, 0x19, 0, 1); /* not numbered */
	d = by_path(PORT, 2, two);
	EXPECT(!device_find(&d));
}

TEST(the_other_namings)
{
	struct config_device d = { .naming = DEVICE_BY_ADDRESS, .bdf = NIC };

	machine();
	EXPECT_EQ(device_find(&d)->id, NIC);
	d = (struct config_device){ .naming = DEVICE_BY_ID, .vendor = 0x8086, .device = 0x10c9 };
	EXPECT_EQ(device_find(&d)->id, DEVID(2, 3, 0));
	d.index = 2;
	EXPECT(!device_find(&d));
}

TEST(and_back)
{
	struct config_device d;

	machine();
	EXPECT(device_path(NIC, &d));
	EXPECT_EQ(d.naming, DEVICE_BY_PATH);
	EXPECT_EQ(d.bdf, PORT);
	EXPECT_EQ(d.hop_count, 2);
	EXPECT_EQ(d.hops[0], 0);
	EXPECT_EQ(d.hops[1], 3 << 3 | 1);
	EXPECT_EQ(device_find(&d)->id, NIC);
	EXPECT(device_path(PORT, &d));
	EXPECT_EQ(d.hop_count, 0);
	EXPECT_EQ(d.bdf, PORT);
}

TEST(bridges_in_a_ring)
{
	struct config_device d;

	machine();
	bridge(PORT, 2);
	bridge(DEVID(2, 4, 0), 2);
	EXPECT_EQ(pci_init(), OK);
	put(PORT, 0x19, 9, 1);
	put(SWITCH, 0x19, 9, 1);
	EXPECT(!device_path(NIC, &d)); /* and it comes to an end */
}
