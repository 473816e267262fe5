/* SPDX-License-Identifier: MIT */
/*
 * A VM with a virtual PCI bus over functions of pci_fake.h: what the unit tests and the fuzzer of
 * it share. Routes are only written down; nested tables, PCI and MSI are the real ones.
 */
#ifndef VPCI_FAKE_H
#define VPCI_FAKE_H

#include "assign.h"
#include "avic/regs.h"
#include "drivers/msi.h"
#include "drivers/pci_regs.h"
#include "exit_io.h"
#include "exit_mmio.h"
#include "guest/vpci.h"
#include "page.h"
#include "pci_fake.h"
#include "vm.h"

#define NIC    DEVID(0, 3, 0) /* MSI-X with 10 messages, MSI with 2, ports, and what is hidden */
#define EDU    DEVID(0, 4, 0) /* MSI of one message without a mask, a BAR of 128 bytes */
#define VIRTIO DEVID(0, 5, 0) /* capabilities of the vendor's, one to be hidden */
#define BIG    DEVID(0, 6, 0) /* a BAR of 1 GiB */

#define NIC_MSI  0x50
#define NIC_MSIX 0x70
#define NIC_PCIE 0xa0

enum { FAKE_DEVICES = 4, FAKE_VCPUS = 4, FAKE_PORT = 0x6000 };

static uint8_t nic_registers[0x4000] __attribute__((aligned(0x4000)));
static uint32_t nic_table[0x1000] __attribute__((aligned(0x4000)));
static uint8_t edu_registers[0x80] __attribute__((aligned(0x80)));
static uint8_t virtio_registers[0x1000] __attribute__((aligned(0x1000)));

static struct vm vm;
static struct vm_config config_vm;
static struct vcpu vcpus[FAKE_VCPUS];
static struct vapic pages[FAKE_VCPUS] __attribute__((aligned(4096)));
static uint64_t physical_table[512];
static struct cpu here;
static struct assigned_irq irqs[FAKE_DEVICES][32];
static unsigned routes, unroutes, flushes;
static err_t route_result;
static uint32_t port_value;
static unsigned port_accesses, pages_left;
static const char *why;

static void *pages_given[1200];
static unsigned pages_given_count;

phys_t page_alloc(size_t count, size_t align_pages)
{
	void *p;

	if (pages_left < count)
		return PHYS_NONE;
	pages_left -= (unsigned)count;
	p = aligned_alloc(4096 * align_pages, 4096 * count);
	memset(p, 0, 4096 * count);
	pages_given[pages_given_count++] = p;
	return PHYS((uint64_t)p);
}

void page_free(phys_t base, size_t count)
{
	abort(); /* nobody here gives any back */
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 16);
}

uint32_t sim_in(uint16_t port, unsigned bytes)
{
	if (port < FAKE_PORT || port + bytes > FAKE_PORT + 32)
		abort();
	port_accesses++;
	return port_value;
}

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	sim_in(port, bytes);
	port_value = v;
}

err_t assign_route(struct cpu *cpu, struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	routes++;
	if (vector < 16 || target < vcpus || target >= vcpus + FAKE_VCPUS)
		abort();
	if (route_result)
		return route_result;
	irq->target = target;
	irq->guest_vector = vector;
	return OK;
}

void assign_unroute(struct cpu *cpu, struct assigned_irq *irq)
{
	unroutes += irq->target != NULL;
	irq->target = NULL;
}

void vcpu_post_event(struct cpu *cpu, struct vcpu *v, uint32_t events)
{
	flushes += events == VCPU_EVENT_FLUSH;
}

static void nic(void)
{
	uint64_t at = (uint64_t)nic_registers, table = (uint64_t)nic_table;

	function(NIC, 0x8086, 0x10c9, 0x020000, 0x80);
	put(NIC, PCI_SUBSYSTEM, 0xa03c8086, 4);
	bar(NIC, 0, (uint32_t)at | 4, 0xffffc000);
	bar(NIC, 1, (uint32_t)(at >> 32), 0xffffffff);
	bar(NIC, 2, FAKE_PORT | 1, 0xffffffe0);
	bar(NIC, 3, (uint32_t)table | 4, 0xffffc000);
	bar(NIC, 4, (uint32_t)(table >> 32), 0xffffffff);
	cap(NIC, 0x40, 0x01, NIC_MSI);
	put(NIC, 0x42, 0xc823, 2); /* version 3, PME from everywhere */
	put(NIC, 0x44, 0x2003, 2);
	cap(NIC, NIC_MSI, 0x05, 0x68);
	put(NIC, NIC_MSI + 2, 0x0182, 2); /* 2 messages, 64-bit, masks */
	cap(NIC, 0x68, 0x03, NIC_MSIX);   /* VPD */
	put(NIC, 0x6c, 0x12345678, 4);
	cap(NIC, NIC_MSIX, 0x11, NIC_PCIE);
	put(NIC, NIC_MSIX + 2, 9, 2);
	put(NIC, NIC_MSIX + 4, 3, 4);
	put(NIC, NIC_MSIX + 8, 0x2003, 4);
	cap(NIC, NIC_PCIE, 0x10, 0xe0);
	put(NIC, NIC_PCIE + 2, 0x0002, 2);
	put(NIC, NIC_PCIE + 4, 0x10008fc2, 4);
	put(NIC, NIC_PCIE + 8, 0x2810, 2);
	put(NIC, NIC_PCIE + 16, 0x1041, 2); /* link control */
	cap(NIC, 0xe0, 0x13, 0);            /* AF */
	put(NIC, 0x100, 0x14820001, 4);     /* an extended capability */
}

