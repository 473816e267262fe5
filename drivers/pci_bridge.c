/* SPDX-License-Identifier: MIT */
/* What lies between a device and the root, and by what ID the IOMMU therefore knows its requests.
 */
#include "pci.h"
#include "pci_access.h"
#include "pci_regs.h"

const struct pci_device *pci_bridge_to(uint32_t bus)
{
	for (uint32_t i = 0; bus && i < pci_count(); i++) {
		const struct pci_device *d = pci_by_index(i);

		if (d->header_type == PCI_HEADER_BRIDGE &&
			pci_read(d->id, PCI_SECONDARY_BUS, 1) == bus)
			return d;
	}
	return NULL;
}

/* Conventional PCI has no requester IDs: a bridge to it gives all requests one. To PCI Express: its
 * secondary bus, device 0 (PCI Express to PCI/PCI-X Bridge Specification 1.0, "Requester ID"); a
 * bridge between conventional buses: its own. */
static devid_t bridge_id(const struct pci_device *bridge)
{
	return bridge->cap_pcie ? (devid_t)(pci_read(bridge->id, PCI_SECONDARY_BUS, 1) << 8)
				: bridge->id;
}

uint32_t pci_express_type(const struct pci_device *d)
{
	uint32_t caps = pci_read(d->id, (uint16_t)(d->cap_pcie + PCIE_FLAGS), 2);

	return d->cap_pcie ? (uint32_t)field_get(PCIE_FLAGS_TYPE, caps) : PCIE_TYPE_NONE;
}

static bool to_conventional(const struct pci_device *bridge)
{
	return !bridge->cap_pcie || pci_express_type(bridge) == PCIE_TYPE_TO_PCI;
}

devid_t pci_wire_id(devid_t dev)
{
	const struct pci_device *bridge = pci_bridge_to(dev >> 8);
	devid_t id = dev;

	/* The one next to the root has the last word. */
	for (unsigned i = 0; bridge && i < PCI_PATH_MAX; i++) {
		if (to_conventional(bridge))
			id = bridge_id(bridge);
		bridge = pci_bridge_to(bridge->id >> 8);
	}
	return id;
}
