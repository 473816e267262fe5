// SPDX-License-Identifier: MIT
/* Giving a PCI device to a VM, and taking it out of everybody's reach again. */
#include "assign.h"

#include "base/log.h"
#include "device_find.h"
#include "drivers/msi.h"
#include "drivers/msix.h"
#include "guest/memory_map.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "page.h"
#include "vm.h"
#include <hw/mem.h>

/* Guest-physical addresses of DMA: 48 bits, four levels, which every IOMMU walks. */
#define DOMAIN_LEVELS 4

#define CLASS_HOST_BRIDGE 0x0600
#define CLASS_ISA_BRIDGE  0x0601
#define CLASS_IOMMU       0x0806

/* Requester IDs in use, and by which VM: one ID, one domain, also where functions share an alias.
 */
static struct {
	devid_t requester, dev;
	uint32_t vm_id;
} taken[CONFIG_VMS * CONFIG_DEVICES];
static uint32_t taken_count;

/* The ID that a function's requests carry. */
static devid_t requester_of(const struct pci_device *pci)
{
	devid_t alias = iommu_alias(pci->id);

	return alias != pci->id ? alias : pci_wire_id(pci->id);
}

static const char *refuse_function(const struct pci_device *pci)
{
	uint32_t class_code = pci->class_code >> 8;

	if (pci->header_type & 0x7f)
		return "it is a bridge";
	if (class_code == CLASS_HOST_BRIDGE || class_code == CLASS_ISA_BRIDGE ||
		class_code == CLASS_IOMMU)
		return "it is part of the machine itself";
	if (pci->vf_count)
		return "its virtual functions are on: it stays the host's";
	for (uint32_t i = 0; i < taken_count; i++)
		if (taken[i].dev == pci->id)
			return "it was given away already";
	return NULL;
}

static bool wanted_by(const struct vm *vm, const struct pci_device *pci)
{
	for (uint32_t i = 0; i < vm->config->device_count; i++)
		if (device_find(&vm->config->devices[i]) == pci)
			return true;
	return false;
}

/* The IOMMU can't tell devices apart whose requests carry the same ID: they are one. */
static bool same_requester(const struct pci_device *pci, const struct pci_device *other)
{
	return other != pci && !(other->header_type & 0x7f) &&
	       requester_of(other) == requester_of(pci);
}

/* With anybody, or anybody that vm does not have. */
static bool shares(const struct pci_device *pci, const struct vm *vm)
{
	for (uint32_t i = 0; i < pci_count(); i++) {
		const struct pci_device *other = pci_by_index(i);

		if (same_requester(pci, other) && !(vm && wanted_by(vm, other)))
			return true;
	}
	return false;
}

static const char *refuse_isolation(const struct vm *vm, const struct pci_device *pci)
{
	const struct iommu *u = iommu_of(pci->id);

	if (!u)
		return "no IOMMU is in front of it: its DMA could reach all memory";
	if (u->failed)
		return "its IOMMU has failed";
	if (!u->f.ga)
		return "its IOMMU lacks GASup: no 128-bit interrupt remapping entries";
	if (u->f.host_levels < DOMAIN_LEVELS)
		return "its IOMMU can't translate DMA";
	for (uint32_t i = 0; i < taken_count; i++) {
		if (taken[i].vm_id == vm->id)
			continue;
		if (taken[i].requester == requester_of(pci))
			return "another VM has a device with the same requester ID";
		if (!pci_apart(taken[i].dev, pci->id))
			return "it and a device of another VM can reach each other past the IOMMU "
			       "(no ACS between them): give both to one VM, or use another slot";
	}
	if (dte_use(u, iommu_alias(pci->id)) == DTE_REMAPPED)
		return "messages that a VM gets carry its ID, by intx or timer = hpet: do without one";
	if (iommu_alias(pci->id) == pci->id && pci_wire_id(pci->id) != pci->id)
		return "it is behind a bridge to conventional PCI that the IVRS does not know of: "
		       "its requests carry another ID, and would be blocked";
	if (shares(pci, vm))
		return "another device has the same requester ID: this VM must have both";
	return NULL;
}

static err_t make_domain(struct vm *vm)
{
	if (vm->domain.root.v)
		return OK;
	err_t err = iopt_init(&vm->domain, (uint16_t)vm->id, DOMAIN_LEVELS);

	for (unsigned n = 0; n < MEMORY_PIECES && !err; n++) {
		const struct memory_piece p = memory_piece(vm->config->memory_bytes, n);

		err = iopt_map(&vm->domain, p.at, PHYS(vm->memory.v + p.offset), p.bytes, IOPT_RW);
	}
	return err;
}

