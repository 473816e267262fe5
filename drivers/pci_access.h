/* SPDX-License-Identifier: MIT */
/* Between the parts of the PCI driver. */
#ifndef DRIVERS_PCI_ACCESS_H
#define DRIVERS_PCI_ACCESS_H

#include "pci.h"

/* pci_config.c. ERR_UNFIT: neither ECAM nor the ports. */
err_t pci_config_init(void) MUST_USE;
bool pci_config_reaches(uint32_t bus);

/* pci_bar.c: sizes all BARs of a function of header type 0, with decoding off meanwhile. */
void pci_size_bars(struct pci_device *d);
/* The same for six registers from first on, which don't decode. */
void pci_size_registers(devid_t id, uint16_t first, struct pci_bar bars[PCI_BARS]);

#define PCI_PATH_MAX 32 /* bridges on the way to the root: more is a ring */
/* pci_bridge.c: the device or port type, or PCIE_TYPE_NONE. */
uint32_t pci_express_type(const struct pci_device *d);

/* pci.c: a function more, with its capabilities and without BARs; NULL: there are too many. */
struct pci_device *pci_add_function(devid_t id, uint16_t vendor, uint16_t device);

#endif
