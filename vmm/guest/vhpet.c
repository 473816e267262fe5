// SPDX-License-Identifier: MIT
#include "guest/vhpet.h"

#include "base/log.h"
#include "exit_mmio.h"
#include "guest/platform.h"
#include "guest/vpci_parts.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "vm.h"
#include <hw/mmio.h>
#include <hw/shared.h>

/* What comparator n sends: bits 10:8 = 1 (arbitrated) and n, together the index of its IRTE. A
 * guest writes vectors from 10h on, with or without that mode: it never means one of these. */
#define VHPET_DATA(n) (VHPET_ENTRY | (n))
#define VECTOR_FIRST  VHPET_COMPARATORS
/* Destination FFh, which nobody writes, tells our address from the guest's; the IOMMU ignores it.
 */
#define ADDRESS_OURS 0xfeeff000u
#define PAGE         GPA(PLATFORM_HPET)

static bool given;

bool vhpet_given(void)
{
	return given;
}

static volatile uint8_t *at(const struct vhpet *h, uint32_t n, enum hpet_register reg)
{
	return h->host.regs + hpet_tn(n, reg);
}

static uint32_t comparators(const struct vhpet *h)
{
	return h->host.comparators < VHPET_COMPARATORS ? h->host.comparators : VHPET_COMPARATORS;
}

static void own_message(const struct vhpet *h, uint32_t n)
{
	mmio_write32(at(h, n, HPET_TN_FSB_VALUE), VHPET_DATA(n));
	mmio_write32(at(h, n, HPET_TN_FSB_ADDRESS), ADDRESS_OURS);
}

/* The guest's message n becomes the route of its IRTE; one that leads to nobody is dropped. */
static void route(struct cpu *here, struct vhpet *h, uint32_t n)
{
	const struct vpci_message m = { .address = h->message[n].address,
		.data = h->message[n].value };
	struct assigned_irq *irq = &h->irq[n];
	uint8_t vector;
	struct vcpu *target = vpci_message_target(h->device.vm, &m, n, &vector);

	if (!target) {
		assign_unroute(here, irq);
	} else if (irq->target != target || irq->guest_vector != vector) {
		err_t err = assign_route(here, irq, target, vector);

		(void)err; /* then its VM has ended, or the message is dropped, and both are said */
	}
}

/* What the guest has written into the registers themselves, and not been adopted yet. */
static bool raw_value(const struct vhpet *h, uint32_t n)
{
	return mmio_read32(at(h, n, HPET_TN_FSB_VALUE)) != VHPET_DATA(n);
}

static bool raw_address(const struct vhpet *h, uint32_t n)
{
	return mmio_read32(at(h, n, HPET_TN_FSB_ADDRESS)) != ADDRESS_OURS;
}

/* The message that n would send if nobody stood between. */
static struct vpci_message meant(const struct vhpet *h, uint32_t n)
{
	struct vpci_message m = { .address = h->message[n].address, .data = h->message[n].value };

	if (raw_value(h, n))
		m.data = mmio_read32(at(h, n, HPET_TN_FSB_VALUE));
	if (raw_address(h, n))
		m.address = mmio_read32(at(h, n, HPET_TN_FSB_ADDRESS));
	return m;
}

/* It is on its way, or was: an interrupt too many is what a timer that was set anew may send. */
static void deliver(struct cpu *here, struct vhpet *h, uint32_t n)
{
	const struct vpci_message m = meant(h, n);
	uint8_t vector;
	struct vcpu *target = vpci_message_target(h->device.vm, &m, n, &vector);

	if (target)
		vcpu_interrupt(here, target, vector);
}

/* No vCPU is in the guest with the page still in its TLB: who comes from elsewhere has to take its
 * events first. Before that, what the guest writes could be overwritten unseen. */
static bool nobody_has_it(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *v = &vm->vcpus[i];

		if (shared_load32(&v->events) & VCPU_EVENT_FLUSH &&
			shared_load32(&v->state) == VCPU_RUNNING)
			return false;
	}
	return true;
}

/* Raw messages become the VM's own, once the page is safely back. False: not yet. */
static bool adopt(struct cpu *here, struct vhpet *h)
{
	if (h->mapped || !nobody_has_it(h->device.vm))
		return false;
	for (uint32_t n = 0; n < comparators(h); n++) {
		const struct vpci_message m = meant(h, n);

		if (!raw_value(h, n) && !raw_address(h, n))
			continue;
		h->message[n].value = m.data;
		h->message[n].address = m.address;
		own_message(h, n);
		route(here, h, n);
		deliver(here, h, n);
	}
	return true;
}

static void take_back(struct cpu *here, struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	if (!h->mapped)
		return;
	/* It unmaps a page that has been mapped: no table is missing. */
	err_t err = npt_unmap(&vm->npt, PAGE, PAGE_BYTES);

	(void)err;
	h->mapped = false;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_post_event(here, &vm->vcpus[i], VCPU_EVENT_FLUSH);
}

static bool any_route(const struct vhpet *h)
{
	for (uint32_t n = 0; n < comparators(h); n++)
		if (h->irq[n].target)
			return true;
	return false;
}

