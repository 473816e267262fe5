// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The capabilities in the IOMMU's PCI configuration space: the IOMMU capability block at
 * 40h, MSI (64-bit, two messages) at 60h and the HyperTransport MSI mapping at 70h.
 * 48882 rev 3.11, "IOMMU PCI Resources".
 */
#include "iommu_internal.h"

#define MSI_NUM_EVENT 0u
#define MSI_NUM_GA    1u
#define MSI_WANTED    1u /* log2 of the messages asked for */
#define VA_BITS       64u
#define PA_BITS       48u
#define GVA_48_BITS   2u

static uint32_t cap_word(const struct iommu *u, uint32_t offset)
{
	switch (offset - IOMMU_CAP_FIRST) {
	case 0x00: /* CapExt, EFRSup, revision 1, type 3, next 60h, ID 0Fh */
		return 1u << 28 | 1u << 27 | 1u << 19 | 3u << 16 | 0x60u << 8 | 0x0f;
	case 0x04:
		return (uint32_t)u->pci.base | u->pci.locked;
	case 0x08:
		return (uint32_t)(u->pci.base >> 32);
	case 0x10:
		return (VA_BITS & 0x7f) << 15 | PA_BITS << 8 | GVA_48_BITS << 5 | MSI_NUM_EVENT;
	case 0x14:
		return MSI_NUM_GA;
	default:
		return 0;
	}
}

bool iommu_pci_read(const struct iommu *u, uint32_t offset, uint32_t *value)
{
	if (offset >= IOMMU_CAP_FIRST && offset < IOMMU_CAP_FIRST + 0x18) {
		*value = cap_word(u, offset);
		return true;
	}
	switch (offset) {
	case 0x60: /* 64-bit addresses, next 70h, ID 05h */
		*value = (uint32_t)(u->pci.msi_control | MSI_WANTED << 1 | 1u << 7) << 16 |
			 0x70u << 8 | 0x05;
		return true;
	case 0x64:
		*value = u->pci.msi_addr_lo;
		return true;
	case 0x68:
		*value = u->pci.msi_addr_hi;
		return true;
	case 0x6c:
		*value = u->pci.msi_data;
		return true;
	case 0x70: /* type A8h (MSI mapping), fixed address, enabled, ID 08h */
		*value = 0xa803u << 16 | 0x08;
		return true;
	default:
		return false;
	}
}

static void write_base(struct iommu *u, uint32_t offset, uint32_t value, uint32_t mask)
{
	if (u->pci.locked) {
		/* Writing the value that is there does no harm; PCI scans do it. */
		if ((cap_word(u, offset) ^ value) & mask)
			STRICT(u, "IOMMU capability: base address written while locked");
		return;
	}
	if (offset == IOMMU_CAP_FIRST + 8) {
		u->pci.base = (uint32_t)u->pci.base |
			      (uint64_t)((uint32_t)(u->pci.base >> 32 & ~mask) | (value & mask))
				      << 32;
		return;
	}
	u->pci.base = (u->pci.base & ~(uint64_t)(mask & 0xffffc000)) | (value & mask & 0xffffc000);
	u->pci.locked = value & mask & 1;
}

bool iommu_pci_write(struct iommu *u, uint32_t offset, uint32_t value, uint32_t mask)
{
	uint32_t old;

	if (!iommu_pci_read(u, offset, &old))
		return false;
	uint32_t merged = (old & ~mask) | (value & mask);

	switch (offset) {
	case 0x44:
	case 0x48:
		write_base(u, offset, value, mask);
		break;
	case 0x60: /* enable and the number of messages granted, no more than asked for */
		u->pci.msi_control = (uint16_t)(merged >> 16 & 0x71);
		if ((u->pci.msi_control >> 4 & 7) > MSI_WANTED)
			STRICT(u, "MSI: more messages granted than asked for");
		break;
	case 0x64:
		u->pci.msi_addr_lo = merged & ~3u;
		break;
	case 0x68:
		u->pci.msi_addr_hi = merged;
		break;
	case 0x6c:
		u->pci.msi_data = merged & 0xffff;
		break;
	default: /* read-only */
		break;
	}
	return true;
}
