/* SPDX-License-Identifier: MIT */
/*
 * A guest that writes anything anywhere on its virtual PCI bus: configuration space by memory and
 * by ports, MSI-X tables, trapped BARs. Nothing that isn't its own may be mapped, and no address,
 * no data and no register that isn't on the whitelist may reach a device. clang -g
 * -fsanitize=fuzzer,address,undefined -Wno-address-of-packed-member -Itests/host -Itests/unit -Ivmm
 * -I. tests/fuzz/vpci.c tests/host/seam.c vmm/guest/vpci*.c drivers/msi.c drivers/msix.c
 * drivers/pci.c drivers/pci_bar.c drivers/pci_config.c drivers/clock.c svm/npt.c avic/exits.c
 * avic/vapic.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vpci_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const devid_t all[FAKE_DEVICES] = { NIC, EDU, VIRTIO, BIG };
static uint8_t at_boot[FAKE_DEVICES][4096];

/* Offsets whose bits the guest may change, by the whitelist; typed here once more. */
static uint8_t may_change(devid_t id, unsigned at)
{
	if (at == 4)
		return 0x04; /* bus mastering */
	if (id == NIC) {
		switch (at) {
		case NIC_PCIE + 8:
			return 0x10;
		case NIC_PCIE + 9:
		case NIC_MSI + 2:
			return 0x71;
		case NIC_MSIX + 3:
			return 0xc0;
		case NIC_MSI + 16 ... NIC_MSI + 19:
			return 0xff;
		}
	}
	return id == EDU && at == 0x42 ? 0x71 : 0;
}

static void check_device(unsigned i)
{
	const uint8_t *now = config(all[i]);

	for (unsigned at = 0; at < 4096; at++)
		if ((now[at] ^ at_boot[i][at]) & ~may_change(all[i], at))
			abort();
}

static bool belongs(uint64_t host, uint64_t bytes, uint64_t page)
{
	return page >= host && page < host + bytes;
}

/* A page of the windows leads to a BAR's page or nowhere, and never to the MSI-X table. */
static void check_page(uint64_t gpa)
{
	phys_t host;

	if (!npt_translate(&vm.npt, GPA(gpa), false, &host))
		return;
	if (host.v >> 12 == (uint64_t)nic_table >> 12)
		abort();
	if (!vpci_has(&vm, GPA(gpa)) || belongs(VPCI_ECAM_BASE, VPCI_ECAM_BYTES, gpa))
		abort();
	if (!belongs((uint64_t)nic_registers, sizeof(nic_registers), host.v) &&
		!belongs((uint64_t)nic_table, sizeof(nic_table), host.v) &&
		!belongs((uint64_t)virtio_registers, sizeof(virtio_registers), host.v) &&
		!belongs(0x4000000000, 1 << 30, host.v))
		abort();
}

static void check(void)
{
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		check_device(i);
	for (unsigned n = 0; n < 10; n++)
		if (nic_table[4 * n] != 0xfee00000 || nic_table[4 * n + 1] ||
			nic_table[4 * n + 2] != n || nic_table[4 * n + 3] > 1)
			abort();
	for (uint32_t slot = 1; slot < vm.vpci.function_count; slot++)
		for (unsigned n = 0; n < PCI_BARS; n++) {
			const struct vpci_bar *b = &vm.vpci.function[slot].bar[n];

			for (uint64_t at = b->at; b->at && !b->io && at < b->at + 0x4000;
				at += 0x1000)
				check_page(at);
		}
}

/* One access from nine bytes. */
static void act(const uint8_t *p)
{
	unsigned size = 1u << (p[0] >> 4 & 3);
	uint32_t value = p[5] | (uint32_t)p[6] << 8 | (uint32_t)p[7] << 16 | (uint32_t)p[8] << 24;
	uint32_t where = p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16;
	uint64_t at = VPCI_ECAM_BASE + (where & 0xfffff);
	struct port_access port = { .bytes = size < 4 ? size : 4, .value = value };

	switch (p[0] & 7) {
	case 0: /* a register of one of the first slots */
		at = VPCI_ECAM_BASE + ((where & 7) << 15) + (where >> 8 & 0xff);
		break;
	case 1:
		break;
	case 2: /* where BARs are at first, the table among them */
		at = VPCI_LOW_BASE + (where & 0xffff);
		break;
	case 3:
		at = vm.vpci.function[1].bar[3].at + (where & 0xff);
		break;
	case 4:
		at = VPCI_HIGH_BASE + (uint64_t)where * 0x1000;
		break;
	default:
		port.port = p[0] & 1 ? (uint16_t)(0xcf8 + (where & 7))
				     : (uint16_t)(VPCI_IO_BASE + (where & 0xff));
		port.in = p[4] & 1;
		if (vpci_has_port(&vm, port.port))
			vpci_port(&here, &vm, &port);
		return;
	}
	if (!vpci_has(&vm, GPA(at)))
		return;
	if (p[4] & 1)
		guest_read(at, size);
	else
		guest_write(at, size, (uint64_t)value << 32 | value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (fake_vm(all, FAKE_DEVICES))
		abort();
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		memcpy(at_boot[i], config(all[i]), 4096);
	for (; bytes >= 9; bytes -= 9, data += 9)
		act(data);
	check();
	vpci_reset(&here, &vm);
	check();
	for (unsigned n = 0; n < 10; n++)
		if (nic_table[4 * n + 3] != 1 || irqs[0][n].target)
			abort();
	return 0;
}
