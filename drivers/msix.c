// SPDX-License-Identifier: MIT
/* PCI Express Base 5.0, "MSI-X Capability and Table Structures". */
#include "msix.h"
#include "pci_regs.h"
#include <hw/mem.h>
#include <hw/mmio.h>

/* A table entry. */
enum { ENTRY_ADDRESS = 0, ENTRY_HIGH = 4, ENTRY_DATA = 8, ENTRY_CONTROL = 12 };
#define ENTRY_MASKED 1u

static uint32_t control(const struct pci_device *d)
{
	return pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_CONTROL), 2);
}

uint32_t msix_count(const struct pci_device *d)
{
	return d->cap_msix ? (uint32_t)field_get(MSIX_LAST, control(d)) + 1 : 0;
}

static bool good_bar(const struct pci_device *d, unsigned bar, uint64_t offset, uint64_t bytes)
{
	return bar < PCI_BARS && !d->bar[bar].io && d->bar[bar].base &&
	       offset < d->bar[bar].bytes && bytes <= d->bar[bar].bytes - offset;
}

/* Entry n, or NULL where the device's BAR doesn't hold it. */
static volatile uint8_t *entry(const struct pci_device *d, uint32_t n)
{
	uint32_t where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_TABLE), 4);
	uint64_t offset = (where & ~MSIX_BIR) + (uint64_t)n * MSIX_ENTRY_BYTES;
	unsigned bar = where & MSIX_BIR;

	if (n >= msix_count(d) || !good_bar(d, bar, offset, MSIX_ENTRY_BYTES))
		return NULL;
	return phys_to_virt(PHYS(d->bar[bar].base + offset));
}

static err_t program(
	const struct pci_device *d, uint32_t n, struct msi_message m, uint32_t vector_control)
{
	volatile uint8_t *e = entry(d, n);
	uint32_t command = pci_read(d->id, PCI_COMMAND, 2);

	if (!e)
		return ERR_INVALID;
	pci_write(d->id, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
	/* Masked while address and data don't belong together. */
	mmio_write32(e + ENTRY_CONTROL, ENTRY_MASKED);
	mmio_write32(e + ENTRY_ADDRESS, m.address);
	mmio_write32(e + ENTRY_HIGH, 0);
	mmio_write32(e + ENTRY_DATA, m.data);
	mmio_write32(e + ENTRY_CONTROL, vector_control);
	return OK;
}

err_t msix_program(const struct pci_device *d, uint32_t n, struct msi_message m)
{
	return program(d, n, m, 0);
}

err_t msix_hold(const struct pci_device *d, uint32_t n, struct msi_message m)
{
	return program(d, n, m, ENTRY_MASKED);
}

void msix_mask(const struct pci_device *d, uint32_t n)
{
	volatile uint8_t *e = entry(d, n);

	if (!e)
		return;
	mmio_write32(e + ENTRY_CONTROL, ENTRY_MASKED);
	mmio_read32(e + ENTRY_CONTROL);
}

void msix_unmask(const struct pci_device *d, uint32_t n)
{
	volatile uint8_t *e = entry(d, n);

	if (e)
		mmio_write32(e + ENTRY_CONTROL, 0);
}

void msix_set_control(const struct pci_device *d, uint32_t bits)
{
	pci_write(d->id, (uint16_t)(d->cap_msix + MSIX_CONTROL), 2,
		(control(d) & ~(MSIX_ENABLE | MSIX_MASK)) | bits);
}

bool msix_table(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes)
{
	uint32_t where;

	if (!d->cap_msix)
		return false;
	where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_TABLE), 4);
	*bar = where & MSIX_BIR;
	*offset = where & ~MSIX_BIR;
	*bytes = (uint64_t)msix_count(d) * MSIX_ENTRY_BYTES;
	return good_bar(d, *bar, *offset, *bytes);
}

bool msix_table_range(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes)
{
	uint64_t table, table_end, pba, pba_end;
	uint32_t where;

	if (!d->cap_msix)
		return false;
	uint32_t count = msix_count(d);

	where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_TABLE), 4);
	*bar = where & MSIX_BIR;
	table = where & ~MSIX_BIR;
	table_end = table + (uint64_t)count * MSIX_ENTRY_BYTES;
	where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_PBA), 4);
	pba = where & ~MSIX_BIR;
	pba_end = pba + ALIGN_UP(count, 64ull) / 8;
	/* A PBA in another BAR only tells a guest what is pending, and the table is what matters.
	 */
	if ((where & MSIX_BIR) == *bar) {
		table = pba < table ? pba : table;
		table_end = pba_end > table_end ? pba_end : table_end;
	}
	*offset = table;
	*bytes = table_end - table;
	return true;
}
