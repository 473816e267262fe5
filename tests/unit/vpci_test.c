/* SPDX-License-Identifier: MIT */
/* sources: vmm/notice.c vmm/base/lib.c */
/* sources: vmm/guest/vpci.c vmm/guest/vpci_bar.c vmm/guest/vpci_caps.c vmm/guest/vpci_config.c */
/* sources: vmm/guest/vpci_msi.c vmm/guest/vpci_msix.c drivers/msi.c drivers/msix.c drivers/pci.c */
/* sources: drivers/pci_bar.c drivers/pci_config.c drivers/clock.c svm/npt.c avic/exits.c */
/* sources: avic/vapic.c vmm/guest/vpci_rom.c */
#include "test.h"
#include "drivers/msi.h"
#include "drivers/msix.h"
#include "drivers/pci_regs.h"
#include "vpci_fake.h"

#define ECAM 0xe0000000ull

static const devid_t three[] = { NIC, EDU, VIRTIO };

static uint32_t cfg(unsigned slot, unsigned at, unsigned bytes)
{
	return (uint32_t)guest_read(ECAM + (slot << 15) + at, bytes);
}

static void set(unsigned slot, unsigned at, unsigned bytes, uint32_t value)
{
	guest_write(ECAM + (slot << 15) + at, bytes, value);
}

static uint32_t in(uint16_t port, unsigned bytes)
{
	struct port_access a = { .port = port, .bytes = bytes, .in = true };

	EXPECT(vpci_has_port(&vm, port));
	vpci_port(&here, &vm, &a);
	return a.value & ~0u >> (32 - 8 * bytes);
}

static void out(uint16_t port, unsigned bytes, uint32_t value)
{
	struct port_access a = { .port = port, .bytes = bytes, .value = value };

	EXPECT(vpci_has_port(&vm, port));
	vpci_port(&here, &vm, &a);
}

static uint64_t host_of(uint64_t gpa)
{
	phys_t host;

	return npt_translate(&vm.npt, GPA(gpa), true, &host) ? host.v : 0;
}

TEST(what_is_on_the_bus)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(cfg(0, 0, 4), 0x00081b36);
	EXPECT_EQ(cfg(0, 8, 4), 0x06000000);
	EXPECT_EQ(cfg(1, 0, 4), 0x10c98086);
	EXPECT_EQ(cfg(2, 0, 4), 0x11e81234);
	EXPECT_EQ(cfg(3, 2, 2), 0x1041);
	EXPECT_EQ(cfg(4, 0, 4), ~0u);                 /* nobody */
	EXPECT_EQ(guest_read(ECAM + 0x9000, 4), ~0u); /* another function of the NIC's slot */
	EXPECT_EQ(cfg(1, 0x0e, 1), 0);                /* one function */
	EXPECT_EQ(cfg(1, 0x2c, 4), 0xa03c8086);
	EXPECT_EQ(cfg(1, 0x30, 4), 0);  /* no ROM */
	EXPECT_EQ(cfg(1, 0x3d, 1), 0);  /* no pin */
	EXPECT_EQ(cfg(1, 0x100, 4), 0); /* nothing beyond 256 bytes */
	EXPECT_EQ(guest_read(ECAM + (1 << 15), 8), 0x0010000010c98086);
	EXPECT_EQ(cfg(1, 1, 2), 0xffff); /* not aligned */
	EXPECT(!vpci_has(&vm, GPA(ECAM + MIB)) && !vpci_has(&vm, GPA(0xbffff000)));
	EXPECT(!vpci_has(&vm, GPA(0xfee00000)) && vpci_has(&vm, GPA(0x5000000000)));
}