static err_t map_range(struct vm *vm, uint64_t base, uint64_t end)
{
	return base < end ? npt_map(&vm->npt, GPA(base), PHYS(base), end - base, NPT_RW) : OK;
}

/* One BAR at its host address. What shares a page with something else stays out: a guest that could
 * write the MSI-X table could send any message the remapping lets through, and the rest of a page
 * may belong to another device. */
static err_t map_bar(struct vm *vm, const struct pci_device *pci, unsigned n)
{
	const struct pci_bar *bar = &pci->bar[n];
	uint64_t end = bar->base + bar->bytes, table, table_bytes;
	unsigned table_bar;

	if (bar->bytes == 0 || bar->base == 0)
		return OK;
	if (bar->io || (bar->base | bar->bytes) & PAGE_MASK) {
		log_info("vm %s: BAR %u of %02x:%02x.%x left out: %s", vm->config->name, n,
			pci->id >> 8, pci->id >> 3 & 31, pci->id & 7,
			bar->io ? "I/O ports" : "less than a page");
		return OK;
	}
	if (bar->base < vm->config->memory_bytes)
		return ERR_INVALID;
	if (!msix_table_range(pci, &table_bar, &table, &table_bytes) || table_bar != n)
		return map_range(vm, bar->base, end);
	err_t err = map_range(vm, bar->base, bar->base + ALIGN_DOWN(table, PAGE_BYTES));

	if (!err)
		err = map_range(vm, bar->base + ALIGN_UP(table + table_bytes, PAGE_BYTES), end);
	return err;
}

static err_t map_bars(struct vm *vm, const struct pci_device *pci)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		err_t err = map_bar(vm, pci, n);

		if (err)
			return err;
	}
	return OK;
}

/* Nothing of what firmware or an earlier owner set up may go on. */
static err_t quiet(struct assigned_device *d)
{
	msi_disable(d->pci);
	pci_disable_ats(d->pci->id);
	err_t err = pci_reset(d->pci, &d->reset);

	/* Firmware alone had it so far. */
	return err == ERR_UNFIT ? OK : err;
}

static err_t make_irqs(struct assigned_device *d)
{
	size_t pages = (d->irq_count * sizeof(struct assigned_irq) + PAGE_MASK) / PAGE_BYTES;
	phys_t array = pages ? page_alloc(pages, 1) : PHYS(0);

	if (array.v == PHYS_NONE.v)
		return ERR_NOMEM;
	if (pages)
		d->irq = phys_to_virt(array);
	for (uint32_t n = 0; n < d->irq_count; n++) {
		d->irq[n] = (struct assigned_irq){ .device = d, .message = n };
		list_init(&d->irq[n].post.link);
	}
	return OK;
}

static void free_irqs(struct assigned_device *d)
{
	if (d->irq)
		page_free(virt_to_phys(d->irq),
			(d->irq_count * sizeof(struct assigned_irq) + PAGE_MASK) / PAGE_BYTES);
	d->irq = NULL;
}

static err_t program_messages(struct assigned_device *d)
{
	if (d->vm->config->pci == PCI_VIRTUAL)
		return msi_hold(d->pci, d->first_irte);
	for (uint32_t n = 0; n < d->irq_count; n++) {
		err_t err = msi_program(d->pci, n, d->first_irte + n);

		if (err)
			return err;
	}
	if (d->irq_count)
		msi_enable(d->pci);
	return OK;
}

/* A guest with a virtual bus may choose between MSI and MSI-X. */
static uint32_t count_messages(const struct vm *vm, const struct pci_device *pci)
{
	uint32_t plain = msi_plain_count(pci), count = msi_count(pci);

	if (vm->config->pci == PCI_VIRTUAL && plain > count)
		count = plain;
	return count < ASSIGNED_IRQS ? count : ASSIGNED_IRQS;
}

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = 32; /* the smallest table */

	while (n < at_least)
		n *= 2;
	return n;
}

/* A requester ID has one table. Who shares it has a part, aligned as its messages need it. */
static err_t make_table(const struct vm *vm, struct assigned_device *d)
{
	uint32_t entries = power_of_two(d->irq_count);
	const struct assigned_device *last = NULL;

	for (uint32_t i = 0; i < vm->device_count; i++)
		if (same_requester(d->pci, vm->devices[i].pci))
			last = &vm->devices[i];
	if (!last)
		return irt_alloc(&d->irt, shares(d->pci, NULL) ? IRT_COUNT_MAX : entries);
	uint32_t end = last->first_irte + power_of_two(last->irq_count);

	d->first_irte = (uint32_t)ALIGN_UP(end, entries);
	if (d->first_irte + entries > last->irt.count)
		return ERR_NOMEM;
	d->irt = last->irt;
	d->irt.entry += d->first_irte - last->first_irte;
	return OK;
}

