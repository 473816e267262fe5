/* SPDX-License-Identifier: MIT */
/*
 * Which devices there are. Firmware has numbered the buses; each bus that configuration space
 * reaches is looked at, instead of following bridges from bus 0: server boards have several root
 * buses, which only AML names, and an absent bus costs 32 reads.
 */
#include "pci.h"
#include "pci_access.h"
#include "pci_regs.h"

#define CAPS_MAX     48 /* as many as fit: more is a loop */
#define EXT_CAPS_MAX 480

static struct pci_device devices[PCI_DEVICES];
static uint32_t device_count;

uint16_t pci_find_cap(devid_t id, uint8_t cap)
{
	uint32_t at;

	if (!(pci_read(id, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	at = pci_read(id, PCI_CAPABILITIES, 1) & 0xfcu;
	for (unsigned i = 0; i < CAPS_MAX && at >= 0x40; i++) {
		uint32_t head = pci_read(id, (uint16_t)at, 2);

		if ((head & 0xff) == cap)
			return (uint16_t)at;
		at = head >> 8 & 0xfcu;
	}
	return 0;
}

uint16_t pci_find_ext_cap(devid_t id, uint16_t cap)
{
	uint32_t at = PCI_EXT_CAPABILITIES;

	for (unsigned i = 0; i < EXT_CAPS_MAX && at >= PCI_EXT_CAPABILITIES; i++) {
		uint32_t head = pci_read(id, (uint16_t)at, 4);

		/* All zero or all ones: there are none, or no way to them but ECAM. */
		if (head == 0 || head == ~0u)
			return 0;
		if ((head & 0xffff) == cap)
			return (uint16_t)at;
		at = head >> 20 & 0xffcu;
	}
	return 0;
}

struct pci_device *pci_add_function(devid_t id, uint16_t vendor, uint16_t device)
{
	struct pci_device *d;

	if (device_count == PCI_DEVICES)
		return NULL;
	d = &devices[device_count++];
	*d = (struct pci_device){ .id = id, .vendor = vendor, .device = device };
	d->header_type = pci_read(id, PCI_HEADER_TYPE, 1) & 0x7f;
	d->class_code = pci_read(id, PCI_CLASS, 4) >> 8;
	d->cap_msi = pci_find_cap(id, CAP_MSI);
	d->cap_msix = pci_find_cap(id, CAP_MSIX);
	d->cap_pcie = pci_find_cap(id, CAP_PCIE);
	if (d->cap_pcie)
		d->device_control =
			(uint16_t)pci_read(id, (uint16_t)(d->cap_pcie + PCIE_DEVCTL), 2);
	d->cap_acs = d->cap_pcie ? pci_find_ext_cap(id, EXT_CAP_ACS) : 0;
	return d;
}

static void add_function(devid_t id)
{
	struct pci_device *d = pci_add_function(
		id, (uint16_t)pci_read(id, PCI_VENDOR, 2), (uint16_t)pci_read(id, PCI_DEVICE, 2));

	if (!d)
		return;
	/* Bridges are never given to a guest, and some of theirs must not stop decoding. */
	if (d->header_type == 0 && d->class_code >> 16 != 0x06)
		pci_size_bars(d);
}

static void scan_bus(uint32_t bus)
{
	for (uint32_t dev = 0; dev < 32; dev++) {
		for (uint32_t fn = 0; fn < 8; fn++) {
			devid_t id = DEVID(bus, dev, fn);
			uint32_t header_type;

			if (pci_read(id, PCI_VENDOR, 2) == 0xffff) {
				if (fn == 0)
					break;
				continue;
			}
			header_type = pci_read(id, PCI_HEADER_TYPE, 1);
			add_function(id);
			if (fn == 0 && !(header_type & PCI_HEADER_MULTI))
				break;
		}
	}
}

err_t pci_init(void)
{
	err_t err = pci_config_init();

	device_count = 0;
	if (err)
		return err;
	for (uint32_t bus = 0; bus < 256; bus++) {
		if (pci_config_reaches(bus))
			scan_bus(bus);
	}
	return OK;
}

uint32_t pci_count(void)
{
	return device_count;
}

struct pci_device *pci_by_index(uint32_t i)
{
	return i < device_count ? &devices[i] : NULL;
}

struct pci_device *pci_find(devid_t id)
{
	for (uint32_t i = 0; i < device_count; i++) {
		if (devices[i].id == id)
			return &devices[i];
	}
	return NULL;
}

struct pci_device *pci_find_nth(uint16_t vendor, uint16_t device, uint32_t n)
{
	for (uint32_t i = 0; i < device_count; i++) {
		if (devices[i].vendor != vendor || devices[i].device != device)
			continue;
		if (n-- == 0)
			return &devices[i];
	}
	return NULL;
}

void pci_enable(devid_t id)
{
	uint32_t command = pci_read(id, PCI_COMMAND, 2);

	pci_write(id, PCI_COMMAND, 2,
		command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			PCI_COMMAND_INTX);
}

void pci_enable_decoding(devid_t id)
{
	pci_write(id, PCI_COMMAND, 2,
		pci_read(id, PCI_COMMAND, 2) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			PCI_COMMAND_INTX);
}

void pci_enable_dma(devid_t id)
{
	pci_write(id, PCI_COMMAND, 2, pci_read(id, PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
}

void pci_disable_dma(devid_t id)
{
	pci_write(id, PCI_COMMAND, 2, pci_read(id, PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER);
}

void pci_enable_intx(devid_t id)
{
	pci_write(id, PCI_COMMAND, 2, pci_read(id, PCI_COMMAND, 2) & ~PCI_COMMAND_INTX);
}

void pci_disable_intx(devid_t id)
{
	pci_write(id, PCI_COMMAND, 2, pci_read(id, PCI_COMMAND, 2) | PCI_COMMAND_INTX);
}

bool pci_intx_asserted(devid_t id)
{
	return pci_read(id, PCI_STATUS, 2) & PCI_STATUS_INTX;
}

static void clear_bit_of(devid_t id, uint16_t cap, uint16_t control, uint32_t bit)
{
	uint16_t at = pci_find_ext_cap(id, cap);

	if (at)
		pci_write(id, (uint16_t)(at + control), 2,
			pci_read(id, (uint16_t)(at + control), 2) & ~bit);
}

void pci_disable_ats(devid_t id)
{
	clear_bit_of(id, EXT_CAP_PRI, PRI_CONTROL, PRI_ENABLE);
	clear_bit_of(id, EXT_CAP_ATS, ATS_CONTROL, ATS_ENABLE);
}