static void hand_out(struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	h->mapped = !npt_map(&vm->npt, PAGE, h->host.base, PAGE_BYTES, NPT_RW);
	if (h->mapped && !h->told)
		log_info("vm %s: its HPET is its own: setting a comparator costs no exit",
			vm->config->name);
	h->told |= h->mapped;
}

/* Which comparator's register, and which of HPET_TN_...; false: none of a comparator's. */
static bool of_comparator(const struct vhpet *h, uint32_t offset, uint32_t *n, uint32_t *reg)
{
	*n = (offset - HPET_TN_CONFIG) / HPET_COMPARATOR_BYTES;
	*reg = HPET_TN_CONFIG + (offset - HPET_TN_CONFIG) % HPET_COMPARATOR_BYTES;
	return offset >= HPET_TN_CONFIG && *n < comparators(h);
}

uint32_t vhpet_capabilities(const struct vhpet *h)
{
	uint32_t value = mmio_read32(h->host.regs + HPET_CAPABILITIES);

	value = (uint32_t)field_set(HPET_CAP_LAST, value, comparators(h) - 1);
	return value & ~(uint32_t)HPET_CAP_LEGACY;
}

/* 32 bits; offset is a multiple of 4. */
static uint32_t read(const struct vhpet *h, uint32_t offset)
{
	uint32_t n, reg;

	if (offset == HPET_CAPABILITIES)
		return vhpet_capabilities(h);
	if (offset < HPET_TN_CONFIG)
		return mmio_read32(h->host.regs + offset);
	if (!of_comparator(h, offset, &n, &reg))
		return 0;
	if (reg == HPET_TN_FSB_VALUE)
		return meant(h, n).data;
	if (reg == HPET_TN_FSB_ADDRESS)
		return meant(h, n).address;
	return mmio_read32(h->host.regs + offset);
}

static void write(struct cpu *here, struct vhpet *h, uint32_t offset, uint32_t value)
{
	uint32_t n = 0, reg = offset;

	if (offset >= HPET_TN_CONFIG && !of_comparator(h, offset, &n, &reg))
		return;
	switch (reg) {
	case HPET_TN_FSB_VALUE:
		h->message[n].value = value;
		mmio_write32(at(h, n, HPET_TN_FSB_VALUE), VHPET_DATA(n));
		route(here, h, n);
		return;
	case HPET_TN_FSB_ADDRESS:
		h->message[n].address = value;
		mmio_write32(at(h, n, HPET_TN_FSB_ADDRESS), ADDRESS_OURS);
		route(here, h, n);
		return;
	case HPET_CONFIG:
		value &= ~(uint32_t)HPET_LEGACY;
		break;
	case HPET_TN_CONFIG:
		value &= ~(uint32_t)HPET_TN_ROUTE;
		break;
	default:
		break;
	}
	mmio_write32(h->host.regs + offset, value);
}

static bool is_calm(const struct vhpet *h, uint32_t offset, bool written)
{
	uint32_t n, reg;

	if (offset < HPET_TN_CONFIG)
		return !written || offset >= HPET_COUNTER;
	return of_comparator(h, offset, &n, &reg) && (reg & ~7u) == HPET_TN_COMPARATOR;
}

/* Registers of 64 bits, which mustn't be torn: a comparator of which half is set could fire. */
static bool is_wide(const struct vhpet *h, uint32_t offset)
{
	uint32_t n, reg;

	return offset == HPET_COUNTER ||
	       (of_comparator(h, offset, &n, &reg) && reg == HPET_TN_COMPARATOR);
}

/* 64 bits of the others are two accesses, low half first. */
static void access(struct cpu *here, struct vhpet *h, uint32_t offset, struct mmio_access *a)
{
	if (a->bytes == 8 && is_wide(h, offset)) {
		if (a->write)
			mmio_write64(h->host.regs + offset, a->value);
		else
			a->value = mmio_read64(h->host.regs + offset);
		return;
	}
	for (unsigned half = 0; half < a->bytes / 4; half++) {
		if (a->write)
			write(here, h, offset + 4 * half, (uint32_t)(a->value >> 32 * half));
		else
			a->value |= (uint64_t)read(h, offset + 4 * half) << 32 * half;
	}
}

void vhpet_access(struct cpu *here, struct vm *vm, struct mmio_access *a)
{
	struct vhpet *h = &vm->hpet;
	uint32_t offset = (uint32_t)(a->at.v & PAGE_MASK);

	if (!a->write)
		a->value = 0;
	/* "Software must not access it with other widths": what is done then is not defined. */
	if (a->bytes < 4 || offset % a->bytes || offset + a->bytes > HPET_BYTES)
		return;
	spin_lock(&vm->lock);
	bool settled = adopt(here, h);

	access(here, h, offset, a);
	if (settled && any_route(h) && is_calm(h, offset, a->write))
		hand_out(vm);
	spin_unlock(&vm->lock);
}