TEST(by_the_ports)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	out(0xcf8, 4, 0x80000800);
	EXPECT_EQ(in(0xcf8, 4), 0x80000800);
	EXPECT_EQ(in(0xcfc, 4), 0x10c98086);
	EXPECT_EQ(in(0xcfe, 2), 0x10c9);
	EXPECT_EQ(in(0xcff, 1), 0x10);
	EXPECT_EQ(in(0xcfd, 2), 0xffff); /* not aligned */
	EXPECT_EQ(in(0xcfe, 4), ~0u);    /* over the end */
	out(0xcf8, 1, 0);                /* not the whole register */
	EXPECT_EQ(in(0xcf8, 4), 0x80000800);
	EXPECT_EQ(in(0xcf9, 1), 0xff);
	out(0xcf8, 4, 0x00000800); /* not enabled */
	EXPECT_EQ(in(0xcfc, 4), ~0u);
	out(0xcf8, 4, 0x80010800); /* bus 1 */
	EXPECT_EQ(in(0xcfc, 4), ~0u);
	out(0xcf8, 4, 0x8000083c);
	out(0xcfc, 1, 0x5a);
	EXPECT_EQ(cfg(1, 0x3c, 4), 0x5a);
	config_vm.pci = PCI_DIRECT;
	vm.vpci = (struct vpci){ 0 };
	EXPECT_EQ(vpci_create(&vm, &why), OK);
	EXPECT(!vpci_has_port(&vm, 0xcf8) && !vpci_has(&vm, GPA(ECAM)));
}

TEST(whitelist_of_capabilities)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(cfg(1, 6, 2), 0x10);
	EXPECT_EQ(cfg(1, 0x34, 1), 0x40);
	EXPECT_EQ(cfg(1, 0x40, 4), 0x00035001); /* PM without PME */
	EXPECT_EQ(cfg(1, 0x44, 4), 0x8);
	EXPECT_EQ(cfg(1, 0x50, 4), 0x01827005); /* MSI, then straight to MSI-X */
	EXPECT_EQ(cfg(1, 0x68, 4), 0);          /* VPD is gone, */
	EXPECT_EQ(cfg(1, 0x6c, 4), 0);          /* and its data */
	EXPECT_EQ(cfg(1, 0x70, 4), 0x0009a011);
	EXPECT_EQ(cfg(1, 0x74, 4), 3);
	EXPECT_EQ(cfg(1, 0x78, 4), 0x2003);
	EXPECT_EQ(cfg(1, 0xa0, 4), 0x00920010); /* last; an endpoint of the root complex */
	EXPECT_EQ(cfg(1, 0xa4, 4), 0x00008fc2); /* no FLR */
	EXPECT_EQ(cfg(1, 0xa8, 4), 0x2810);
	EXPECT_EQ(cfg(1, 0xb0, 4), 0); /* no link */
	EXPECT_EQ(cfg(1, 0xe0, 4), 0); /* AF */
	EXPECT_EQ(cfg(3, 0x34, 1), 0x70);
	EXPECT_EQ(cfg(3, 0x70, 4), 0x01144009);
	EXPECT_EQ(cfg(3, 0x78, 4), 0x10);
	EXPECT_EQ(cfg(3, 0x40, 4), 0x02100009); /* the loop ends here */
	EXPECT_EQ(cfg(3, 0x84, 4), 0);          /* the window on BARs */
}

TEST(what_a_write_reaches)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	uint8_t before[256];

	memcpy(before, config(NIC), 256);
	for (unsigned at = 0; at < 0x1000; at += 4)
		if (at != 0x50 && at != 0x70)
			set(1, at, 4, ~0u);
	for (unsigned slot = 0; slot < 32; slot += 4)
		set(slot, 0, 4, 0);
	/* Bus mastering, and of device control relaxed ordering and the read request size. */
	EXPECT_EQ(get(NIC, 4, 2), before[4] | before[5] << 8 | 4);
	EXPECT_EQ(get(NIC, 0xa8, 2), 0x7810);
	put(NIC, 4, before[4] | before[5] << 8, 2);
	put(NIC, 0xa8, 0x2810, 2);
	EXPECT(!memcmp(before, config(NIC), 256));
	EXPECT_EQ(cfg(1, 4, 2), 0x0547);
	EXPECT_EQ(cfg(1, 0, 4), 0x10c98086);
	EXPECT_EQ(cfg(1, 0x44, 4), 0xb); /* it believes to sleep */
	set(1, 4, 2, 2);
	EXPECT_EQ(get(NIC, 4, 2) & 4, 0);
	EXPECT_EQ(get(NIC, 4, 2) & 0x402, 0x402); /* decoding and the pin stay the host's */
	EXPECT_EQ(cfg(0, 0, 4), 0x00081b36);
}

