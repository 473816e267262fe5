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
/* How many messages plain MSI has, whether there is MSI-X or not. */
uint32_t msi_plain_count(const struct pci_device *d);

/* For a guest that believes it programs its messages itself: message n of MSI-X and of MSI selects
 * IRTE first + n (first as in msi_program()) for good, all are masked and both capabilities are
 * off. What the guest may then change is below and in msix.h: no address and no data of its choice
 * ever reaches the device. */
err_t msi_hold(const struct pci_device *d, uint32_t first) MUST_USE;
/* MSI alone: off or on, 1 << count_log2 messages, mask bits (where it has some). */
void msi_set(const struct pci_device *d, uint32_t enable, uint32_t count_log2, uint32_t masked);
/* MSI alone: pending bits. */
uint32_t msi_pending(const struct pci_device *d);

void msi_enable(const struct pci_device *d);
void msi_disable(const struct pci_device *d);

#endif
