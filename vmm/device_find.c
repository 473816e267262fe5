/* SPDX-License-Identifier: MIT */
/* Devices by the way to them: through bridges, whose numbers of buses the firmware gave out. */
#include "device_find.h"
#include "drivers/pci_regs.h"

static struct pci_device *behind(const struct pci_device *bridge, uint8_t devfn)
{
	if (!bridge || bridge->header_type != PCI_HEADER_BRIDGE)
		return NULL;
	uint32_t bus = pci_read(bridge->id, PCI_SECONDARY_BUS, 1);

	/* 0: not numbered. Its devices answer nowhere. */
	return bus ? pci_find((devid_t)(bus << 8 | devfn)) : NULL;
}

struct pci_device *device_find(const struct config_device *wanted)
{
	if (wanted->naming == DEVICE_BY_ID)
		return pci_find_nth(wanted->vendor, wanted->device, wanted->index);
	struct pci_device *d = pci_find(wanted->bdf);

	for (unsigned i = 0; wanted->naming == DEVICE_BY_PATH && i < wanted->hop_count; i++)
		d = behind(d, wanted->hops[i]);
	return d;
}