TEST(bars_are_sized)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(cfg(1, 0x10, 4), 0xc0000004);
	EXPECT_EQ(cfg(1, 0x14, 4), 0);
	EXPECT_EQ(cfg(1, 0x18, 4), 0xc001);
	EXPECT_EQ(cfg(1, 0x1c, 4), 0xc0004004);
	EXPECT_EQ(cfg(2, 0x10, 4), 0xc0008004);
	EXPECT_EQ(cfg(3, 0x20, 4), 0xc000900c);
	for (unsigned n = 0; n < 6; n++)
		set(1, 0x10 + 4 * n, 4, ~0u);
	EXPECT_EQ(cfg(1, 0x10, 4), 0xffffc004);
	EXPECT_EQ(cfg(1, 0x14, 4), 0xffffffff);
	EXPECT_EQ(cfg(1, 0x18, 4), 0xffffffe1);
	EXPECT_EQ(cfg(1, 0x1c, 4), 0xffffc004);
	EXPECT_EQ(cfg(1, 0x24, 4), 0);
	EXPECT_EQ(flushes, 0);
}

TEST(bars_move)
{
	uint64_t at = (uint64_t)nic_registers, table = (uint64_t)nic_table;

	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(host_of(0xc0000000), 0);
	set(1, 4, 2, 2);
	EXPECT_EQ(host_of(0xc0000000), at);
	EXPECT_EQ(host_of(0xc0003ff8), at + 0x3ff8);
	EXPECT_EQ(host_of(0xc0004000), 0); /* the MSI-X table's page, and that alone */
	EXPECT_EQ(host_of(0xc0005000), table + 0x1000);
	EXPECT_EQ(host_of(0xc0008000), 0); /* EDU's are less than a page */
	EXPECT_EQ(flushes, 0);
	set(1, 0x10, 4, 0xd0000000);
	EXPECT_EQ(host_of(0xc0000000), 0);
	EXPECT_EQ(host_of(0xd0000000), at);
	EXPECT_EQ(flushes, FAKE_VCPUS);
	/* Outside the windows it answers nowhere: over RAM, the APICs, configuration space, and
	 * small ones high up. */
	static const uint64_t bad[] = { 0, 0x100000, 0xbfffc000, 0xe0000000, 0xfee00000, 0xfec00000,
		0x100000000, 0x40ffffc000, 0x5000000000, 0x5fffffc000, 0xfffffffffffc000 };

	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		set(1, 0x10, 4, (uint32_t)bad[i]);
		set(1, 0x14, 4, (uint32_t)(bad[i] >> 32));
		EXPECT_EQ(host_of(bad[i]), 0);
		EXPECT_EQ(vm.vpci.function[1].bar[0].at, 0);
	}
	set(1, 0x14, 4, 0);
	set(1, 0x10, 4, 0xdfffc000); /* the last place */
	EXPECT_EQ(host_of(0xdfffc000), at);
	set(1, 4, 2, 0);
	EXPECT_EQ(host_of(0xdfffc000), 0);
	EXPECT_EQ(host_of(0xc0005000), 0);
}

TEST(two_at_one_place)
{
	uint64_t at = (uint64_t)nic_registers, table = (uint64_t)nic_table;

	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 2);
	set(1, 0x1c, 4, 0xc0000000); /* BAR 3 onto BAR 0 */
	EXPECT_EQ(host_of(0xc0001000), at + 0x1000);
	EXPECT_EQ(host_of(0xc0005000), 0);
	set(1, 0x10, 4, 0xc8000000); /* BAR 0 goes: BAR 3 has the place */
	EXPECT_EQ(host_of(0xc0001000), table + 0x1000);
	EXPECT_EQ(host_of(0xc8001000), at + 0x1000);
}

TEST(a_large_bar)
{
	static const devid_t big[] = { BIG };

	EXPECT_EQ(fake_vm(big, 1), OK);
	EXPECT_EQ(cfg(1, 0x14, 4), 0x50);
	EXPECT_EQ(cfg(1, 0x10, 4), 0xc);
	set(1, 4, 2, 2);
	EXPECT_EQ(host_of(0x5000001000), 0x4000001000);
	set(1, 0x14, 4, 0x5f);
	set(1, 0x10, 4, 0xc0000000);
	EXPECT_EQ(host_of(0x5fc0001000), 0x4000001000);
	EXPECT_EQ(host_of(0x5000001000), 0);
}

