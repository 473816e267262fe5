/* SPDX-License-Identifier: MIT */
/*
 * Inter-processor interrupts that hardware left to software (24593 rev 3.44, "AVIC Incomplete
 * IPI"): who they go to. The destination is worked out anew from the ICR: the exit's index names
 * one target only, and which one isn't documented when there are several.
 */
#include "avic.h"
#include "regs.h"
#include <hw/mem.h>
#include <hw/shared.h>

struct vapic *avic_page_of(struct avic_vm *vm, uint32_t guest_apic_id)
{
	uint64_t entry;

	if (guest_apic_id > vm->max_index)
		return NULL;
	entry = shared_load64(&vm->physical[guest_apic_id]);
	return entry & PHYSICAL_VALID ? phys_to_virt(PHYS(entry & PHYSICAL_PAGE)) : NULL;
}

/* The shorthands of INIT, SIPI and NMI that include the sender are reserved, and so is everything
 * but an asserted INIT. SMI, ExtINT: no such thing in a guest. */
static bool icr_goes_anywhere(const struct avic_ipi *ipi)
{
	uint64_t shorthand = field_get(ICR_SHORTHAND, ipi->icr);

	switch (field_get(ICR_MODE, ipi->icr)) {
	case ICR_FIXED:
	case ICR_LOWEST:
		return !ipi->illegal_vector;
	case ICR_INIT:
		/* The de-assert message of old synchronises arbitration IDs and does nothing here.
		 */
		if ((ipi->icr & (ICR_LEVEL | ICR_ASSERT)) == ICR_LEVEL)
			return false;
		/* fall through */
	case ICR_NMI:
	case ICR_STARTUP:
		return shorthand == ICR_NONE || shorthand == ICR_OTHERS;
	default:
		return false;
	}
}

static struct avic_ipi begin(struct avic_vm *vm, uint32_t source_id, uint64_t icr, bool wide)
{
	uint64_t mode = field_get(ICR_MODE, icr);
	uint8_t vector = (uint8_t)field_get(ICR_VECTOR, icr);
	bool interrupt = mode == ICR_FIXED || mode == ICR_LOWEST;
	struct avic_ipi ipi = {
		.icr = icr,
		.source = source_id,
		.emulate = interrupt,
		.init = mode == ICR_INIT,
		.sipi = mode == ICR_STARTUP,
		.nmi = mode == ICR_NMI,
		.wide = wide,
		.illegal_vector = interrupt && vector < 16,
		.vector = vector,
	};

	if (!icr_goes_anywhere(&ipi))
		ipi.next = vm->max_index + 1;
	return ipi;
}

struct avic_ipi avic_ipi_from_icr(struct avic_vm *vm, uint32_t source_id, uint64_t icr)
{
	return begin(vm, source_id, icr, shared_load32(&vm->mode[source_id]) == VAPIC_X2APIC);
}

struct avic_ipi avic_ipi_from_message(struct avic_vm *vm, uint64_t icr)
{
	return begin(vm, 0, icr, false);
}

/* Hardware may leave the ICR busy with what software has to finish, and an xAPIC guest waits for
 * the bit to go. */
static void clear_busy(struct vapic *p)
{
	if (p)
		vapic_write(p, VAPIC_ICR_LOW, vapic_read(p, VAPIC_ICR_LOW) & ~(uint32_t)ICR_BUSY);
}

/*
 * [model acts:ipi]
 * Cause 1: the IRR bit is set in every valid target, and the running ones have had their doorbell.
 * Setting it again could deliver it twice, if a target has taken the first already. The other
 * causes: nothing was set (causes 2 and 3 in a multicast: not documented; taken so).
 */
struct avic_ipi avic_ipi_begin(struct avic_vm *vm, uint32_t source_id, const struct vmexit *exit)
{
	struct avic_ipi ipi = avic_ipi_from_icr(vm, source_id, exit->ipi.icr);

	if (exit->ipi.cause == IPI_TARGET_NOT_RUNNING)
		ipi.emulate = false;
	else
		clear_busy(avic_page_of(vm, source_id));
	return ipi;
}

/* xAPIC: by the page's LDR and DFR, 8 bits; x2APIC: cluster 31:16, member bit 15:0 of the ID. A
 * target in x2APIC mode has no LDR of 8 bits; to it such a message is one to the first cluster.
 * x2AVIC finds a target by its ID, whatever mode that is in; so does this. */
static bool matches_logical(const struct avic_vm *vm, const struct avic_ipi *ipi,
	const struct vapic *p, uint32_t id, uint32_t target)
{
	if (ipi->wide || shared_load32(&vm->mode[id]) == VAPIC_X2APIC)
		return target >> 16 == id >> 4 && (target >> (id & 15) & 1);

	uint32_t ldr = vapic_read(p, VAPIC_LDR) >> 24;

	if (vapic_read(p, VAPIC_DFR) >> 28 == 0xf)
		return ldr & target;
	return ldr >> 4 == target >> 4 && (ldr & target & 0xf);
}

static uint32_t target_of(const struct avic_ipi *ipi)
{
	return (uint32_t)field_get(ipi->wide ? ICR_TARGET : ICR_XAPIC_TARGET, ipi->icr);
}

static uint32_t broadcast_of(const struct avic_ipi *ipi)
{
	return ipi->wide ? ~0u : 0xff;
}

static bool matches(
	const struct avic_vm *vm, const struct avic_ipi *ipi, const struct vapic *p, uint32_t id)
{
	uint32_t target = target_of(ipi);

	switch ((enum icr_shorthand)field_get(ICR_SHORTHAND, ipi->icr)) {
	case ICR_SELF:
		return id == ipi->source;
	case ICR_ALL:
		return true;
	case ICR_OTHERS:
		return id != ipi->source;
	case ICR_NONE:
		break;
	}
	if (target == broadcast_of(ipi))
		return true;
	return ipi->icr & ICR_LOGICAL ? matches_logical(vm, ipi, p, id, target) : id == target;
}

/* One that can have a single target only needs no walk. */
static bool single_target(const struct avic_ipi *ipi, uint32_t *id)
{
	uint64_t shorthand = field_get(ICR_SHORTHAND, ipi->icr);
	uint32_t target = target_of(ipi);

	*id = shorthand == ICR_SELF ? ipi->source : target;
	return shorthand == ICR_SELF ||
	       (shorthand == ICR_NONE && !(ipi->icr & ICR_LOGICAL) && target != broadcast_of(ipi));
}

int avic_ipi_next(struct avic_vm *vm, struct avic_ipi *ipi)
{
	uint32_t only;
	bool single = ipi->next == 0 && single_target(ipi, &only);

	for (uint32_t id = single ? only : ipi->next; id <= vm->max_index; id++) {
		struct vapic *p = avic_page_of(vm, id);

		if (!p || !matches(vm, ipi, p, id)) {
			if (single)
				break;
			continue;
		}
		/* Lowest priority: the first that matches is as good a choice as any. */
		bool last = single || field_get(ICR_MODE, ipi->icr) == ICR_LOWEST;

		ipi->next = last ? vm->max_index + 1 : id + 1;
		if (ipi->emulate)
			vapic_set_irr(p, ipi->vector);
		return (int)id;
	}
	ipi->next = vm->max_index + 1;
	return -1;
}
