/* SPDX-License-Identifier: MIT */
/* sources: drivers/pci_reset.c drivers/pci_bridge.c drivers/pci_acs.c */
/* sources: drivers/pci.c drivers/pci_bar.c drivers/pci_config.c drivers/clock.c */
#include "test.h"
#include "drivers/clock.h"
#include "drivers/pci.h"
#include "drivers/pci_regs.h"
#include <hw/cpu.h>
#include "pci_fake.h"

#define NIC  DEVID(0, 3, 1)
#define BIG  DEVID(1, 0, 0)
#define HOST DEVID(0, 0, 0)

static struct pci_reset reset;

static void machine(void)
{
	fake_start();
	function(HOST, 0x8086, 0x29c0, 0x060000, 0);
	bar(HOST, 0, 0xd0000000, 0xfffff000); /* a bridge's BAR is left alone */
	function(DEVID(0, 3, 0), 0x8086, 0x10c9, 0x020000, 0x80);
	function(NIC, 0x8086, 0x10c9, 0x020000, 0);
	bar(NIC, 0, 0xfebc0000, 0xfffe0000); /* 128 KiB, 32 bits */
	bar(NIC, 1, 0x0000000c, 0xffffc000); /* 64 bits, prefetchable, */
	bar(NIC, 2, 0x00000038, 0xffffffff); /* 16 KiB, at 38_00000000 */
	bar(NIC, 3, 0x0000c041, 0x0000ffe0); /* 32 ports */
	bar(NIC, 5, 0x00000004, 0xfffff000); /* 64 bits with no upper half */
	put(NIC, 4, 0x0007, 2);
	cap(NIC, 0x50, 0x05, 0x70);
	cap(NIC, 0x70, 0x11, 0xa0);
	cap(NIC, 0xa0, 0x10, 0);
	put(NIC, 0xa4, 1 << 28, 4);
	function(DEVID(0, 4, 1), 0x1111, 0x2222, 0xff0000, 0); /* no function 0: not there */
	function(DEVID(0, 5, 0), 0x1111, 0x3333, 0xff0000, 0);
	function(DEVID(0, 5, 1), 0x1111, 0x4444, 0xff0000, 0); /* not multi-function: a ghost */
	function(BIG, 0x1234, 0x11e8, 0x00ff00, 0);
	bar(BIG, 0, 0x0000000c, 0x00000000);
	bar(BIG, 1, 0x00000080, 0xffffffc0); /* 64 bits of nothing below: 256 GiB */
}

TEST(enumeration)
{
	machine();
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(pci_count(), 5);
	EXPECT_EQ(pci_by_index(0)->id, HOST);
	EXPECT(!pci_by_index(5));
	EXPECT(!pci_find(DEVID(0, 4, 1)));
	EXPECT(!pci_find(DEVID(0, 5, 1)));
	EXPECT_EQ(pci_find_nth(0x8086, 0x10c9, 1)->id, NIC);
	EXPECT(!pci_find_nth(0x8086, 0x10c9, 2));
	const struct pci_device *d = pci_find(NIC);

	EXPECT_EQ(d->vendor, 0x8086);
	EXPECT_EQ(d->device, 0x10c9);
	EXPECT_EQ(d->class_code, 0x020000);
	EXPECT_EQ(d->cap_msi, 0x50);
	EXPECT_EQ(d->cap_msix, 0x70);
	EXPECT_EQ(d->cap_pcie, 0xa0);
}

