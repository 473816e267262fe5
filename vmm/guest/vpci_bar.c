// SPDX-License-Identifier: MIT
/*
 * BARs: where the guest puts them, inside the host bridge's windows, the device answers; elsewhere,
 * or where another BAR answers already, it doesn't. A move is an unmapping and a mapping of the
 * nested tables' pages. Nobody is in danger while other vCPUs still have the old place in their
 * TLBs: it is the same VM's device there.
 */
#include "assign.h"
#include "base/log.h"
#include "drivers/msix.h"
#include "drivers/pci_regs.h"
#include "guest/vpci_parts.h"
#include "vm.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

#define LARGE_BAR (64 * MIB) /* goes into the high window where it can */

struct window {
	uint64_t base, bytes, least;
};

static const struct window low = { VPCI_LOW_BASE, VPCI_LOW_BYTES, 1 };
static const struct window high = { VPCI_HIGH_BASE, VPCI_HIGH_BYTES, VPCI_HIGH_LEAST };
static const struct window ports = { VPCI_IO_BASE, VPCI_IO_BYTES, 1 };

static bool within(const struct window *w, uint64_t at, uint64_t bytes)
{
	return bytes >= w->least && bytes <= w->bytes && at >= w->base &&
	       at - w->base <= w->bytes - bytes;
}

static uint32_t word(const uint8_t config[], unsigned n)
{
	const uint8_t *p = config + PCI_BAR0 + (size_t)4 * n;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* As the registers have it. */
static uint64_t address(const struct vpci_function *f, const uint8_t config[], unsigned n)
{
	const struct pci_bar *pci = &f->device->pci->bar[n];

	if (pci->io)
		return word(config, n) & ~3u;
	return (word(config, n) & ~0xfull) | (pci->wide ? (uint64_t)word(config, n + 1) << 32 : 0);
}

/* Where the BAR shall answer; 0: nowhere. */
static uint64_t wanted(const struct vpci_function *f, unsigned n)
{
	const struct vpci_bar *bar = &f->bar[n];
	uint32_t command = vpci_get(f, PCI_COMMAND, 2);
	uint64_t at = address(f, f->value, n);

	if (!bar->bytes || !(command & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return 0;
	if (bar->io)
		return within(&ports, at, bar->bytes) ? at : 0;
	return within(&low, at, bar->bytes) || within(&high, at, bar->bytes) ? at : 0;
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static const struct vpci_bar *at_same_place(struct vm *vm, uint64_t at, const struct vpci_bar *bar)
{
	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++)
		for (unsigned n = 0; n < PCI_BARS; n++) {
			const struct vpci_bar *b = &vm->vpci.function[slot].bar[n];

			if (b->at && b->io == bar->io && overlap(at, bar->bytes, b->at, b->bytes))
				return b;
		}
	return NULL;
}

/* The pages before and behind what is trapped. */
static err_t map_pages(struct vm *vm, const struct vpci_bar *bar, uint64_t at)
{
	err_t err = OK;

	if (bar->trap_first)
		err = npt_map(&vm->npt, GPA(at), PHYS(bar->host), bar->trap_first, NPT_RW);
	if (!err && bar->trap_end < bar->bytes)
		err = npt_map(&vm->npt, GPA(at + bar->trap_end), PHYS(bar->host + bar->trap_end),
			bar->bytes - bar->trap_end, NPT_RW);
	return err;
}

static err_t unmap_pages(struct vm *vm, const struct vpci_bar *bar, uint64_t at)
{
	uint64_t pages_end = ALIGN_DOWN(bar->bytes, PAGE_BYTES);

	return bar->io ? OK : npt_unmap(&vm->npt, GPA(at), pages_end);
}

static bool remove_moved(struct vm *vm)
{
	bool removed = false;

	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++) {
		struct vpci_function *f = &vm->vpci.function[slot];

		for (unsigned n = 0; n < PCI_BARS; n++) {
			struct vpci_bar *bar = &f->bar[n];

			if (!bar->at || bar->at == wanted(f, n))
				continue;
			/* It unmaps what was mapped in the same pieces, so no table is missing. */
			if (unmap_pages(vm, bar, bar->at))
				continue;
			bar->at = 0;
			removed = true;
		}
	}
	return removed;
}

static void place(struct vm *vm, struct vpci_function *f, unsigned n)
{
	struct vpci_bar *bar = &f->bar[n];
	uint64_t at = wanted(f, n);

	if (!at || bar->at || at_same_place(vm, at, bar))
		return;
	if (!map_pages(vm, bar, at)) {
		bar->at = at;
		return;
	}
	notice(vm, NOTICE_CONFIG, "slot %u: no memory for the page tables of BAR %u", f->slot, n);
	err_t err = unmap_pages(vm, bar, at);

	(void)err; /* what stays mapped is its own device */
}

void vpci_bars_changed(struct cpu *here, struct vm *vm)
{
	bool removed = remove_moved(vm);

	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++)
		for (unsigned n = 0; n < PCI_BARS; n++)
			place(vm, &vm->vpci.function[slot], n);
	for (uint32_t i = 0; removed && i < vm->vcpu_count; i++)
		vcpu_post_event(here, &vm->vcpus[i], VCPU_EVENT_FLUSH);
}

/* The first free place for initial values; 0: none. */
static uint64_t find_place(struct vm *vm, const struct vpci_bar *bar, const struct window *w)
{
	uint64_t align = bar->bytes > PAGE_BYTES || bar->io ? bar->bytes : PAGE_BYTES;
	uint64_t at = w->base;
	bool moved;

	do {
		moved = false;
		at = ALIGN_UP(at, align);
		for (uint32_t slot = 1; slot <= vm->device_count; slot++) {
			const struct vpci_function *f = &vm->vpci.function[slot];

			for (unsigned n = 0; f->device && n < PCI_BARS; n++) {
				uint64_t there = address(f, f->initial, n);

				if (!f->bar[n].bytes || f->bar[n].io != bar->io ||
					!overlap(at, bar->bytes, there, f->bar[n].bytes))
					continue;
				at = ALIGN_UP(there + f->bar[n].bytes, align);
				moved = true;
			}
		}
	} while (moved);
	return within(w, at, bar->bytes) ? at : 0;
}

static uint64_t initial_place(struct vm *vm, const struct vpci_bar *bar, const struct pci_bar *pci)
{
	uint64_t at = 0;

	if (pci->io)
		return find_place(vm, bar, &ports);
	if (pci->wide && bar->bytes >= LARGE_BAR)
		at = find_place(vm, bar, &high);
	return at ? at : find_place(vm, bar, &low);
}

static void show(struct vpci_function *f, unsigned n, uint64_t at)
{
	const struct pci_bar *pci = &f->device->pci->bar[n];
	uint64_t writable = ~(pci->bytes - 1);
	uint32_t flags =
		pci->io ? BAR_IO
			: (pci->wide ? BAR_WIDE : 0) | (pci->prefetchable ? BAR_PREFETCH : 0);

	vpci_show(f, PCI_BAR0 + 4 * n, 4, (uint32_t)at | flags,
		(uint32_t)writable & (pci->io ? ~3u : ~0xfu));
	if (pci->wide)
		vpci_show(f, PCI_BAR0 + 4 * (n + 1), 4, (uint32_t)(at >> 32),
			(uint32_t)(writable >> 32));
}

/* Which bytes of a BAR stay out of the nested tables. */
static void choose_trap(struct vpci_function *f, unsigned n, struct vpci_bar *bar)
{
	uint64_t table, table_bytes;
	unsigned table_bar;

	bar->trap_first = bar->trap_end = bar->bytes;
	if (bar->io || bar->bytes < PAGE_BYTES) {
		bar->trap_first = 0;
	} else if (msix_table(f->device->pci, &table_bar, &table, &table_bytes) && table_bar == n) {
		bar->trap_first = ALIGN_DOWN(table, PAGE_BYTES);
		bar->trap_end = ALIGN_UP(table + table_bytes, PAGE_BYTES);
	}
}

bool vpci_bars_create(struct vm *vm, struct vpci_function *f)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct pci_bar *pci = &f->device->pci->bar[n];
		struct vpci_bar bar = { .host = pci->base, .bytes = pci->bytes, .io = pci->io };

		/* Firmware gave it no address, or the device's masks make no sense. */
		if (!pci->base || !pci->bytes || pci->bytes & (pci->bytes - 1) ||
			pci->base & (pci->bytes - 1))
			continue;
		uint64_t at = initial_place(vm, &bar, pci);

		if (!at)
			return false;
		choose_trap(f, n, &bar);
		f->bar[n] = bar;
		show(f, n, at);
	}
	return true;
}