TEST(no_room_and_no_memory)
{
	static const devid_t big[] = { NIC, BIG };

	EXPECT_EQ(fake_vm(big, 2), OK);
	pages_left = 1;
	EXPECT_EQ(vpci_create(&vm, &why), ERR_NOMEM);
	EXPECT_EQ(fake_vm(three, 1), OK);
	pages_left = 0; /* and no page for tables at run time: the BAR isn't there, nothing else */
	set(1, 4, 2, 2);
	EXPECT_EQ(host_of(0xc0000000), 0);
	EXPECT_EQ(guest_read(0xc0000000, 4), ~0u);
	pages_left = 100;
	set(1, 4, 2, 0);
	set(1, 4, 2, 2);
	EXPECT(host_of(0xc0000000));
	vm.device_count = 32;
	EXPECT_EQ(vpci_create(&vm, &why), ERR_UNFIT);
	EXPECT(strstr(why, "31"));
}

TEST(small_bars_and_ports_are_done_here)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(guest_read(0xc0008010, 4), ~0u); /* not decoding */
	set(2, 4, 2, 2);
	guest_write(0xc0008010, 4, 0x11223344);
	guest_write(0xc0008020, 8, 0x8877665544332211);
	EXPECT_EQ(edu_registers[0x10], 0x44);
	EXPECT_EQ(guest_read(0xc0008012, 2), 0x1122);
	EXPECT_EQ(guest_read(0xc0008013, 1), 0x11);
	EXPECT_EQ(guest_read(0xc0008020, 8), 0x8877665544332211);
	EXPECT_EQ(guest_read(0xc000807c, 8), ~0ull); /* over its end */
	EXPECT_EQ(guest_read(0xc0008080, 4), ~0u);
	EXPECT_EQ(in(0xc000, 4), ~0u);
	set(1, 4, 2, 1);
	port_value = 0x1234;
	EXPECT_EQ(in(0xc004, 4), 0x1234);
	out(0xc000, 2, 7);
	EXPECT_EQ(port_value, 7);
	EXPECT_EQ(in(0xc01e, 4), ~0u);
	EXPECT_EQ(in(0xc020, 4), ~0u);
	EXPECT_EQ(port_accesses, 2);
}

#define TABLE 0xc0004000ull

static void entry(unsigned n, uint32_t address, uint32_t data, uint32_t control)
{
	guest_write(TABLE + 16 * n, 4, address);
	guest_write(TABLE + 16 * n + 4, 4, 0);
	guest_write(TABLE + 16 * n + 8, 4, data);
	guest_write(TABLE + 16 * n + 12, 4, control);
}

static bool masked(unsigned n)
{
	return nic_table[4 * n + 3] & 1;
}

TEST(msix_follows)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 6);
	EXPECT_EQ(guest_read(TABLE + 12, 4), 1);
	EXPECT(masked(0) && masked(9));
	set(1, 0x72, 2, 0xc000);
	EXPECT_EQ(get(NIC, 0x72, 2), 0xc009);
	entry(3, 0xfee02000, 0x4041, 1);
	EXPECT_EQ(routes, 0);
	EXPECT(masked(3));
	guest_write(TABLE + 60, 4, 0);
	EXPECT_EQ(routes, 1);
	EXPECT(irqs[0][3].target == &vcpus[2] && irqs[0][3].guest_vector == 0x41);
	EXPECT(!masked(3) && masked(2) && masked(4));
	/* The device's own message is the host's. */
	EXPECT_EQ(nic_table[12], 0xfee00000);
	EXPECT_EQ(nic_table[14], 3);
	EXPECT_EQ(guest_read(TABLE + 48, 4), 0xfee02000);
	EXPECT_EQ(guest_read(TABLE + 56, 8), 0x4041);
	set(1, 0x72, 2, 0x8000);
	EXPECT_EQ(get(NIC, 0x72, 2), 0x8009);
	/* As Linux changes an affinity: masked, another address, unmasked. */
	guest_write(TABLE + 60, 4, 1);
	EXPECT(masked(3));
	guest_write(TABLE + 48, 4, 0xfee01000);
	EXPECT_EQ(routes, 1);
	guest_write(TABLE + 60, 4, 0);
	EXPECT(!masked(3) && irqs[0][3].target == &vcpus[1]);
	/* Without masking, a word at a time. */
	guest_write(TABLE + 56, 4, 0x52);
	EXPECT(irqs[0][3].target == &vcpus[1] && irqs[0][3].guest_vector == 0x52 && !masked(3));
	guest_write(TABLE + 60, 4, 1);
	guest_write(TABLE + 60, 4, 0);
	EXPECT_EQ(routes, 3); /* nothing changed in between */
}