TEST(bars)
{
	machine();
	EXPECT_EQ(pci_init(), OK);
	const struct pci_device *d = pci_find(NIC);

	EXPECT_EQ(d->bar[0].base, 0xfebc0000);
	EXPECT_EQ(d->bar[0].bytes, 0x20000);
	EXPECT(!d->bar[0].wide && !d->bar[0].io && !d->bar[0].prefetchable);
	EXPECT_EQ(d->bar[1].base, 0x3800000000);
	EXPECT_EQ(d->bar[1].bytes, 0x4000);
	EXPECT(d->bar[1].wide && d->bar[1].prefetchable);
	EXPECT_EQ(d->bar[2].bytes, 0);
	EXPECT_EQ(d->bar[3].base, 0xc040);
	EXPECT_EQ(d->bar[3].bytes, 32);
	EXPECT(d->bar[3].io);
	EXPECT_EQ(d->bar[4].bytes, 0);
	EXPECT_EQ(d->bar[5].bytes, 0);
	EXPECT_EQ(pci_find(HOST)->bar[0].bytes, 0);
	/* As it was, and never decoding meanwhile. */
	EXPECT_EQ(get(NIC, 0x10, 4), 0xfebc0000);
	EXPECT_EQ(get(NIC, 0x18, 4), 0x38);
	EXPECT_EQ(get(NIC, 4, 2), 0x0007);
	EXPECT_EQ(decoding_while_sizing, 0);
}

TEST(command_register)
{
	machine();
	pci_disable_dma(NIC);
	EXPECT_EQ(get(NIC, 4, 2), 0x0003);
	pci_enable(NIC);
	EXPECT_EQ(get(NIC, 4, 2), 0x0407);
}

TEST(capability_lists_that_lie)
{
	machine();
	cap(NIC, 0xa0, 0x10, 0x50); /* a loop */
	EXPECT_EQ(pci_find_cap(NIC, 0x13), 0);
	EXPECT_EQ(pci_find_cap(NIC, 0x10), 0xa0);
	cap(NIC, 0x50, 0x05, 0x20); /* into the header */
	EXPECT_EQ(pci_find_cap(NIC, 0x10), 0);
	put(NIC, 6, 0, 2); /* no list */
	EXPECT_EQ(pci_find_cap(NIC, 0x05), 0);
}

TEST(function_level_reset)
{
	machine();
	put(NIC, 0xa8, 0x2810, 2);
	EXPECT_EQ(pci_init(), OK);
	flr_written = 0;
	put(NIC, 0xa8, 0, 2); /* it has lost by itself what firmware gave it */
	put(NIC, 0x10, 0, 4);
	put(NIC, 0x18, 0, 4);
	EXPECT_EQ(pci_reset(pci_find(NIC), &reset), OK);
	EXPECT_EQ(flr_written, NIC + 1);
	EXPECT_EQ(get(NIC, 0x10, 4), 0xfebc0000);
	EXPECT_EQ(get(NIC, 0x18, 4), 0x38);
	EXPECT_EQ(get(NIC, 4, 2) & 4, 0);
	EXPECT_EQ(get(NIC, 0xa8, 2), 0x2810); /* the largest payload */
	put(NIC, 0xa4, 0, 4);
	EXPECT_EQ(pci_reset(pci_find(NIC), &reset), ERR_UNFIT);
	cap(NIC, 0xa0, 0x10, 0xc0);
	cap(NIC, 0xc0, 0x13, 0);
	put(NIC, 0xc3, 0x02, 1);
	put(NIC, 0xc5, 0x01, 1); /* pending for ever: bounded */
	EXPECT_EQ(pci_reset(pci_find(NIC), &reset), OK);
	EXPECT_EQ(get(NIC, 0xc4, 1), 1);
	EXPECT_EQ(reset.way, PCI_RESET_AF);
}

#define PORT   DEVID(0, 6, 0)
#define BEHIND DEVID(1, 0, 0)

/* A function with nothing but a way into D3hot, behind a port of its own. */
static const struct pci_device *behind_port(void)
{
	machine();
	function(PORT, 0x1b36, 0x000c, 0x060400, 1);
	put(PORT, 0x19, 1, 1);
	put(PORT, 0x1a, 1, 1);
	cap(BEHIND, 0x40, 0x01, 0);
	EXPECT_EQ(pci_init(), OK);
	return pci_find(BEHIND);
}

/* Each step as soon as it may be; the last result, and how long it took in us. */
static uint64_t step_through(const struct pci_device *d, err_t expected)
{
	uint64_t start = cpu_ticks();
	err_t err;

	while ((err = pci_reset_step(d, &reset)) == ERR_BUSY)
		;
	EXPECT_EQ(err, expected);
	return clock_ticks_to_us(cpu_ticks() - start);
}

