/* SPDX-License-Identifier: MIT */
/*
 * Which devices there are. Firmware has numbered the buses; each bus that configuration space
 * reaches is looked at, instead of following bridges from bus 0: server boards have several root
 * buses, which only AML names, and an absent bus costs 32 reads.
 */
#include "pci.h"
#include "clock.h"
#include "pci_access.h"
#include "pci_regs.h"
#include <hw/cpu.h>

#define CAPS_MAX 48 /* as many as fit: more is a loop */

#define FLR_WAIT_US    100000 /* PCI Express Base 5.0, "Function Level Reset (FLR)" */
#define FLR_PENDING_US 100000

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

static void add_function(devid_t id, uint32_t header_type)
{
	struct pci_device *d;

	if (device_count == PCI_DEVICES)
		return;
	d = &devices[device_count++];
	*d = (struct pci_device){ .id = id, .header_type = header_type & 0x7f };
	d->vendor = (uint16_t)pci_read(id, PCI_VENDOR, 2);
	d->device = (uint16_t)pci_read(id, PCI_DEVICE, 2);
	d->class_code = pci_read(id, PCI_CLASS, 4) >> 8;
	d->cap_msi = pci_find_cap(id, CAP_MSI);
	d->cap_msix = pci_find_cap(id, CAP_MSIX);
	d->cap_pcie = pci_find_cap(id, CAP_PCIE);
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
			add_function(id, header_type);
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

/* Until the register's pending bit is clear; a device that never comes to rest is reset anyway. */
static void wait_pending(devid_t id, uint16_t reg, unsigned bytes, uint32_t pending)
{
	uint64_t start = cpu_ticks(), ticks = clock_us_to_ticks(FLR_PENDING_US);

	while (pci_read(id, reg, bytes) & pending && cpu_ticks() - start < ticks)
		cpu_pause();
}

/* Sets the reset bit that the function has. */
static err_t start_flr(devid_t id)
{
	uint16_t pcie = pci_find_cap(id, CAP_PCIE), af = pci_find_cap(id, CAP_AF);

	if (pcie && pci_read(id, (uint16_t)(pcie + PCIE_DEVCAP), 4) & DEVCAP_FLR) {
		uint16_t control = (uint16_t)(pcie + PCIE_DEVCTL);

		wait_pending(id, (uint16_t)(pcie + PCIE_DEVSTA), 2, DEVSTA_PENDING);
		pci_write(id, control, 2, pci_read(id, control, 2) | DEVCTL_FLR);
		return OK;
	}
	if (af && pci_read(id, (uint16_t)(af + AF_CAP), 1) & AF_CAP_FLR) {
		wait_pending(id, (uint16_t)(af + AF_STATUS), 1, AF_STATUS_PENDING);
		pci_write(id, (uint16_t)(af + AF_CONTROL), 1, AF_CONTROL_FLR);
		return OK;
	}
	return ERR_UNFIT;
}

err_t pci_flr(devid_t id)
{
	uint32_t bars[PCI_BARS];
	err_t err;

	/* A reset loses the addresses that firmware gave out. The command register stays reset: no
	 * decoding, no DMA, until pci_enable(). */
	for (unsigned i = 0; i < PCI_BARS; i++)
		bars[i] = pci_read(id, (uint16_t)(PCI_BAR0 + 4 * i), 4);
	pci_disable_dma(id);
	err = start_flr(id);
	if (err)
		return err;
	clock_delay_us(FLR_WAIT_US);
	if (pci_read(id, PCI_VENDOR, 2) == 0xffff)
		return ERR_TIMEOUT;
	for (unsigned i = 0; i < PCI_BARS; i++)
		pci_write(id, (uint16_t)(PCI_BAR0 + 4 * i), 4, bars[i]);
	return OK;
}
