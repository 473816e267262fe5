// SPDX-License-Identifier: MIT
#include "vpci.h"

#include "assign.h"
#include "base/lib.h"
#include "drivers/msi.h"
#include "exit_io.h"
#include "exit_mmio.h"
#include "guest/vpci_parts.h"
#include "page.h"
#include "vm.h"
#include <hw/mem.h>

#define ADDRESS_ENABLE   0x80000000u
#define ADDRESS_BUS      FIELD(23, 16)
#define ADDRESS_REGISTER FIELD(7, 2)
#define DATA_PORT        (VPCI_ADDRESS_PORT + 4)

static uint64_t all_ones(unsigned bytes)
{
	return ~0ull >> (64 - 8 * bytes);
}

static err_t create_function(struct vm *vm, uint32_t slot, const char **why)
{
	struct vpci_function *f = &vm->vpci.function[slot];

	f->slot = (uint8_t)slot;
	f->device = slot ? &vm->devices[slot - 1] : NULL;
	*why = "the MSI-X table of a device lies in none of its BARs";
	if (slot && !vpci_msix_create(f))
		return ERR_UNFIT;
	vpci_config_create(f);
	*why = "the BARs of its devices don't fit into the guest's PCI windows";
	if (slot && !vpci_bars_create(vm, f))
		return ERR_UNFIT;
	*why = "not enough memory for a copy of a ROM";
	if (slot && vpci_rom_create(f))
		return ERR_NOMEM;
	if (slot)
		vpci_caps_create(f);
	memcpy(f->value, f->initial, sizeof(f->value));
	return OK;
}

static err_t alloc_pages(size_t bytes, void **to)
{
	phys_t p = page_alloc((bytes + PAGE_MASK) / PAGE_BYTES, 1);

	if (p.v == PHYS_NONE.v)
		return ERR_NOMEM;
	*to = phys_to_virt(p);
	return OK;
}

err_t vpci_create(struct vm *vm, const char **why)
{
	uint32_t count = vm->device_count + 1;
	void *pages;

	if (vm->config->pci != PCI_VIRTUAL)
		return OK;
	*why = "its PCI bus has 31 slots for devices";
	if (count > VPCI_SLOTS)
		return ERR_UNFIT;
	*why = "not enough memory for its PCI bus";
	if (alloc_pages(count * sizeof(struct vpci_function), &pages))
		return ERR_NOMEM;
	vm->vpci.function = pages;
	for (uint32_t slot = 0; slot < count; slot++) {
		const struct vpci_function *f = &vm->vpci.function[slot];
		size_t bytes = slot ? vm->devices[slot - 1].irq_count * sizeof(*f->message) : 0;

		if (bytes && alloc_pages(bytes, &pages))
			return ERR_NOMEM;
		vm->vpci.function[slot].message = bytes ? pages : NULL;
		err_t err = create_function(vm, slot, why);

		if (err)
			return err;
	}
	vm->vpci.function_count = count;
	return OK;
}

void vpci_reset(struct cpu *here, struct vm *vm)
{
	spin_lock(&vm->lock);
	vm->vpci.address = 0;
	for (uint32_t slot = 1; slot < vm->vpci.function_count; slot++) {
		struct vpci_function *f = &vm->vpci.function[slot];

		pci_disable_dma(f->device->pci->id);
		err_t err = msi_hold(f->device->pci, f->device->first_irte);

		(void)err; /* it went well at boot, and nothing of that has changed */
		memcpy(f->value, f->initial, sizeof(f->value));
		for (uint32_t n = 0; n < f->device->irq_count; n++)
			assign_unroute(here, &f->device->irq[n]);
		vpci_msix_reset(f);
	}
	vpci_bars_changed(here, vm);
	spin_unlock(&vm->lock);
}

/* devfn: slot 7:3, function 2:0 of bus 0. NULL: nobody there. */
static struct vpci_function *function_of(struct vm *vm, uint32_t devfn)
{
	uint32_t slot = devfn >> 3;

	return devfn & 7 || slot >= vm->vpci.function_count ? NULL : &vm->vpci.function[slot];
}

/* bytes 1, 2 or 4; only what is aligned has a meaning. */
static uint32_t config_access(struct cpu *here, struct vm *vm, struct vpci_function *f, unsigned at,
	unsigned bytes, bool write, uint32_t value)
{
	if (!f || at & (bytes - 1))
		return (uint32_t)all_ones(bytes);
	if (!write)
		return vpci_config_read(f, at, bytes);
	vpci_config_write(here, vm, f, at, bytes, value);
	return 0;
}