struct vpci_function *vpci_bar_find(
	struct vm *vm, uint64_t at, unsigned bytes, bool io, unsigned *bar, uint64_t *offset)
{
	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++)
		for (unsigned n = 0; n < PCI_BARS; n++) {
			const struct vpci_bar *b = &vm->vpci.function[slot].bar[n];

			if (!b->at || b->io != io || at < b->at || at - b->at > b->bytes - 1 ||
				bytes > b->bytes - (at - b->at))
				continue;
			*bar = n;
			*offset = at - b->at;
			return &vm->vpci.function[slot];
		}
	return NULL;
}

uint64_t vpci_bar_read(const struct vpci_bar *bar, uint64_t offset, unsigned bytes)
{
	uint64_t at = bar->host + offset;
	const volatile void *p = phys_to_virt(PHYS(at));

	if (bar->io)
		return bytes == 1   ? hw_in8((uint16_t)at)
		       : bytes == 2 ? hw_in16((uint16_t)at)
				    : hw_in32((uint16_t)at);
	switch (bytes) {
	case 1:
		return mmio_read8(p);
	case 2:
		return mmio_read16(p);
	case 4:
		return mmio_read32(p);
	default:
		return mmio_read64(p);
	}
}

static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
	if (bytes == 1)
		hw_out8(port, (uint8_t)value);
	else if (bytes == 2)
		hw_out16(port, (uint16_t)value);
	else
		hw_out32(port, value);
}

void vpci_bar_write(const struct vpci_bar *bar, uint64_t offset, unsigned bytes, uint64_t value)
{
	uint64_t at = bar->host + offset;
	volatile void *p = phys_to_virt(PHYS(at));

	if (bar->io) {
		port_write((uint16_t)at, bytes, (uint32_t)value);
		return;
	}
	switch (bytes) {
	case 1:
		mmio_write8(p, (uint8_t)value);
		break;
	case 2:
		mmio_write16(p, (uint16_t)value);
		break;
	case 4:
		mmio_write32(p, (uint32_t)value);
		break;
	default:
		mmio_write64(p, value);
	}
}
