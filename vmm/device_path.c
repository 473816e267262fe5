/* SPDX-License-Identifier: MIT */
/* The way to a device, for who writes a configuration. */
#include "device_find.h"
#include "drivers/pci.h"

bool device_path(devid_t id, struct config_device *path)
{
	const struct pci_device *bridge;

	*path = (struct config_device){ .naming = DEVICE_BY_PATH };
	for (bridge = pci_bridge_to(id >> 8); bridge; bridge = pci_bridge_to(id >> 8)) {
		/* From the end: the others make room. */
		if (path->hop_count == CONFIG_HOPS)
			return false;
		for (unsigned i = path->hop_count++; i > 0; i--)
			path->hops[i] = path->hops[i - 1];
		path->hops[0] = (uint8_t)id;
		id = bridge->id;
	}
	path->bdf = id;
	return true;
}
