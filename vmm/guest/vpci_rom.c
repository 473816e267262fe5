// SPDX-License-Identifier: MIT
/*
 * A device's expansion ROM ("rom = yes"): a copy, made before the guest starts, because a ROM may
 * share its address decoder with the BARs (PCI Local Bus 3.0, "Expansion ROM Base Address
 * Register") and firmware leaves it without an address. Where the guest puts it inside the window
 * below 4 GiB, reads are trapped and answered from the copy; writes do nothing.
 */
#include "assign.h"
#include "base/log.h"
#include "drivers/pci_regs.h"
#include "guest/vpci_parts.h"
#include "page.h"
#include "vm.h"
#include <hw/mem.h>
#include <hw/mmio.h>

#define ROM_MOST (16 * MIB) /* what the register can ask for */

/* A BAR whose place the ROM can have for a moment; -1: none. */
static int lender(const struct pci_device *pci, uint64_t bytes)
{
	for (int n = 0; n < PCI_BARS; n++) {
		const struct pci_bar *bar = &pci->bar[n];

		if (!bar->io && bar->base && bar->bytes >= bytes &&
			bar->base + bar->bytes <= 4 * GIB)
			return n;
	}
	return -1;
}

static void copy_words(uint32_t *to, uint64_t from, uint64_t bytes)
{
	const volatile uint32_t *p = phys_to_virt(PHYS(from));

	for (uint64_t i = 0; i < bytes / sizeof(*to); i++)
		to[i] = mmio_read32(p + i);
}

/* Nobody uses the device yet. Its BAR is at 0 meanwhile, where RAM answers. */
static void copy_rom(const struct pci_device *pci, unsigned n, uint32_t *to, uint64_t bytes)
{
	uint16_t reg = (uint16_t)(PCI_BAR0 + 4 * n);
	uint32_t command = pci_read(pci->id, PCI_COMMAND, 2), low = pci_read(pci->id, reg, 4);
	uint32_t rom = pci_read(pci->id, PCI_ROM, 4);

	pci_write(pci->id, PCI_COMMAND, 2, command & ~PCI_COMMAND_MEMORY);
	pci_write(pci->id, reg, 4, 0);
	pci_write(pci->id, PCI_ROM, 4, (uint32_t)pci->bar[n].base | ROM_ENABLE);
	pci_write(pci->id, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
	copy_words(to, pci->bar[n].base, bytes);
	pci_write(pci->id, PCI_COMMAND, 2, command & ~PCI_COMMAND_MEMORY);
	pci_write(pci->id, PCI_ROM, 4, rom & ~ROM_ENABLE);
	pci_write(pci->id, reg, 4, low);
	pci_write(pci->id, PCI_COMMAND, 2, command);
}

/* 0: it has none. */
static uint64_t size_rom(const struct pci_device *pci)
{
	uint32_t old = pci_read(pci->id, PCI_ROM, 4), sticks;

	pci_write(pci->id, PCI_ROM, 4, (uint32_t)ROM_ADDRESS);
	sticks = pci_read(pci->id, PCI_ROM, 4) & (uint32_t)ROM_ADDRESS;
	pci_write(pci->id, PCI_ROM, 4, old & ~ROM_ENABLE);
	return sticks ? ~sticks + 1u : 0;
}

err_t vpci_rom_create(struct vpci_function *f)
{
	const struct pci_device *pci = f->device->pci;
	uint64_t bytes = f->device->vm->config->rom ? size_rom(pci) : 0;
	int n = lender(pci, bytes);

	/* A mask that makes no sense is no ROM's either. */
	if (!bytes || bytes > ROM_MOST || bytes & (bytes - 1))
		return OK;
	if (n < 0) {
		log_warn("device %02x:%02x.%x: its ROM is larger than its BARs: not shown",
			pci->id >> 8, pci->id >> 3 & 31, pci->id & 7);
		return OK;
	}
	phys_t copy = page_alloc((bytes + PAGE_MASK) / PAGE_BYTES, 1);

	if (copy.v == PHYS_NONE.v)
		return ERR_NOMEM;
	f->rom = phys_to_virt(copy);
	f->rom_bytes = (uint32_t)bytes;
	copy_rom(pci, (unsigned)n, phys_to_virt(copy), bytes);
	vpci_show(f, PCI_ROM, 4, 0, (uint32_t)-bytes | ROM_ENABLE);
	return OK;
}

static bool answers(const struct vpci_function *f, uint64_t at, unsigned bytes)
{
	uint32_t reg = vpci_get(f, PCI_ROM, 4);
	uint64_t base = reg & ROM_ADDRESS;

	return f->rom && reg & ROM_ENABLE && vpci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY &&
	       base >= VPCI_LOW_BASE && at >= base && at - base <= f->rom_bytes - bytes;
}

bool vpci_rom_read(const struct vm *vm, uint64_t at, unsigned bytes, uint64_t *value)
{
	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++) {
		const struct vpci_function *f = &vm->vpci.function[slot];

		if (!answers(f, at, bytes))
			continue;
		const uint8_t *p = f->rom + (at - (vpci_get(f, PCI_ROM, 4) & ROM_ADDRESS));

		*value = 0;
		for (unsigned i = 0; i < bytes; i++)
			*value |= (uint64_t)p[i] << 8 * i;
		return true;
	}
	return false;
}