TEST(other_resets)
{
	const struct pci_device *d = behind_port();

	put(PORT, 0x3e, 0x0003, 2);
	put(BEHIND, 4, 0x0006, 2);
	pci_reset_begin(d, &reset);
	EXPECT_EQ(reset.way, PCI_RESET_BUS);
	EXPECT_EQ(get(BEHIND, 4, 2), 2);
	EXPECT_EQ(pci_reset_step(d, &reset), ERR_BUSY);
	EXPECT_EQ(get(PORT, 0x3e, 2), 0x0043);
	EXPECT(step_through(d, OK) >= 102000);
	EXPECT_EQ(get(PORT, 0x3e, 2), 0x0003);
	/* Another function on the bus would be reset with it. */
	put(BEHIND, 14, 0x80, 1);
	function(DEVID(1, 0, 1), 0x1234, 0x11e8, 0x00ff00, 0);
	EXPECT_EQ(pci_init(), OK);
	d = pci_find(BEHIND);
	pci_reset_begin(d, &reset);
	EXPECT_EQ(reset.way, PCI_RESET_POWER);
	EXPECT_EQ(pci_reset_step(d, &reset), ERR_BUSY);
	EXPECT_EQ(get(BEHIND, 0x44, 2) & 3, 3);
	EXPECT(step_through(d, OK) >= 20000);
	EXPECT_EQ(get(BEHIND, 0x44, 2) & 3, 0);
	put(BEHIND, 0x44, 8, 2); /* its registers survive that */
	EXPECT_EQ(pci_reset(d, &reset), ERR_UNFIT);
	EXPECT_EQ(get(BEHIND, 0x44, 2), 8);
}

TEST(reset_without_end)
{
	machine();
	EXPECT_EQ(pci_init(), OK);
	const struct pci_device *d = pci_find(NIC);

	pci_reset_begin(d, &reset);
	EXPECT_EQ(pci_reset_step(d, &reset), ERR_BUSY);
	put(NIC, 8, ~0u, 4); /* it answers no more */
	uint64_t us = step_through(d, ERR_TIMEOUT);

	EXPECT(us >= 1000000 && us < 1100000);
}

static uint32_t port_address;
static bool ports;

uint32_t sim_in(uint16_t port, unsigned bytes)
{
	if (port == 0xcf8)
		return ports ? port_address : ~0u;
	uint32_t v = 0;

	memcpy(&v, config((devid_t)(port_address >> 8)) + (port_address & 0xfc) + (port & 3),
		bytes);
	return v;
}

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	if (port == 0xcf8)
		port_address = v;
	else
		config_write(
			(devid_t)(port_address >> 8), (port_address & 0xfc) + (port & 3), bytes, v);
}

TEST(without_an_mcfg_by_the_ports)
{
	machine();
	memset(ecam + (2 << 20), 0xff, ECAM_BYTES - (2 << 20));
	fake_acpi.ecam[0].segment = 1;
	ports = false;
	EXPECT_EQ(pci_init(), ERR_UNFIT);
	EXPECT_EQ(pci_count(), 0);
	ports = true;
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(pci_count(), 5);
	EXPECT_EQ(pci_find(NIC)->bar[0].bytes, 0x20000);
	EXPECT_EQ(pci_read(NIC, 0x100, 4), ~0u);
	pci_write(NIC, 0x100, 4, 1);
	pci_write(NIC, 0x3c, 1, 0x12345678);
	EXPECT_EQ(get(NIC, 0x3c, 4), 0x78);
	EXPECT_EQ(pci_read(NIC, 0x3c, 1), 0x78);
}

static void bridge(devid_t id, uint8_t to, unsigned express_type)
{
	function(id, 0x1b36, 0x000e, 0x060400, 1);
	put(id, PCI_SECONDARY_BUS, to, 1);
	if (!express_type)
		return;
	cap(id, 0x40, CAP_PCIE, 0);
	put(id, 0x42, express_type << 4 | 2, 2);
}

#define LEGACY DEVID(1, 3, 1)

