/* SPDX-License-Identifier: MIT */
/* MSI and MSI-X of a device. The message always goes through interrupt remapping: data is the
 * IRTE's index, address FEE0_0000h. */
#ifndef DRIVERS_MSI_H
#define DRIVERS_MSI_H

#include "pci.h"

/* How many messages the device has (MSI-X before MSI); 0: only INTx. */
uint32_t msi_count(const struct pci_device *d);
/* Message n -> IRTE index; unmasked. MSI: n consecutive from 0, index aligned. */
err_t msi_program(const struct pci_device *d, uint32_t n, uint32_t irte_index) MUST_USE;
/* Without remapping (machines without an IOMMU): straight to a host vector. */
err_t msi_program_direct(
	const struct pci_device *d, uint32_t n, apicid_t apicid, uint8_t vector) MUST_USE;
void msi_enable(const struct pci_device *d);
void msi_disable(const struct pci_device *d);
/* The BAR and byte range that hold the MSI-X table and PBA: not for guests. false: no MSI-X. */
bool msix_table_range(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes);

#endif
