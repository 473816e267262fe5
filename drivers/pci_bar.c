/* SPDX-License-Identifier: MIT */
#include "pci_access.h"
#include "pci_regs.h"

/* Writes ones, reads what sticks, puts the old value back. */
static uint32_t probe(devid_t id, uint16_t reg, uint32_t old)
{
	uint32_t sticks;

	pci_write(id, reg, 4, ~0u);
	sticks = pci_read(id, reg, 4);
	pci_write(id, reg, 4, old);
	return sticks;
}

static void size_io(struct pci_bar *bar, uint32_t value, uint32_t sticks)
{
	/* The upper half may be hard-wired to 0: ports have 16 bits. */
	uint32_t mask = (sticks & ~3u) | 0xffff0000u;

	bar->io = true;
	bar->base = value & ~3u;
	bar->bytes = (uint32_t)(~mask + 1);
}

static void size_memory(
	devid_t id, uint16_t reg, struct pci_bar *bar, uint32_t value, uint32_t sticks)
{
	uint64_t mask = sticks & ~0xfull;

	bar->prefetchable = value & BAR_PREFETCH;
	bar->wide = (value & BAR_TYPE) == BAR_WIDE;
	bar->base = value & ~0xfull;
	if (bar->wide) {
		uint32_t high = pci_read(id, (uint16_t)(reg + 4), 4);

		bar->base |= (uint64_t)high << 32;
		mask |= (uint64_t)probe(id, (uint16_t)(reg + 4), high) << 32;
	} else {
		mask |= 0xffffffff00000000ull;
	}
	bar->bytes = ~mask + 1;
}

void pci_size_registers(devid_t id, uint16_t first, struct pci_bar bars[PCI_BARS])
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		uint16_t reg = (uint16_t)(first + 4 * i);
		uint32_t value = pci_read(id, reg, 4), sticks = probe(id, reg, value);
		struct pci_bar *bar = &bars[i];

		if (sticks == 0 || sticks == ~0u)
			continue;
		if (value & BAR_IO) {
			size_io(bar, value, sticks);
			continue;
		}
		if ((value & BAR_TYPE) == BAR_WIDE && i == PCI_BARS - 1)
			continue; /* its upper half would be no BAR */
		size_memory(id, reg, bar, value, sticks);
		i += bar->wide;
	}
}

void pci_size_bars(struct pci_device *d)
{
	uint32_t command = pci_read(d->id, PCI_COMMAND, 2);

	/* While a BAR holds ones it would answer at the top of the address space. */
	pci_write(d->id, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	pci_size_registers(d->id, PCI_BAR0, d->bar);
	pci_write(d->id, PCI_COMMAND, 2, command);
}