err_t assign_open(struct assigned_device *d, const char **why)
{
	*why = "its IOMMU does not answer";
	err_t err = dte_assign(d->iommu, d->pci->id, &d->vm->domain, &d->irt);

	if (err)
		return err;
	*why = "its MSI or MSI-X capability can't be programmed";
	err = program_messages(d);
	if (err)
		return err;
	if (d->vm->config->pci == PCI_DIRECT)
		pci_enable(d->pci->id);
	else
		pci_enable_decoding(d->pci->id);
	return OK;
}

/* d is filled in but for its table; *why names the step that failed. */
static err_t connect(struct vm *vm, struct assigned_device *d, const char **why)
{
	const struct pci_device *pci = d->pci;

	*why = "firmware lets it send SMIs, and has locked that in its IOMMU's SMI filter";
	err_t err = smi_forbid(d->iommu, pci->id);

	if (err)
		return err;
	*why = "it does not come out of its reset";
	err = quiet(d);
	if (err)
		return err;
	*why = "no memory for its page tables";
	err = make_domain(vm);
	if (err)
		return err;
	*why = "memory that firmware reserves for it (IVMD) overlaps the VM's";
	err = iommu_map_unity(&vm->domain, pci->id);
	if (err)
		return err;
	*why = "a BAR overlaps the VM's memory, or there is no memory for page tables";
	if (vm->config->pci == PCI_DIRECT)
		err = map_bars(vm, pci);
	if (err)
		return err;
	*why = "no memory for its interrupt table";
	err = make_irqs(d);
	if (err)
		return err;
	err = make_table(vm, d);
	if (err)
		goto undo_irqs;
	err = assign_open(d, why);
	if (err)
		goto undo;
	err = intx_attach(vm, d, why);
	if (err)
		goto undo;
	return OK;
undo:
	pci_disable_dma(pci->id);
	/* A table that the IOMMU may still read is lost rather than used again. */
	if (dte_block(d->iommu, pci->id) == OK && !d->first_irte)
		irt_free(&d->irt);
undo_irqs:
	free_irqs(d);
	return err;
}

/* [irq-path 0] */
err_t assign_device(struct vm *vm, const struct config_device *wanted, const char **why)
{
	const struct pci_device *pci = device_find(wanted);

	*why = "there is no such PCI device";
	if (!pci || vm->device_count == CONFIG_DEVICES || taken_count == ARRAY_COUNT(taken))
		return ERR_NOT_FOUND;
	*why = refuse_function(pci);
	if (!*why)
		*why = refuse_isolation(vm, pci);
	if (!*why)
		*why = intx_refuse(vm, pci);
	if (*why)
		return ERR_UNFIT;
	struct assigned_device *d = &vm->devices[vm->device_count];
	*d = (struct assigned_device){
		.vm = vm,
		.pci = pci,
		.iommu = iommu_of(pci->id),
		.lock = SPINLOCK_INIT,
		.irq_count = count_messages(vm, pci),
	};
	err_t err = connect(vm, d, why);

	if (err)
		return err;
	taken[taken_count].requester = requester_of(pci);
	taken[taken_count].dev = pci->id;
	taken[taken_count++].vm_id = vm->id;
	vm->device_count++;
	log_info("vm %s: device %02x:%02x.%x (%04x:%04x), %u messages", vm->config->name,
		pci->id >> 8, pci->id >> 3 & 31, pci->id & 7, pci->vendor, pci->device,
		d->irq_count);
	*why = NULL;
	return OK;
}

void assign_block_all(struct vm *vm)
{
	intx_close(vm);
	vhpet_close(vm);
	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct assigned_device *d = &vm->devices[i];

		/* First at the device itself: that holds even if the IOMMU doesn't answer. */
		pci_disable_dma(d->pci->id);
		if (dte_block(d->iommu, d->pci->id))
			log_error("vm %s: device %02x:%02x.%x: its IOMMU does not confirm the "
				  "fence; bus mastering is off",
				vm->config->name, d->pci->id >> 8, d->pci->id >> 3 & 31,
				d->pci->id & 7);
	}
}
