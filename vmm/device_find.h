/* SPDX-License-Identifier: MIT */
#ifndef VMM_DEVICE_FIND_H
#define VMM_DEVICE_FIND_H

#include "config.h"
#include "drivers/pci.h"

/* The function that a configuration names; NULL: none. After pci_init(). */
struct pci_device *device_find(const struct config_device *wanted);
/* Its path, from a device of a root bus downwards. False: longer than CONFIG_HOPS. */
bool device_path(devid_t id, struct config_device *path);

#endif
