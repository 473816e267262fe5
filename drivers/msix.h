/* SPDX-License-Identifier: MIT */
/* The MSI-X capability and its table, which lies in one of the device's BARs. */
#ifndef DRIVERS_MSIX_H
#define DRIVERS_MSIX_H

#include "pci.h"

#define MSIX_ENTRY_BYTES 16
#define MSIX_HELD        256u /* messages that msi_hold() programs: all that a guest gets */

struct msi_message {
	uint32_t address, data;
};

/* How many entries the table has; 0: no MSI-X. */
uint32_t msix_count(const struct pci_device *d);
/* Entry n := m, unmasked, or masked. ERR_INVALID: no BAR of the device holds that entry. */
err_t msix_program(const struct pci_device *d, uint32_t n, struct msi_message m) MUST_USE;
err_t msix_hold(const struct pci_device *d, uint32_t n, struct msi_message m) MUST_USE;
/* Entry n, which msix_hold() has programmed. After msix_mask() no further message of the entry is
 * under way in the device: what it had sent has gone ahead of the answer to a read. */
void msix_mask(const struct pci_device *d, uint32_t n);
void msix_unmask(const struct pci_device *d, uint32_t n);
/* MSIX_ENABLE and MSIX_MASK (pci_regs.h) become these. */
void msix_set_control(const struct pci_device *d, uint32_t bits);
/* Where the table is: BAR, byte range. False: no MSI-X, or no BAR of the device holds it. */
bool msix_table(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes);
/* The BAR and byte range that hold the table and, when it is in the same BAR, the PBA. */
bool msix_table_range(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes);

#endif