static void others(void)
{
	uint64_t edu = (uint64_t)edu_registers, virtio = (uint64_t)virtio_registers;

	function(EDU, 0x1234, 0x11e8, 0x00ff00, 0);
	bar(EDU, 0, (uint32_t)edu | 4, 0xffffff80);
	bar(EDU, 1, (uint32_t)(edu >> 32), 0xffffffff);
	cap(EDU, 0x40, 0x05, 0);
	put(EDU, 0x42, 0x0080, 2);
	function(VIRTIO, 0x1af4, 0x1041, 0x020000, 0);
	bar(VIRTIO, 4, (uint32_t)virtio | 0xc, 0xfffff000);
	bar(VIRTIO, 5, (uint32_t)(virtio >> 32), 0xffffffff);
	cap(VIRTIO, 0x84, 0x09, 0x70);
	put(VIRTIO, 0x86, 0x0514, 2); /* 20 bytes, the window on BARs */
	cap(VIRTIO, 0x70, 0x09, 0x40);
	put(VIRTIO, 0x72, 0x0114, 2); /* common configuration */
	put(VIRTIO, 0x74, 0x00000004, 4);
	put(VIRTIO, 0x78, 0x00000010, 4);
	cap(VIRTIO, 0x40, 0x09, 0x40); /* and round and round */
	put(VIRTIO, 0x42, 0x0210, 2);
	put(VIRTIO, 0x34, 0x84, 1);
	function(BIG, 0x10de, 0x1234, 0x030000, 0);
	bar(BIG, 0, 0x0000000c, 0xc0000000);
	bar(BIG, 1, 0x00000040, 0xffffffff);
}

/* The devices named, in this order. */
static err_t fake_vm(const devid_t *ids, unsigned count)
{
	while (pages_given_count)
		free(pages_given[--pages_given_count]);
	fake_start();
	memset(nic_table, 0, sizeof(nic_table));
	nic();
	others();
	if (pci_init())
		abort();
	memset(pages, 0, sizeof(pages));
	memset(irqs, 0, sizeof(irqs));
	routes = unroutes = flushes = port_accesses = 0;
	route_result = OK;
	pages_left = 1000;
	config_vm =
		(struct vm_config){ .name = "test", .memory_bytes = 4 * MIB, .pci = PCI_VIRTUAL };
	vm = (struct vm){ .config = &config_vm, .vcpu_count = FAKE_VCPUS, .vcpus = vcpus };
	vm.avic = (struct avic_vm){ .physical = physical_table, .max_index = FAKE_VCPUS - 1 };
	for (uint32_t i = 0; i < FAKE_VCPUS; i++) {
		vcpus[i] = (struct vcpu){ .vm = &vm, .index = (uint8_t)i };
		physical_table[i] = PHYSICAL_VALID | (uint64_t)&pages[i];
		vapic_write(&pages[i], VAPIC_DFR, ~0u);
		vapic_write(&pages[i], VAPIC_LDR, 1u << (24 + i));
	}
	if (npt_init(&vm.npt))
		abort();
	for (unsigned i = 0; i < count; i++) {
		struct assigned_device *d = &vm.devices[vm.device_count++];
		const struct pci_device *pci = pci_find(ids[i]);
		uint32_t messages = msi_count(pci);

		*d = (struct assigned_device){ .vm = &vm, .pci = pci, .irq = irqs[i] };
		d->irq_count = messages > msi_plain_count(pci) ? messages : msi_plain_count(pci);
		if (msi_hold(pci, 0))
			abort();
		pci_enable_decoding(ids[i]);
	}
	return vpci_create(&vm, &why);
}

static uint64_t guest_read(uint64_t at, unsigned bytes)
{
	struct mmio_access a = { .at = GPA(at), .bytes = bytes };

	if (!vpci_has(&vm, a.at))
		abort();
	vpci_mmio(&here, &vm, &a);
	return a.value & ~0ull >> (64 - 8 * bytes);
}

static void guest_write(uint64_t at, unsigned bytes, uint64_t value)
{
	struct mmio_access a = { .at = GPA(at), .bytes = bytes, .write = true, .value = value };

	if (!vpci_has(&vm, a.at))
		abort();
	vpci_mmio(&here, &vm, &a);
}

#endif