TEST(requester_ids)
{
	fake_start();
	fake_acpi.ecam[0].bus_last = 1;
	function(DEVID(1, 3, 0), 0x8086, 0x100e, 0x020000, 0x80);
	function(LEGACY, 0x8086, 0x100e, 0x020000, 0);
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(pci_wire_id(LEGACY), LEGACY); /* on a root bus, as far as anybody knows */
	bridge(DEVID(0, 2, 0), LEGACY >> 8, 4);
	EXPECT_EQ(pci_init(), OK);
	EXPECT(pci_bridge_to(LEGACY >> 8) && pci_bridge_to(LEGACY >> 8)->id == DEVID(0, 2, 0));
	EXPECT_EQ(pci_wire_id(LEGACY), LEGACY); /* a root port */
	bridge(DEVID(0, 2, 0), LEGACY >> 8, 7);
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(pci_wire_id(LEGACY), LEGACY & 0xff00);
	bridge(DEVID(0, 2, 0), LEGACY >> 8, 0);
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(pci_wire_id(LEGACY), DEVID(0, 2, 0));
	put(DEVID(0, 2, 0), PCI_SECONDARY_BUS, 0, 1);
	EXPECT_EQ(pci_bridge_to(0), NULL);
}

#define ROOT_PORT  DEVID(0, 2, 0)
#define UPSTREAM   DEVID(1, 0, 0)
#define DOWN(n)    DEVID(2, n, 0)
#define ONE        DEVID(3, 0, 0)
#define TWO        DEVID(4, 0, 0)
#define TWO_B      DEVID(4, 0, 1)
#define BESIDE(fn) DEVID(0, 3, fn)

enum { ROOT_PORT_TYPE = 4, UPSTREAM_TYPE, DOWNSTREAM_TYPE };

static void endpoint(devid_t id)
{
	function(id, 0x8086, 0x10d3, 0x020000, 0x80);
	cap(id, 0x40, CAP_PCIE, 0);
}

static void acs(devid_t id, uint16_t has)
{
	put(id, 0x100, 0x10000u | EXT_CAP_ACS, 4);
	put(id, 0x104, has, 2);
}

/* A switch behind a root port, behind its ports a NIC with one function and one with two. */
static void tree(void)
{
	fake_start();
	memset(ecam + (2 << 20), 0xff, 3 << 20);
	fake_acpi.ecam[0].bus_last = 4;
	function(DEVID(0, 0, 0), 0x8086, 0x29c0, 0x060000, 0);
	bridge(ROOT_PORT, 1, ROOT_PORT_TYPE);
	bridge(UPSTREAM, 2, UPSTREAM_TYPE);
	bridge(DOWN(0), 3, DOWNSTREAM_TYPE);
	bridge(DOWN(1), 4, DOWNSTREAM_TYPE);
	endpoint(ONE);
	endpoint(TWO);
	endpoint(TWO_B);
	endpoint(BESIDE(0));
	endpoint(BESIDE(1));
}

static void tree_with_acs(void)
{
	tree();
	acs(ROOT_PORT, 0x5f);
	acs(DOWN(0), 0x5f);
	acs(DOWN(1), 0x5f);
	acs(TWO, 0);
	acs(TWO_B, 0x0c);
}

/* Both ways round: it depends on what either of them does. */
static bool apart(devid_t a, devid_t b)
{
	EXPECT_EQ(pci_apart(a, b), pci_apart(b, a));
	return pci_apart(a, b);
}

TEST(apart_by_acs)
{
	tree_with_acs();
	put(ROOT_PORT, 0x106, 0x42, 2);
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(get(ROOT_PORT, 0x106, 2), 0x42); /* the survey only reads */
	pci_enable_acs();
	EXPECT_EQ(get(ROOT_PORT, 0x106, 2), 0x1f); /* without direct translated requests */
	EXPECT_EQ(get(DOWN(1), 0x106, 2), 0x1d);
	EXPECT_EQ(get(TWO_B, 0x106, 2), 0x0c); /* what it has */
	EXPECT(apart(ONE, TWO) && apart(TWO, TWO_B) && apart(ONE, BESIDE(0)));
	EXPECT(!apart(BESIDE(0), BESIDE(1)));
}

