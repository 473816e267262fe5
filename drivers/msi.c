/* SPDX-License-Identifier: MIT */
#include "msi.h"
#include "pci_regs.h"
#include <hw/mem.h>
#include <hw/mmio.h>

#define MSI_WINDOW 0xfee00000u

/* An MSI-X table entry. */
#define ENTRY_BYTES   16
#define ENTRY_ADDRESS 0
#define ENTRY_HIGH    4
#define ENTRY_DATA    8
#define ENTRY_CONTROL 12
#define ENTRY_MASKED  1u

struct message {
	uint32_t address, data;
};

static uint32_t msi_control(const struct pci_device *d)
{
	return pci_read(d->id, (uint16_t)(d->cap_msi + MSI_CONTROL), 2);
}

static uint32_t msix_control(const struct pci_device *d)
{
	return pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_CONTROL), 2);
}

uint32_t msi_count(const struct pci_device *d)
{
	if (d->cap_msix)
		return (uint32_t)field_get(MSIX_LAST, msix_control(d)) + 1;
	if (d->cap_msi)
		return 1u << field_get(MSI_COUNT_LOG2, msi_control(d));
	return 0;
}

static bool good_bar(const struct pci_device *d, unsigned bar, uint64_t offset, uint64_t bytes)
{
	return bar < PCI_BARS && !d->bar[bar].io && d->bar[bar].base &&
	       offset < d->bar[bar].bytes && bytes <= d->bar[bar].bytes - offset;
}

/* Entry n of the MSI-X table, or NULL where the device's BAR doesn't hold it. */
static volatile uint8_t *msix_entry(const struct pci_device *d, uint32_t n)
{
	uint32_t where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_TABLE), 4);
	uint64_t offset = (where & ~MSIX_BIR) + (uint64_t)n * ENTRY_BYTES;
	unsigned bar = where & MSIX_BIR;

	if (n >= msi_count(d) || !good_bar(d, bar, offset, ENTRY_BYTES))
		return NULL;
	return phys_to_virt(PHYS(d->bar[bar].base + offset));
}

static err_t program_msix(const struct pci_device *d, uint32_t n, struct message m)
{
	volatile uint8_t *e = msix_entry(d, n);
	uint32_t command = pci_read(d->id, PCI_COMMAND, 2);

	if (!e)
		return ERR_INVALID;
	pci_write(d->id, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
	/* Masked while address and data don't belong together. */
	mmio_write32(e + ENTRY_CONTROL, ENTRY_MASKED);
	mmio_write32(e + ENTRY_ADDRESS, m.address);
	mmio_write32(e + ENTRY_HIGH, 0);
	mmio_write32(e + ENTRY_DATA, m.data);
	mmio_write32(e + ENTRY_CONTROL, 0);
	return OK;
}

/* One address and data for all messages: the device puts n into the low bits of the data. */
static err_t program_msi(const struct pci_device *d, uint32_t n, struct message m)
{
	uint32_t count = msi_count(d), control = msi_control(d);
	uint16_t at = (uint16_t)(d->cap_msi + MSI_ADDRESS);

	if (n >= count || m.data < n || (m.data - n) & (count - 1))
		return ERR_INVALID;
	pci_write(d->id, at, 4, m.address);
	at = (uint16_t)(at + 4);
	if (control & MSI_64BIT) {
		pci_write(d->id, at, 4, 0);
		at = (uint16_t)(at + 4);
	}
	pci_write(d->id, at, 2, m.data - n);
	if (control & MSI_MASKING) {
		uint16_t mask = (uint16_t)(at + 4);

		pci_write(d->id, mask, 4, pci_read(d->id, mask, 4) & ~(1u << n));
	}
	control = (uint32_t)field_set(MSI_ENABLE_LOG2, control, (uint64_t)__builtin_ctz(count));
	pci_write(d->id, (uint16_t)(d->cap_msi + MSI_CONTROL), 2, control);
	return OK;
}

static err_t program(const struct pci_device *d, uint32_t n, struct message m)
{
	if (d->cap_msix)
		return program_msix(d, n, m);
	if (d->cap_msi)
		return program_msi(d, n, m);
	return ERR_UNFIT;
}

err_t msi_program(const struct pci_device *d, uint32_t n, uint32_t irte_index)
{
	/* Data 10:0 is the index, address 19:2 doesn't matter (48882 rev 3.11, "Interrupt
	 * Remapping Tables"). */
	if (irte_index > 0x7ff)
		return ERR_INVALID;
	return program(d, n, (struct message){ MSI_WINDOW, irte_index });
}

err_t msi_program_direct(const struct pci_device *d, uint32_t n, apicid_t apicid, uint8_t vector)
{
	/* Fixed, edge, physical; an 8-bit destination is all there is without remapping. */
	if (apicid > 0xff)
		return ERR_INVALID;
	return program(d, n, (struct message){ MSI_WINDOW | apicid << 12, vector });
}

static void set_control(const struct pci_device *d, uint32_t msix, uint32_t msi)
{
	if (d->cap_msix)
		pci_write(d->id, (uint16_t)(d->cap_msix + MSIX_CONTROL), 2,
			(msix_control(d) & ~(MSIX_ENABLE | MSIX_MASK)) | msix);
	else if (d->cap_msi)
		pci_write(d->id, (uint16_t)(d->cap_msi + MSI_CONTROL), 2,
			(msi_control(d) & ~MSI_ENABLE) | msi);
}

void msi_enable(const struct pci_device *d)
{
	set_control(d, MSIX_ENABLE, MSI_ENABLE);
}

void msi_disable(const struct pci_device *d)
{
	set_control(d, 0, 0);
}

bool msix_table_range(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes)
{
	uint64_t table, table_end, pba, pba_end;
	uint32_t where;

	if (!d->cap_msix)
		return false;
	uint32_t count = msi_count(d);

	where = pci_read(d->id, (uint16_t)(d->cap_msix + MSIX_TABLE), 4);
	*bar = where & MSIX_BIR;
	table = where & ~MSIX_BIR;
	table_end = table + (uint64_t)count * ENTRY_BYTES;
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
