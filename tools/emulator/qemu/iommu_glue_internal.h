/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the IOMMU glue. */
#ifndef REVEILLE_IOMMU_GLUE_INTERNAL_H
#define REVEILLE_IOMMU_GLUE_INTERNAL_H

#include "hw/i386/x86-iommu.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_device.h"
#include "../model/iommu.h"

#define TYPE_REVEILLE_IOMMU "amd-iommu"
OBJECT_DECLARE_SIMPLE_TYPE(ReveilleIommu, REVEILLE_IOMMU)

#define TYPE_REVEILLE_IOMMU_PCI "amd-iommu-pci"
OBJECT_DECLARE_SIMPLE_TYPE(ReveilleIommuPci, REVEILLE_IOMMU_PCI)

/* The PCI function that carries the capability block. */
struct ReveilleIommuPci {
	PCIDevice parent;
	struct iommu *model; /* NULL until the device is realized */
};

struct ReveilleIommu {
	X86IOMMUState parent;
	ReveilleIommuPci pci;
	struct iommu_config cfg; /* the properties */
	struct iommu *model;
	MemoryRegion mmio;
	GHashTable *spaces; /* IommuSpace by (PCIBus *, devfn) */
	QEMUTimer *later;
	uint64_t random;
	uint32_t seed;
	bool aliases; /* the IVRS names them */
};

/* iommu_space.c: what a device sees of the machine */
AddressSpace *iommu_space_get(PCIBus *bus, void *opaque, int devfn);
void iommu_space_unmap(void *opaque, uint64_t iova, uint64_t last);
GHashTable *iommu_spaces_new(void);

#endif
