/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "pci.h"
#include "pci_regs.h"
#include <hw/cpu.h>

#define FLR_WAIT_US    100000 /* PCI Express Base 5.0, "Function Level Reset (FLR)" */
#define FLR_PENDING_US 100000

/* Until the register's pending bit is clear; a device that never comes to rest is reset anyway. */
static void wait_pending(devid_t id, uint16_t reg, unsigned bytes, uint32_t pending)
{
	uint64_t start = cpu_ticks(), ticks = clock_us_to_ticks(FLR_PENDING_US);

	while (pci_read(id, reg, bytes) & pending && cpu_ticks() - start < ticks)
		cpu_pause();
}

/* Sets the reset bit that the function has. */
static err_t start_flr(devid_t id)
{
	uint16_t pcie = pci_find_cap(id, CAP_PCIE), af = pci_find_cap(id, CAP_AF);

	if (pcie && pci_read(id, (uint16_t)(pcie + PCIE_DEVCAP), 4) & DEVCAP_FLR) {
		uint16_t control = (uint16_t)(pcie + PCIE_DEVCTL);

		wait_pending(id, (uint16_t)(pcie + PCIE_DEVSTA), 2, DEVSTA_PENDING);
		pci_write(id, control, 2, pci_read(id, control, 2) | DEVCTL_FLR);
		return OK;
	}
	if (af && pci_read(id, (uint16_t)(af + AF_CAP), 1) & AF_CAP_FLR) {
		wait_pending(id, (uint16_t)(af + AF_STATUS), 1, AF_STATUS_PENDING);
		pci_write(id, (uint16_t)(af + AF_CONTROL), 1, AF_CONTROL_FLR);
		return OK;
	}
	return ERR_UNFIT;
}

err_t pci_flr(devid_t id)
{
	uint32_t bars[PCI_BARS];
	err_t err;

	/* A reset loses the addresses that firmware gave out. The command register stays reset: no
	 * decoding, no DMA, until pci_enable(). */
	for (unsigned i = 0; i < PCI_BARS; i++)
		bars[i] = pci_read(id, (uint16_t)(PCI_BAR0 + 4 * i), 4);
	pci_disable_dma(id);
	err = start_flr(id);
	if (err)
		return err;
	clock_delay_us(FLR_WAIT_US);
	/* Not the vendor, which reads as ones from a virtual function anyway. */
	if (pci_read(id, PCI_CLASS, 4) == ~0u)
		return ERR_TIMEOUT;
	for (unsigned i = 0; i < PCI_BARS; i++)
		pci_write(id, (uint16_t)(PCI_BAR0 + 4 * i), 4, bars[i]);
	return OK;
}
