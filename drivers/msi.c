/* SPDX-License-Identifier: MIT */
#include "msi.h"
#include "msix.h"
#include "pci_regs.h"

#define MSI_WINDOW 0xfee00000u

static uint32_t msi_control(const struct pci_device *d)
{
	return pci_read(d->id, (uint16_t)(d->cap_msi + MSI_CONTROL), 2);
}

uint32_t msi_plain_count(const struct pci_device *d)
{
	return d->cap_msi ? 1u << field_get(MSI_COUNT_LOG2, msi_control(d)) : 0;
}

uint32_t msi_count(const struct pci_device *d)
{
	return d->cap_msix ? msix_count(d) : msi_plain_count(d);
}

/* One address and data for all messages: the device puts n into the low bits of the data. */
static err_t program_msi(const struct pci_device *d, uint32_t n, struct msi_message m)
{
	uint32_t count = msi_plain_count(d), control = msi_control(d);
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

static err_t program(const struct pci_device *d, uint32_t n, struct msi_message m)
{
	if (d->cap_msix)
		return msix_program(d, n, m);
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
	return program(d, n, (struct msi_message){ MSI_WINDOW, irte_index });
}

err_t msi_program_direct(const struct pci_device *d, uint32_t n, apicid_t apicid, uint8_t vector)
{
	/* Fixed, edge, physical; an 8-bit destination is all there is without remapping. */
	if (apicid > 0xff)
		return ERR_INVALID;
	return program(d, n, (struct msi_message){ MSI_WINDOW | apicid << 12, vector });
}

static void set_control(const struct pci_device *d, uint32_t msix, uint32_t msi)
{
	if (d->cap_msix)
		msix_set_control(d, msix);
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

err_t msi_hold(const struct pci_device *d, uint32_t first)
{
	err_t err = OK;

	if (d->cap_msi) {
		err = program_msi(d, 0, (struct msi_message){ MSI_WINDOW, first });
		msi_set(d, 0, 0, ~0u);
	}
	if (d->cap_msix)
		msix_set_control(d, 0);
	for (uint32_t n = 0; n < msix_count(d) && n < MSIX_HELD && !err; n++)
		err = msix_hold(d, n, (struct msi_message){ MSI_WINDOW, first + n });
	return err;
}

/* Where the mask register is; the pending bits are behind it. */
static uint16_t mask_register(const struct pci_device *d, uint32_t control)
{
	return (uint16_t)(d->cap_msi + (control & MSI_64BIT ? MSI_MASK_64 : MSI_MASK_32));
}

void msi_set(const struct pci_device *d, uint32_t enable, uint32_t count_log2, uint32_t masked)
{
	uint32_t control = msi_control(d), on = enable ? MSI_ENABLE : 0;

	control = (uint32_t)field_set(MSI_ENABLE_LOG2, control & ~MSI_ENABLE, count_log2) | on;
	if (control & MSI_MASKING)
		pci_write(d->id, mask_register(d, control), 4, masked);
	pci_write(d->id, (uint16_t)(d->cap_msi + MSI_CONTROL), 2, control);
}

uint32_t msi_pending(const struct pci_device *d)
{
	uint32_t control = msi_control(d);

	if (!(control & MSI_MASKING))
		return 0;
	return pci_read(d->id, (uint16_t)(mask_register(d, control) + 4), 4);
}
