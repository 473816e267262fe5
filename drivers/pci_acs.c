/* SPDX-License-Identifier: MIT */
/*
 * Who can reach whom before an IOMMU sees it. A request goes to the function whose BAR it names by
 * the shortest way, unless a capability on that way sends it up to the root complex first: PCI
 * Express Base 5.0, "Access Control Services (ACS)".
 */
#include "base/log.h"
#include "pci.h"
#include "pci_access.h"
#include "pci_regs.h"

#define VENDOR_VF 0xffffu /* what the register of a virtual function holds */

bool pci_acs_on(const struct pci_device *d)
{
	uint16_t control = (uint16_t)(d->cap_acs + ACS_CONTROL);

	if (!d->cap_acs)
		return true;
	/* What it lacks it has no need of: "ACS Capability Register". */
	uint32_t on = pci_read(d->id, (uint16_t)(d->cap_acs + ACS_CAP), 2) & ACS_ISOLATES;

	pci_write(d->id, control, 2, (pci_read(d->id, control, 2) & ~ACS_DIRECT_TRANSLATED) | on);
	return (pci_read(d->id, control, 2) & (ACS_DIRECT_TRANSLATED | ACS_ISOLATES)) == on;
}

void pci_enable_acs(void)
{
	for (uint32_t i = 0; i < pci_count(); i++) {
		struct pci_device *d = pci_by_index(i);

		if (pci_acs_on(d))
			continue;
		log_warn("device %02x:%02x.%x: its ACS can't be turned on", d->id >> 8,
			d->id >> 3 & 31, d->id & 7);
		d->cap_acs = 0;
	}
}

/* Older than ACS, but by its maker's word its functions have no way to each other. */
static bool known_apart(const struct pci_device *d)
{
	static const uint16_t intel_82576[] = { 0x10c9, 0x10e6, 0x10e7, 0x10e8, 0x150a, 0x150d,
		0x1518, 0x1526 };

	for (unsigned i = 0; i < ARRAY_COUNT(intel_82576); i++)
		if (d->vendor == 0x8086 && d->device == intel_82576[i])
			return true;
	return false;
}

/* A function that could reach others of its device must have the capability; but a device may be
 * older than this rule. One with virtual functions isn't. */
static bool redirects(const struct pci_device *d)
{
	return d->cap_acs || known_apart(d) || pci_read(d->id, PCI_VENDOR, 2) == VENDOR_VF;
}

static const struct pci_device *above(const struct pci_device *d)
{
	return pci_bridge_to(d->id >> 8);
}

/* The function itself or a bridge above it, whichever is on the bus. */
static const struct pci_device *on_bus(uint32_t bus, devid_t dev)
{
	const struct pci_device *d = pci_find(dev);

	for (unsigned i = 0; d && i < PCI_PATH_MAX; i++, d = above(d))
		if (d->id >> 8 == bus)
			return d;
	return NULL;
}

/* Between slots of a root bus there is the root complex; between the functions of a device, and
 * between the ports of a switch, only what they do by themselves. Conventional functions can't. */
static bool apart_on_bus(const struct pci_device *x, const struct pci_device *y)
{
	if (!above(x) && x->id >> 3 != y->id >> 3)
		return true;
	return redirects(x) && redirects(y);
}

/* Does no port on the way from the bus to the root send back down what came up? */
static bool leads_to_root(const struct pci_device *bridge)
{
	for (unsigned i = 0; bridge && i < PCI_PATH_MAX; i++, bridge = above(bridge))
		if (pci_express_type(bridge) != PCIE_TYPE_UPSTREAM && !redirects(bridge))
			return false;
	return !bridge;
}

bool pci_apart(devid_t a, devid_t b)
{
	const struct pci_device *x = pci_find(a);

	for (unsigned i = 0; x && i < PCI_PATH_MAX; i++, x = above(x)) {
		const struct pci_device *y = on_bus(x->id >> 8, b);

		if (y)
			return apart_on_bus(x, y) && leads_to_root(above(x));
	}
	return !x; /* on root buses of their own */
}
