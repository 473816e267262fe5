// SPDX-License-Identifier: MIT
/*
 * From an MSI message as a guest writes it (24593 rev 3.44, "Interrupt Messages and Vector
 * Assignments"; PCI Local Bus 3.0, "Message Signaled Interrupts") to the vCPU and vector of an
 * IRTE, and the MSI capability. One IRTE leads to one vCPU: of several that a destination names,
 * message n has the n-th, counted round.
 */
#include "assign.h"
#include "avic/avic.h"
#include "avic/regs.h"
#include "base/bits.h"
#include "drivers/msi.h"
#include "drivers/pci_regs.h"
#include "guest/vpci_parts.h"
#include "vm.h"

#define ADDRESS_WINDOW      0xfee00000u
#define ADDRESS_WINDOW_BITS 0xfff00000u
#define ADDRESS_DESTINATION FIELD(19, 12)
#define ADDRESS_LOGICAL     0x4u
#define DATA_VECTOR         0xffu
#define DATA_MODE           FIELD(10, 8)
#define VECTOR_FIRST        16u

/* An IPI to the same destination names the same vCPUs. */
static uint64_t destination_as_icr(uint32_t address)
{
	uint64_t icr = address & ADDRESS_LOGICAL ? ICR_LOGICAL : 0;

	icr |= VECTOR_FIRST; /* any that is legal: nothing is sent */
	return field_set(ICR_XAPIC_TARGET, icr, field_get(ADDRESS_DESTINATION, address));
}

/* The next in turn of those that the message is for; NULL: nobody. */
static struct vcpu *find_target(struct vm *vm, uint32_t address, uint32_t turn)
{
	uint64_t icr = destination_as_icr(address);
	uint32_t count = 0;
	int id;

	for (unsigned pass = 0; pass < 2; pass++) {
		struct avic_ipi walk = avic_ipi_from_message(&vm->avic, icr);

		walk.emulate = false;
		for (uint32_t i = 0; (id = avic_ipi_next(&vm->avic, &walk)) >= 0; i++) {
			if (pass && i == turn % count)
				return &vm->vcpus[id];
			count += !pass;
		}
		if (!count)
			break;
	}
	return NULL;
}

struct vcpu *vpci_message_target(
	struct vm *vm, const struct vpci_message *message, uint32_t turn, uint8_t *vector)
{
	uint64_t mode = field_get(DATA_MODE, message->data);

	*vector = message->data & DATA_VECTOR;
	if ((message->address & ADDRESS_WINDOW_BITS) != ADDRESS_WINDOW || message->high ||
		(mode != ICR_FIXED && mode != ICR_LOWEST) || *vector < VECTOR_FIRST)
		return NULL;
	return find_target(vm, message->address, turn);
}

bool vpci_route(
	struct cpu *here, struct vpci_function *f, uint32_t n, const struct vpci_message *message)
{
	struct assigned_irq *irq = &f->device->irq[n];
	uint8_t vector;
	struct vcpu *target = vpci_message_target(f->device->vm, message, n, &vector);

	if (!target)
		return false;
	if (irq->target == target && irq->guest_vector == vector)
		return true;
	return assign_route(here, irq, target, vector) == OK;
}

void vpci_msi_changed(struct cpu *here, struct vpci_function *f)
{
	const struct pci_device *pci = f->device->pci;
	uint32_t control = vpci_get(f, f->msi + MSI_CONTROL, 2), masked = 0;
	unsigned wide = control & MSI_64BIT ? 4 : 0;
	uint32_t most = (uint32_t)field_get(MSI_COUNT_LOG2, control);
	uint32_t log2 = (uint32_t)field_get(MSI_ENABLE_LOG2, control);
	struct vpci_message m = { .address = vpci_get(f, f->msi + MSI_ADDRESS, 4) };

	if (!(control & MSI_ENABLE)) {
		msi_set(pci, 0, 0, ~0u);
		return;
	}
	log2 = log2 < most ? log2 : most;
	if (wide)
		m.high = vpci_get(f, f->msi + MSI_HIGH_64, 4);
	m.data = vpci_get(f, f->msi + MSI_DATA_32 + wide, 2) & ~((1u << log2) - 1);
	if (control & MSI_MASKING)
		masked = vpci_get(f, f->msi + MSI_MASK_32 + wide, 4);
	/* What leads nowhere stays pending in the device, or, where it can't be masked, goes to
	 * where the message went before, or into an IRTE that drops it. */
	for (uint32_t n = 0; n < 1u << log2 && n < f->device->irq_count; n++, m.data++)
		if (!vpci_route(here, f, n, &m))
			masked |= 1u << n;
	msi_set(pci, 1, log2, masked);
}
