// SPDX-License-Identifier: MIT
/*
 * Configuration space as the guest has it: PCI Local Bus 3.0, "Configuration Space Organization".
 * A register that nobody has shown (vpci_show) reads 0 and takes no write.
 */
#include "assign.h"
#include "base/bits.h"
#include "drivers/msi.h"
#include "drivers/pci_regs.h"
#include "guest/vpci_parts.h"
#include "vm.h"

/* The host bridge: Red Hat's number for one that has no registers, which no driver binds to. */
#define BRIDGE_VENDOR 0x1b36u
#define BRIDGE_DEVICE 0x0008u
#define BRIDGE_CLASS  0x06000000u

#define PIN_INTA 1u

#define COMMAND_BITS                                                                               \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
		PCI_COMMAND_SERR | PCI_COMMAND_INTX)

uint32_t vpci_get(const struct vpci_function *f, unsigned at, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)f->value[at + i] << 8 * i;
	return v;
}

void vpci_put(struct vpci_function *f, unsigned at, unsigned bytes, uint32_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		f->value[at + i] = (uint8_t)(value >> 8 * i);
}

void vpci_show(
	struct vpci_function *f, unsigned at, unsigned bytes, uint32_t value, uint32_t writable)
{
	for (unsigned i = 0; i < bytes; i++) {
		f->initial[at + i] = (uint8_t)(value >> 8 * i);
		f->writable[at + i] = (uint8_t)(writable >> 8 * i);
	}
}

void vpci_config_create(struct vpci_function *f)
{
	const struct pci_device *pci = f->device ? f->device->pci : NULL;

	if (!pci) {
		vpci_show(f, PCI_VENDOR, 4, BRIDGE_DEVICE << 16 | BRIDGE_VENDOR, 0);
		vpci_show(f, PCI_CLASS, 4, BRIDGE_CLASS, 0);
		return;
	}
	/* A virtual function's own numbers read as ones; enumeration knows them. */
	vpci_show(f, PCI_VENDOR, 4, (uint32_t)pci->device << 16 | pci->vendor, 0);
	vpci_show(f, PCI_COMMAND, 2, 0, COMMAND_BITS);
	vpci_show(f, PCI_CLASS, 4, pci_read(pci->id, PCI_CLASS, 4), 0);
	vpci_show(f, PCI_CACHE_LINE, 1, 0, 0xff);
	vpci_show(f, PCI_SUBSYSTEM, 4, pci_read(pci->id, PCI_SUBSYSTEM, 4), 0);
	vpci_show(f, PCI_INTERRUPT_LINE, 1, 0, 0xff);
	if (f->device->line)
		vpci_show(f, PCI_INTERRUPT_PIN, 1, PIN_INTA, 0);
}

static bool touches(unsigned at, unsigned bytes, unsigned first, unsigned length)
{
	return at < first + length && first < at + bytes;
}

/* Pending bits of MSI are the device's; everything else is in the copy. */
static bool is_pending_register(const struct vpci_function *f, unsigned at)
{
	uint32_t control;

	if (!f->msi)
		return false;
	control = vpci_get(f, f->msi + MSI_CONTROL, 2);
	return control & MSI_MASKING &&
	       (at & ~3u) == f->msi + (control & MSI_64BIT ? MSI_MASK_64 : MSI_MASK_32) + 4u;
}

/* Whether the device asserts its pin is the device's as well. */
static uint32_t live_status(const struct vpci_function *f, unsigned at, unsigned bytes)
{
	uint32_t status = PCI_STATUS_INTX;

	if (!touches(at, bytes, PCI_STATUS, 1) || !f->device || !f->device->line ||
		!pci_intx_asserted(f->device->pci->id))
		return 0;
	return at < PCI_STATUS ? status << 8 * (PCI_STATUS - at) : status;
}

uint32_t vpci_config_read(const struct vpci_function *f, unsigned at, unsigned bytes)
{
	if (at >= VPCI_CONFIG)
		return 0;
	if (is_pending_register(f, at))
		return (uint32_t)(msi_pending(f->device->pci) >> 8 * (at & 3) &
				  ~0u >> (32 - 8 * bytes));
	return vpci_get(f, at, bytes) | live_status(f, at, bytes);
}

static void command_changed(struct cpu *here, struct vm *vm, struct vpci_function *f)
{
	if (vpci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER)
		pci_enable_dma(f->device->pci->id);
	else
		pci_disable_dma(f->device->pci->id);
	if (f->device->line && !(vpci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX))
		pci_enable_intx(f->device->pci->id);
	else
		pci_disable_intx(f->device->pci->id);
	vpci_bars_changed(here, vm);
}

static void device_control_changed(struct vpci_function *f)
{
	const uint32_t mask = DEVCTL_ORDER | DEVCTL_READ;
	const struct pci_device *pci = f->device->pci;
	uint16_t at = (uint16_t)(pci->cap_pcie + PCIE_DEVCTL);

	pci_write(pci->id, at, 2,
		(pci_read(pci->id, at, 2) & ~mask) |
			(vpci_get(f, f->pcie + PCIE_DEVCTL, 2) & mask));
}

void vpci_config_write(struct cpu *here, struct vm *vm, struct vpci_function *f, unsigned at,
	unsigned bytes, uint32_t value)
{
	uint32_t before, mask = 0;

	if (at >= VPCI_CONFIG || !f->device)
		return;
	for (unsigned i = 0; i < bytes; i++)
		mask |= (uint32_t)f->writable[at + i] << 8 * i;
	before = vpci_get(f, at, bytes);
	value = (before & ~mask) | (value & mask);
	if (value == before)
		return;
	vpci_put(f, at, bytes, value);
	if (touches(at, bytes, PCI_COMMAND, 2))
		command_changed(here, vm, f);
	else if (touches(at, bytes, PCI_BAR0, 4 * PCI_BARS))
		vpci_bars_changed(here, vm);
	else if (f->msix && touches(at, bytes, f->msix + MSIX_CONTROL, 2))
		vpci_msix_changed(f);
	else if (f->pcie && touches(at, bytes, f->pcie + PCIE_DEVCTL, 2))
		device_control_changed(f);
	else if (f->msi && touches(at, bytes, f->msi, MSI_MASK_64 + 4))
		vpci_msi_changed(here, f);
}