TEST(msix_that_leads_nowhere)
{
	static const struct {
		uint32_t address, high, data;
	} bad[] = {
		{ 0xfee00000, 0, 15 }, /* an exception's vector */
		{ 0xfee00000, 0, 0x241 }, { 0xfee00000, 0, 0x441 }, { 0xfee00000, 0, 0x541 },
		{ 0xfee00000, 0, 0x741 }, /* SMI, NMI, INIT, ExtINT */
		{ 0x00100000, 0, 0x41 },  /* memory */
		{ 0xfee00000, 1, 0x41 }, { 0xfef00000, 0, 0x41 },
		{ 0xfee04000, 0, 0x41 }, /* no such APIC */
		{ 0xfee10004, 0, 0x41 }, /* logical: nobody */
	};

	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 2);
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		guest_write(TABLE + 8, 4, 0);
		guest_write(TABLE, 4, bad[i].address);
		guest_write(TABLE + 4, 4, bad[i].high);
		guest_write(TABLE + 8, 8, bad[i].data);
		EXPECT(masked(0));
		EXPECT_EQ(guest_read(TABLE + 12, 4), 0); /* the guest sees what it wrote */
	}
	EXPECT_EQ(routes, 0);
	entry(0, 0xfee00000, 0x41, 0); /* now it is good */
	EXPECT(!masked(0) && routes == 1);
	route_result = ERR_NOMEM;
	guest_write(TABLE + 8, 4, 0x42);
	EXPECT(masked(0));
	route_result = OK;
	guest_write(TABLE + 8, 4, 0x43);
	EXPECT(!masked(0));
}

TEST(destinations)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 2);
	entry(0, 0xfee08004, 0x141, 0); /* logical, lowest priority: vCPU 3 */
	EXPECT(irqs[0][0].target == &vcpus[3]);
	entry(0, 0xfee0c00c, 0x41, 0); /* 2 and 3: message 0 has the first, */
	EXPECT(irqs[0][0].target == &vcpus[2]);
	entry(1, 0xfee0c00c, 0x42, 0); /* message 1 the second, */
	EXPECT(irqs[0][1].target == &vcpus[3]);
	entry(2, 0xfee0c00c, 0x42, 0); /* message 2 the first again */
	EXPECT(irqs[0][2].target == &vcpus[2]);
	entry(7, 0xfeeff000, 0x42, 0); /* all */
	EXPECT(irqs[0][7].target == &vcpus[3]);
	EXPECT_EQ(vapic_read(&pages[2], VAPIC_IRR), 0); /* nothing was sent */
	for (unsigned i = 0; i < ARRAY_COUNT(vcpus); i++)
		vm.avic.mode[i] = VAPIC_X2APIC;
	entry(4, 0xfee02000, 0x41, 0);
	EXPECT(irqs[0][4].target == &vcpus[2]);
	entry(5, 0xfeeff000, 0x41, 0);
	EXPECT(irqs[0][5].target == &vcpus[1]);
	entry(6, 0xfee08004, 0x41, 0);
	EXPECT(irqs[0][6].target == &vcpus[3]);
}

TEST(odd_accesses_to_the_table)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 2);
	entry(0, 0xfee00000, 0x41, 1);
	guest_write(TABLE + 12, 1, 0);
	guest_write(TABLE + 13, 4, 0);
	guest_write(TABLE + 8, 2, 0x99);
	EXPECT_EQ(guest_read(TABLE + 8, 8), 0x100000041);
	EXPECT_EQ(guest_read(TABLE + 12, 2), 0);
	EXPECT_EQ(guest_read(TABLE + 13, 4), 0);
	EXPECT(masked(0));
	guest_write(TABLE + 8, 8, 0x42); /* data and control at once */
	EXPECT(!masked(0) && irqs[0][0].guest_vector == 0x42);
	/* The rest of the page is the device's. */
	nic_table[0xa0 / 4] = 0x55667788;
	EXPECT_EQ(guest_read(TABLE + 0xa0, 4), 0x55667788);
	guest_write(TABLE + 0xa4, 4, 0x77);
	EXPECT_EQ(nic_table[0xa4 / 4], 0x77);
	/* Nor by what begins before its end. */
	guest_write(TABLE + 0x9e, 4, ~0u);
	EXPECT_EQ(nic_table[0x9c / 4] & ~1u, 0);
	EXPECT_EQ(nic_table[0xa0 / 4], 0x55667788);
}