void vhpet_interrupt(struct cpu *here, struct vhpet *h)
{
	struct vm *vm = h->device.vm;

	spin_lock(&vm->lock);
	take_back(here, vm);
	/* As soon as it is safe: a comparator of a short period would keep us busy. */
	if (!adopt(here, h))
		for (uint32_t n = 0; n < comparators(h); n++)
			if (raw_value(h, n))
				deliver(here, h, n);
	spin_unlock(&vm->lock);
}

void vhpet_look(struct cpu *here, struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	if (!h->device.vm || shared_load32(&vm->stopped))
		return;
	spin_lock(&vm->lock);
	for (uint32_t n = 0; n < comparators(h); n++)
		if (h->irq[n].target && raw_address(h, n) && !raw_value(h, n))
			take_back(here, vm);
	(void)adopt(here, h);
	spin_unlock(&vm->lock);
}

void vhpet_reset(struct cpu *here, struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	if (!h->device.vm)
		return;
	spin_lock(&vm->lock);
	take_back(here, vm);
	hpet_stop(&h->host);
	for (uint32_t n = 0; n < comparators(h); n++) {
		h->message[n].value = h->message[n].address = 0;
		assign_unroute(here, &h->irq[n]);
		own_message(h, n);
	}
	spin_unlock(&vm->lock);
}

err_t vhpet_open(struct vm *vm, const char **why)
{
	struct vhpet *h = &vm->hpet;

	if (!h->device.vm)
		return OK;
	*why = "the HPET's IOMMU does not answer";
	return dte_remap(h->device.iommu, h->source.id, &h->device.irt);
}

void vhpet_close(struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	if (!h->device.vm)
		return;
	hpet_stop(&h->host);
	if (dte_block(h->device.iommu, h->source.id))
		log_error("vm %s: HPET: its IOMMU does not confirm the fence", vm->config->name);
}

static const char *unfit(struct vm *vm)
{
	struct vhpet *h = &vm->hpet;

	if (given)
		return "another VM has it";
	if (!hpet_find(&h->host))
		return "this machine's firmware tells of none (is it on in the firmware setup?)";
	if (hpet_messages(&h->host) < vm->vcpu_count || comparators(h) < vm->vcpu_count)
		return "its comparators can't send messages, or are fewer than vCPUs";
	if (intx_given())
		return "an interrupt pin (intx) is given away, and it could fire on it";
	h->device.iommu = iommu_of_hpet(h->host.number, &h->source.id);
	if (!h->device.iommu)
		return "the IVRS doesn't say what IOMMU it is behind";
	if (h->device.iommu->failed || !h->device.iommu->f.ga)
		return "its IOMMU can't remap its messages";
	if (dte_use(h->device.iommu, h->source.id) == DTE_ASSIGNED)
		return "a VM has the device whose ID its messages carry";
	if (smi_forbid(h->device.iommu, h->source.id))
		return "firmware lets its ID send SMIs, and has locked that in the IOMMU's SMI filter";
	return NULL;
}

/* Its own entries drop what comes until the guest says where to; vectors lead to the host. */
static err_t fill_table(struct vm *vm)
{
	struct vhpet *h = &vm->hpet;
	struct cpu *cpu = cpu_by_index(vm->config->pcpu[0]);
	struct irt *irt = &h->device.irt;
	err_t err = irt_alloc(irt, VHPET_ENTRIES);
	uint8_t vector = err ? 0 : cpu_vector_alloc(cpu, VECTOR_HPET, h);

	if (!vector)
		return ERR_NOMEM;
	for (uint32_t i = VECTOR_FIRST; i < VHPET_ENTRIES && !err; i++)
		if (i % VHPET_ENTRY >= VECTOR_FIRST)
			err = irte_remap(
				h->device.iommu, h->source.id, &irt->entry[i], cpu->apicid, vector);
	return err;
}

void vhpet_create(struct vm *vm, const char **why)
{
	struct vhpet *h = &vm->hpet;

	*why = NULL;
	if (vm->config->timer != TIMER_HPET)
		return;
	*why = unfit(vm);
	if (*why)
		return;
	*why = "no memory or no vector for its interrupt table, or its IOMMU doesn't answer";
	if (fill_table(vm))
		return;
	h->device.pci = &h->source;
	h->device.irq = h->irq;
	h->device.irq_count = comparators(h);
	for (uint32_t n = 0; n < comparators(h); n++) {
		h->irq[n] = (struct assigned_irq){ .device = &h->device, .message = VHPET_DATA(n) };
		list_init(&h->irq[n].post.link);
		own_message(h, n);
	}
	hpet_stop(&h->host);
	h->device.vm = vm;
	if (vhpet_open(vm, why)) {
		/* What the IOMMU may still read, and a vector that may still come, are lost rather
		 * than used again. */
		vhpet_close(vm);
		h->device.vm = NULL;
		return;
	}
	given = true;
	*why = NULL;
	log_info("vm %s: HPET: %u comparators, by the IOMMU as %02x:%02x.%x", vm->config->name,
		comparators(h), h->source.id >> 8, h->source.id >> 3 & 31, h->source.id & 7);
}