/* One link of the chain is missing. */
TEST(not_apart)
{
	static const struct {
		devid_t without, a, b;
	} missing[] = { { DOWN(0), ONE, TWO }, { DOWN(1), TWO_B, ONE }, { ROOT_PORT, ONE, TWO },
		{ ROOT_PORT, TWO, TWO_B }, { DOWN(1), TWO, TWO_B }, { TWO, TWO, TWO_B },
		{ TWO_B, TWO, TWO_B } };

	for (unsigned i = 0; i < ARRAY_COUNT(missing); i++) {
		tree_with_acs();
		put(missing[i].without, 0x100, 0, 4);
		EXPECT_EQ(pci_init(), OK);
		EXPECT(!apart(missing[i].a, missing[i].b));
		EXPECT(apart(ONE, BESIDE(1))); /* another slot of the root bus */
	}
}

TEST(acs_outlives_a_reset)
{
	tree_with_acs();
	put(TWO_B, 0x44, 1 << 28, 4); /* FLR */
	EXPECT_EQ(pci_init(), OK);
	pci_enable_acs();
	put(TWO_B, 0x106, 0, 2); /* what a reset does */
	EXPECT_EQ(pci_reset(pci_find(TWO_B), &reset), OK);
	EXPECT_EQ(reset.way, PCI_RESET_FLR);
	EXPECT_EQ(get(TWO_B, 0x106, 2), 0x0c);
}

TEST(apart_without_acs)
{
	tree();
	for (unsigned fn = 0; fn < 2; fn++)
		put(BESIDE(fn), PCI_DEVICE, 0x10c9, 2); /* by its maker's word */
	EXPECT_EQ(pci_init(), OK);
	EXPECT(apart(BESIDE(0), BESIDE(1)));
	EXPECT(!apart(TWO, TWO_B));
	tree_with_acs();
	put(TWO, 0x100, 0, 4);
	EXPECT_EQ(pci_init(), OK);
	put(TWO, PCI_VENDOR, 0xffff, 2); /* as a virtual function's register reads */
	EXPECT(apart(TWO, TWO_B));
}

TEST(never_apart)
{
	tree_with_acs();
	bridge(DOWN(0), 3, 7); /* to conventional PCI */
	function(DEVID(3, 1, 0), 0x8086, 0x100e, 0x020000, 0);
	EXPECT_EQ(pci_init(), OK);
	EXPECT(!apart(ONE, DEVID(3, 1, 0)));
	tree_with_acs();
	read_only = ROOT_PORT << 12 | 0x106;
	EXPECT_EQ(pci_init(), OK);
	EXPECT(apart(ONE, TWO));
	pci_enable_acs();
	EXPECT(!apart(ONE, TWO));
	put(ROOT_PORT, PCI_SECONDARY_BUS, 2, 1);
	put(UPSTREAM, PCI_SECONDARY_BUS, 1, 1); /* a ring */
	EXPECT_EQ(pci_init(), OK);
	EXPECT(!pci_apart(UPSTREAM, BESIDE(0)));
}

TEST(ats_and_pri_go_off)
{
	fake_start();
	function(NIC & ~7, 0x8086, 0x10c9, 0x020000, 0x80);
	function(NIC, 0x8086, 0x10c9, 0x020000, 0);
	put(NIC, 0x100, 0x12010000u | EXT_CAP_ATS, 4); /* next: 120h */
	put(NIC, 0x100 + ATS_CONTROL, 0x8005, 2);
	put(NIC, 0x120, 0x00010000u | EXT_CAP_PRI, 4);
	put(NIC, 0x120 + PRI_CONTROL, 0x0003, 2);
	EXPECT_EQ(pci_init(), OK);
	pci_disable_ats(NIC);
	EXPECT_EQ(get(NIC, 0x100 + ATS_CONTROL, 2), 0x0005);
	EXPECT_EQ(get(NIC, 0x120 + PRI_CONTROL, 2), 0x0002);
	pci_disable_ats(NIC & ~7u); /* has neither */
}