TEST(msi_follows)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(get(EDU, 0x44, 4), 0xfee00000);
	set(2, 0x44, 4, 0xfee01000);
	set(2, 0x4c, 2, 0x61);
	EXPECT_EQ(routes, 0);
	set(2, 0x42, 2, 0x0081);
	EXPECT(irqs[1][0].target == &vcpus[1] && irqs[1][0].guest_vector == 0x61);
	EXPECT_EQ(get(EDU, 0x42, 2), 0x0081);
	EXPECT_EQ(get(EDU, 0x4c, 2), 0); /* the host's */
	set(2, 0x4c, 2, 0x62);
	EXPECT_EQ(irqs[1][0].guest_vector, 0x62);
	set(2, 0x44, 4, 0xfee02000);
	EXPECT(irqs[1][0].target == &vcpus[2]);
	set(2, 0x4c, 2, 3); /* nothing: it goes on as before */
	EXPECT(irqs[1][0].target == &vcpus[2] && irqs[1][0].guest_vector == 0x62);
	set(2, 0x42, 2, 0x0080);
	EXPECT_EQ(get(EDU, 0x42, 2), 0x0080);
}

TEST(msi_of_two_with_masks)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 0x54, 4, 0xfee03000);
	set(1, 0x5c, 2, 0x71);
	set(1, 0x60, 4, 2);
	set(1, 0x52, 2, 0x0071); /* on; it asks for 8 and gets 2 */
	EXPECT_EQ(get(NIC, 0x52, 2), 0x0193);
	EXPECT_EQ(get(NIC, 0x60, 4), 2);
	EXPECT(irqs[0][0].target == &vcpus[3] && irqs[0][0].guest_vector == 0x70);
	EXPECT(irqs[0][1].guest_vector == 0x71);
	EXPECT_EQ(irqs[0][2].guest_vector, 0);
	put(NIC, 0x64, 2, 4);
	EXPECT_EQ(cfg(1, 0x64, 4), 2); /* pending, from the device */
	set(1, 0x60, 4, 0);
	EXPECT_EQ(get(NIC, 0x60, 4), 0);
	set(1, 0x5c, 2, 0x0f);
	EXPECT_EQ(get(NIC, 0x60, 4), 3); /* leads nowhere: held back */
	set(1, 0x5c, 2, 0x30);
	EXPECT_EQ(get(NIC, 0x60, 4), 0);
	EXPECT_EQ(irqs[0][1].guest_vector, 0x31);
}

TEST(reset)
{
	EXPECT_EQ(fake_vm(three, 3), OK);
	set(1, 4, 2, 6);
	set(1, 0x10, 4, 0xd0000000);
	set(1, 0x72, 2, 0x8000);
	entry(3, 0xfee02000, 0x41, 0);
	vpci_reset(&here, &vm);
	EXPECT_EQ(unroutes, 1);
	EXPECT_EQ(cfg(1, 4, 2), 0);
	EXPECT_EQ(cfg(1, 0x10, 4), 0xc0000004);
	EXPECT_EQ(host_of(0xd0000000), 0);
	EXPECT_EQ(get(NIC, 4, 2) & 4, 0);
	EXPECT_EQ(get(NIC, 0x72, 2) & 0x8000, 0);
	EXPECT(masked(3));
	set(1, 4, 2, 2);
	EXPECT_EQ(guest_read(TABLE + 48, 8), 0);
	EXPECT_EQ(guest_read(TABLE + 60, 4), 1);
}

