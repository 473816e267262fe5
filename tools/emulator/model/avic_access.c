/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's two ways to its APIC: loads and stores in the APIC page (xAVIC), RDMSR
 * and WRMSR of 800h-8FFh (x2AVIC).
 */
#include "avic_page.h"

enum avic_result avic_noaccel(
	struct avic_core *core, enum avic_result how, unsigned offset, bool write, unsigned vector)
{
	core->exit.code = EXIT_NOACCEL;
	core->exit.info1 = (write ? NOACCEL_WRITE : 0) | (offset & 0xff0);
	core->exit.info2 = vector;
	return how;
}

/* Does the access touch a register, the first four bytes of a 16-byte slot? */
static bool touches(unsigned offset, unsigned bytes, unsigned slot)
{
	return offset < slot + 4 && offset + bytes > slot;
}

/*
 * An access that is not an aligned word has no defined effect on a register
 * (24593 rev 3.44, "Virtual APIC Register Accesses"). Here it may not get round a fault;
 * otherwise it is memory.
 */
static bool odd_access_faults(struct avic_core *core, unsigned offset, unsigned bytes, bool write)
{
	for (unsigned slot = offset & 0xff0; slot < offset + bytes; slot += 16) {
		struct avic_rule rule = avic_page_rule(&core->machine->opt, slot);

		if (touches(offset, bytes, slot) &&
			(write ? rule.write : rule.read) == CLASS_FAULT) {
			avic_noaccel(core, AVIC_FAULT, slot, write, 0);
			return true;
		}
	}
	return false;
}

static bool is_register(unsigned offset, unsigned bytes)
{
	return bytes == 4 && offset % 16 == 0;
}

enum avic_result avic_page_read(
	struct avic_core *core, unsigned offset, unsigned bytes, uint64_t *value)
{
	const struct model_host *host = core->machine->host;

	*value = 0;
	if (odd_access_faults(core, offset, bytes, false))
		return AVIC_FAULT;
	host->read(host->opaque, core->backing + offset, value, bytes);
	return AVIC_DONE;
}

/* The side effects of a word written to an accelerated register. */
static enum avic_result accelerate(struct avic_core *core, unsigned offset, uint64_t value)
{
	switch (offset) {
	case APIC_TPR:
		avic_write_tpr(core, value);
		return AVIC_DONE;
	case APIC_EOI:
		return avic_write_eoi(core, value);
	case APIC_ICR_LOW:
		return avic_write_icr(core, value, value >> 32);
	default: /* APIC_SELF_IPI */
		return avic_self_ipi(core, value);
	}
}

enum avic_result avic_page_write(
	struct avic_core *core, unsigned offset, unsigned bytes, uint64_t value)
{
	const struct model_host *host = core->machine->host;

	if (odd_access_faults(core, offset, bytes, true))
		return AVIC_FAULT;
	enum avic_class how = avic_page_rule(&core->machine->opt, offset).write;

	if (is_register(offset, bytes) && how == CLASS_ACCEL) {
		if (offset == APIC_ICR_LOW)
			value |= (uint64_t)page_get(core, APIC_ICR_HIGH) << 32;
		return accelerate(core, offset, value);
	}
	host->write(host->opaque, core->backing + offset, &value, bytes);
	if (is_register(offset, bytes) && how == CLASS_TRAP)
		return avic_noaccel(core, AVIC_TRAP, offset, true, 0);
	return AVIC_DONE;
}

/* An MSR's offset in EXITINFO1 is that of the register in the page. */
static unsigned msr_offset(uint32_t msr)
{
	return (msr - X2APIC_MSR_FIRST) << 4;
}

enum avic_result avic_msr_read(struct avic_core *core, uint32_t msr, uint64_t *value)
{
	unsigned offset = msr_offset(msr);

	*value = 0;
	switch (avic_msr_rule(&core->machine->opt, msr).read) {
	case CLASS_GP:
		return AVIC_GP;
	case CLASS_FAULT:
		return avic_noaccel(core, AVIC_FAULT, offset, false, 0);
	default:
		break;
	}
	*value = page_get(core, offset);
	if (offset == APIC_ICR_LOW)
		*value |= (uint64_t)page_get(core, APIC_ICR_HIGH) << 32;
	return AVIC_DONE;
}

enum avic_result avic_msr_write(struct avic_core *core, uint32_t msr, uint64_t value)
{
	struct avic_rule rule = avic_msr_rule(&core->machine->opt, msr);
	unsigned offset = msr_offset(msr);

	if (rule.write == CLASS_GP || (value & rule.reserved))
		return AVIC_GP;
	if (rule.write == CLASS_FAULT)
		return avic_noaccel(core, AVIC_FAULT, offset, true, 0);
	if (rule.write == CLASS_ACCEL)
		return accelerate(core, offset, value);
	page_set(core, offset, value);
	return avic_noaccel(core, AVIC_TRAP, offset, true, 0);
}

/* The field is as wide as a physical APIC ID; above it all bits must be zero. */
bool avic_write_doorbell(struct avic_core *core, uint64_t value)
{
	const struct model_host *host = core->machine->host;

	if (value >> 32)
		return false;
	host->doorbell(host->opaque, value);
	return true;
}