/* A guest of ours is told nothing, but its owner shall know. */
static void look_at_write(
	struct vm *vm, const struct vpci_function *f, uint32_t bus_devfn, unsigned at)
{
	if (f && f->device)
		return;
	notice(vm, NOTICE_CONFIG, "write to register %x of %02x:%02x.%x, %s", at, bus_devfn >> 8,
		bus_devfn >> 3 & 31, bus_devfn & 7, f ? "the host bridge" : "which isn't there");
}

static void ecam_access(struct cpu *here, struct vm *vm, struct mmio_access *a)
{
	uint64_t result = 0;

	for (unsigned done = 0; done < a->bytes; done += 4) {
		unsigned part = a->bytes - done < 4 ? a->bytes - done : 4;
		uint64_t at = a->at.v - VPCI_ECAM_BASE + done;
		struct vpci_function *f = function_of(vm, (uint32_t)(at >> 12));
		uint64_t v = config_access(
			here, vm, f, at & 0xfff, part, a->write, (uint32_t)(a->value >> 8 * done));

		if (a->write)
			look_at_write(vm, f, (uint32_t)(at >> 12), at & 0xfff);

		result |= v << 8 * done;
	}
	if (!a->write)
		a->value = result;
}

enum space { SPACE_MEMORY, SPACE_PORTS };

static void bar_access(struct cpu *here, struct vm *vm, struct mmio_access *a, enum space space)
{
	bool io = space == SPACE_PORTS;
	uint64_t offset;
	unsigned n;
	struct vpci_function *f = vpci_bar_find(vm, a->at.v, a->bytes, io, &n, &offset);

	if (!f && (io || a->write || !vpci_rom_read(vm, a->at.v, a->bytes, &a->value)))
		a->value = ~0ull;
	if (!f)
		return;
	if (!io && vpci_msix_access(here, f, n, offset, a))
		return;
	else if (a->write)
		vpci_bar_write(&f->bar[n], offset, a->bytes, a->value);
	else
		a->value = vpci_bar_read(&f->bar[n], offset, a->bytes);
}

static bool inside(uint64_t at, uint64_t base, uint64_t bytes)
{
	return at - base < bytes;
}

bool vpci_has(const struct vm *vm, gpa_t at)
{
	return vm->vpci.function_count && (inside(at.v, VPCI_LOW_BASE, VPCI_LOW_BYTES) ||
						  inside(at.v, VPCI_ECAM_BASE, VPCI_ECAM_BYTES) ||
						  inside(at.v, VPCI_HIGH_BASE, VPCI_HIGH_BYTES));
}

void vpci_mmio(struct cpu *here, struct vm *vm, struct mmio_access *a)
{
	spin_lock(&vm->lock);
	if (inside(a->at.v, VPCI_ECAM_BASE, VPCI_ECAM_BYTES))
		ecam_access(here, vm, a);
	else
		bar_access(here, vm, a, SPACE_MEMORY);
	spin_unlock(&vm->lock);
}

/* The data port: the register that the address port names. */
static void data_access(struct cpu *here, struct vm *vm, struct port_access *a)
{
	uint32_t address = vm->vpci.address, result;
	struct vpci_function *f = function_of(vm, address >> 8 & 0xff);

	if (!(address & ADDRESS_ENABLE) || address & ADDRESS_BUS)
		f = NULL;
	result = config_access(here, vm, f, (unsigned)(address & ADDRESS_REGISTER) + (a->port & 3u),
		a->bytes, !a->in, a->value);
	if (a->in)
		a->value = result;
	else
		look_at_write(vm, f, address >> 8 & 0xffff, address & ADDRESS_REGISTER);
}

static void config_port(struct cpu *here, struct vm *vm, struct port_access *a)
{
	if (a->port >= DATA_PORT && (a->port & 3u) + a->bytes <= 4)
		data_access(here, vm, a);
	else if (a->port != VPCI_ADDRESS_PORT || a->bytes != 4)
		a->value = ~0u;
	else if (a->in)
		a->value = vm->vpci.address;
	else
		vm->vpci.address = a->value;
}

bool vpci_has_port(const struct vm *vm, uint16_t port)
{
	return vm->vpci.function_count &&
	       (inside(port, VPCI_ADDRESS_PORT, 8) || inside(port, VPCI_IO_BASE, VPCI_IO_BYTES));
}

void vpci_port(struct cpu *here, struct vm *vm, struct port_access *a)
{
	struct mmio_access m = {
		.at = GPA(a->port), .bytes = a->bytes, .write = !a->in, .value = a->value
	};

	spin_lock(&vm->lock);
	if (inside(a->port, VPCI_ADDRESS_PORT, 8)) {
		config_port(here, vm, a);
	} else {
		bar_access(here, vm, &m, SPACE_PORTS);
		a->value = (uint32_t)m.value;
	}
	spin_unlock(&vm->lock);
}
