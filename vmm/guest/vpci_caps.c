// SPDX-License-Identifier: MIT
/*
 * Capabilities on the whitelist stay at their offsets; the others leave the chain, and their
 * registers read 0. Nothing of the extended configuration space is shown: no ATS, no SR-IOV, no
 * ACS. Also left out: VPD (a write to it could change the card's memory), AF and the reset bit of
 * PCI Express (the host resets devices, between owners).
 */
#include "assign.h"
#include "base/bits.h"
#include "drivers/pci_regs.h"
#include "guest/vpci_parts.h"

#define CAPS_FIRST   0x40u
#define CAPS_MAX     48
#define PM_BYTES     8
#define MSI_BYTES    10 /* the shortest form */
#define MSIX_BYTES   12
#define PCIE_BYTES   12 /* up to the status; links, slots and what came later aren't shown */
#define VENDOR_LEAST 3

/* The vendor's capability through which a driver reaches any register of a BAR: Virtio 1.2, "PCI
 * configuration access capability". */
#define VIRTIO_VENDOR   0x1af4
#define VIRTIO_CFG_TYPE 3
#define VIRTIO_CFG_PCI  5

static uint32_t hw(const struct vpci_function *f, unsigned at, unsigned bytes)
{
	return pci_read(f->device->pci->id, (uint16_t)at, bytes);
}

/* It believes it could sleep: the device stays in D0, where its registers keep their values. */
static unsigned show_pm(struct vpci_function *f, unsigned at)
{
	vpci_show(f, at + PM_CAPABILITIES, 2, hw(f, at + PM_CAPABILITIES, 2) & PM_VERSION, 0);
	vpci_show(f, at + PM_CONTROL, 2, PM_NO_SOFT_RESET, PM_STATE);
	return PM_BYTES;
}

static unsigned show_msi(struct vpci_function *f, unsigned at)
{
	uint32_t control =
		hw(f, at + MSI_CONTROL, 2) & (uint32_t)(MSI_COUNT_LOG2 | MSI_64BIT | MSI_MASKING);
	unsigned wide = control & MSI_64BIT ? 4 : 0;

	if (f->msi || at + MSI_MASK_64 + 8 > VPCI_CONFIG)
		return 0;
	f->msi = (uint8_t)at;
	vpci_show(f, at + MSI_CONTROL, 2, control, MSI_ENABLE | (uint32_t)MSI_ENABLE_LOG2);
	vpci_show(f, at + MSI_ADDRESS, 4, 0, ~3u);
	if (wide)
		vpci_show(f, at + MSI_HIGH_64, 4, 0, ~0u);
	vpci_show(f, at + MSI_DATA_32 + wide, 2, 0, 0xffff);
	if (control & MSI_MASKING)
		vpci_show(f, at + MSI_MASK_32 + wide, 4, 0, ~0u);
	return MSI_BYTES + wide;
}

static unsigned show_msix(struct vpci_function *f, unsigned at)
{
	if (f->msix || !f->message_count)
		return 0;
	f->msix = (uint8_t)at;
	vpci_show(f, at + MSIX_CONTROL, 2, f->message_count - 1, MSIX_ENABLE | MSIX_MASK);
	vpci_show(f, at + MSIX_TABLE, 4, hw(f, at + MSIX_TABLE, 4), 0);
	vpci_show(f, at + MSIX_PBA, 4, hw(f, at + MSIX_PBA, 4), 0);
	return MSIX_BYTES;
}

/* There is no root port above it, so it is an endpoint of the root complex, without a link. */
static unsigned show_pcie(struct vpci_function *f, unsigned at)
{
	uint32_t flags = hw(f, at + PCIE_FLAGS, 2) & PCIE_FLAGS_VERSION;

	if (f->pcie)
		return 0;
	f->pcie = (uint8_t)at;
	vpci_show(f, at + PCIE_FLAGS, 2,
		(uint32_t)field_set(PCIE_FLAGS_TYPE, flags, PCIE_TYPE_RCIEP), 0);
	vpci_show(f, at + PCIE_DEVCAP, 4, hw(f, at + PCIE_DEVCAP, 4) & ~(uint32_t)DEVCAP_FLR, 0);
	vpci_show(f, at + PCIE_DEVCTL, 2, hw(f, at + PCIE_DEVCTL, 2),
		DEVCTL_ORDER | (uint32_t)DEVCTL_READ);
	return PCIE_BYTES;
}

/* As it was at boot. A device whose driver needs to write one doesn't work. */
static unsigned show_vendor(struct vpci_function *f, unsigned at)
{
	unsigned bytes = hw(f, at + 2, 1);

	if (bytes < VENDOR_LEAST || at + bytes > VPCI_CONFIG)
		return 0;
	if (f->device->pci->vendor == VIRTIO_VENDOR &&
		hw(f, at + VIRTIO_CFG_TYPE, 1) == VIRTIO_CFG_PCI)
		return 0;
	for (unsigned i = 2; i < bytes; i++)
		vpci_show(f, at + i, 1, hw(f, at + i, 1), 0);
	return bytes;
}

/* 0: not shown. */
static unsigned show(struct vpci_function *f, unsigned at, uint8_t kind)
{
	switch (kind) {
	case CAP_PM:
		return at + PM_BYTES > VPCI_CONFIG ? 0 : show_pm(f, at);
	case CAP_MSI:
		return show_msi(f, at);
	case CAP_MSIX:
		return at + MSIX_BYTES > VPCI_CONFIG ? 0 : show_msix(f, at);
	case CAP_PCIE:
		return at + PCIE_BYTES > VPCI_CONFIG ? 0 : show_pcie(f, at);
	case CAP_VENDOR:
		return show_vendor(f, at);
	default:
		return 0;
	}
}

void vpci_caps_create(struct vpci_function *f)
{
	unsigned link = PCI_CAPABILITIES, at;

	if (!(hw(f, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return;
	at = hw(f, PCI_CAPABILITIES, 1) & 0xfcu;
	for (unsigned i = 0; i < CAPS_MAX && at >= CAPS_FIRST; i++) {
		uint32_t head = hw(f, at, 2);

		if (f->initial[at])
			break; /* a loop */
		if (show(f, at, (uint8_t)head)) {
			vpci_show(f, link, 1, at, 0);
			vpci_show(f, at, 2, head & 0xff, 0);
			link = at + 1;
		}
		at = head >> 8 & 0xfcu;
	}
	if (link != PCI_CAPABILITIES)
		vpci_show(f, PCI_STATUS, 2, PCI_STATUS_CAPS, 0);
}