TEST(a_device_with_a_line)
{
	static struct intx_line *const line = (struct intx_line *)&vm; /* nobody looks into it */

	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(cfg(1, PCI_INTERRUPT_PIN, 1), 0);
	put(NIC, PCI_STATUS, get(NIC, PCI_STATUS, 2) | PCI_STATUS_INTX, 2);
	EXPECT_EQ(cfg(1, PCI_STATUS, 2) & PCI_STATUS_INTX, 0);
	vm.devices[0].line = line;
	EXPECT_EQ(vpci_create(&vm, &why), OK);
	EXPECT_EQ(cfg(1, PCI_INTERRUPT_PIN, 1), 1);
	EXPECT_EQ(cfg(2, PCI_INTERRUPT_PIN, 1), 0);
	EXPECT_EQ(cfg(1, PCI_STATUS, 2) & PCI_STATUS_INTX, PCI_STATUS_INTX);
	EXPECT_EQ(cfg(1, PCI_STATUS, 1) & PCI_STATUS_INTX, PCI_STATUS_INTX);
	EXPECT_EQ(cfg(1, PCI_COMMAND, 4) >> 16 & PCI_STATUS_INTX, PCI_STATUS_INTX);
	EXPECT_EQ(cfg(1, PCI_STATUS + 1, 1), 0);
	put(NIC, PCI_STATUS, get(NIC, PCI_STATUS, 2) & ~PCI_STATUS_INTX, 2);
	EXPECT_EQ(cfg(1, PCI_STATUS, 2) & PCI_STATUS_INTX, 0);
	set(1, PCI_COMMAND, 2, PCI_COMMAND_INTX);
	EXPECT_EQ(get(NIC, PCI_COMMAND, 2) & PCI_COMMAND_INTX, PCI_COMMAND_INTX);
	set(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(get(NIC, PCI_COMMAND, 2) & PCI_COMMAND_INTX, 0);
	set(1, PCI_INTERRUPT_PIN, 1, 4);
	EXPECT_EQ(cfg(1, PCI_INTERRUPT_PIN, 1), 1);
}

#define ROM_AT 0xd8000000ull

/* Below 4 GiB, as a ROM has to be. */
static uint8_t *low_memory(void)
{
	static uint8_t *p;

	if (!p)
		p = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	EXPECT(p != MAP_FAILED && (uint64_t)p + 0x4000 <= 4 * GIB);
	return p;
}

TEST(a_rom)
{
	uint8_t *rom = low_memory();

	EXPECT_EQ(fake_vm(three, 3), OK);
	EXPECT_EQ(cfg(1, PCI_ROM, 4), 0);
	config_vm.rom = true;
	EXPECT_EQ(vpci_create(&vm, &why), OK); /* its BARs are too high, or too small */
	set(1, PCI_ROM, 4, ~0u);
	EXPECT_EQ(cfg(1, PCI_ROM, 4), 0);
	memcpy(rom, "\x55\xaa\x12\x34", 4);
	rom[0x7ff] = 0x99;
	pci_find(NIC)->bar[0].base = (uint64_t)rom;

	uint32_t bar = get(NIC, PCI_BAR0, 4), command = get(NIC, PCI_COMMAND, 2);

	EXPECT_EQ(vpci_create(&vm, &why), OK);
	EXPECT_EQ(get(NIC, PCI_BAR0, 4), bar);
	EXPECT_EQ(get(NIC, PCI_COMMAND, 2), command);
	EXPECT_EQ(get(NIC, PCI_ROM, 4) & ROM_ENABLE, 0);
	rom[2] = 0; /* it is a copy */
	set(1, PCI_ROM, 4, ~1u);
	EXPECT_EQ(cfg(1, PCI_ROM, 4), 0xfffff800);
	set(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set(1, PCI_ROM, 4, ROM_AT);
	EXPECT_EQ(guest_read(ROM_AT, 4), 0xffffffff);
	set(1, PCI_ROM, 4, ROM_AT | ROM_ENABLE);
	EXPECT_EQ(guest_read(ROM_AT, 4), 0x3412aa55);
	guest_write(ROM_AT, 4, 0);
	EXPECT_EQ(guest_read(ROM_AT, 8), 0x3412aa55);
	EXPECT_EQ(guest_read(ROM_AT + 0x7ff, 1), 0x99);
	EXPECT_EQ(guest_read(ROM_AT + 0x7ff, 2), 0xffff);
	EXPECT_EQ(guest_read(ROM_AT - 1, 1), 0xff);
	set(1, PCI_COMMAND, 2, 0);
	EXPECT_EQ(guest_read(ROM_AT, 4), 0xffffffff);
	pages_left = 0;
	EXPECT_EQ(vpci_create(&vm, &why), ERR_NOMEM);
}
