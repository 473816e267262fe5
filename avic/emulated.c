/* SPDX-License-Identifier: MIT */
/*
 * The non-accelerated local APIC: register semantics. A write goes through three steps: may the
 * guest do it (x2APIC: #GP, xAPIC: ESR), what of it does the register keep, and what else happens.
 * AVIC's traps (402h) come in at the second step, since the page has the value by then.
 */
#include "avic.h"
#include "emulated.h"
#include "emulated_timer.h"
#include "regs.h"
#include "base/bits.h"

#define RESULT(what)                                                                               \
	(struct apic_result)                                                                       \
	{                                                                                          \
		.action = (what)                                                                   \
	}

/* What a guest may write; anything else is #GP in x2APIC mode and is dropped in xAPIC mode (24593
 * rev 3.44, "x2APIC Register Address Space" and the registers' own sections). */
struct rule {
	uint16_t offset;
	bool read, write;
	uint32_t writable;  /* bits that the register keeps */
	uint32_t tolerated; /* bits that may be written and are dropped */
};

/* LINT pins have trigger, remote IRR and, as other vendors' software writes it, polarity. */
static const struct rule rules[] = {
	{ VAPIC_ID, true, false, 0, 0 },
	{ VAPIC_VERSION, true, false, 0, 0 },
	{ VAPIC_TPR, true, true, 0xff, 0 },
	{ VAPIC_PPR, true, false, 0, 0 },
	{ VAPIC_EOI, false, true, 0, 0 },
	{ VAPIC_LDR, true, false, 0, 0 },
	{ VAPIC_SVR, true, true, SVR_WRITABLE, 0 },
	{ VAPIC_ESR, true, true, 0, 0 },
	{ VAPIC_LVT_TIMER, true, true, 0x700ff, LVT_STATUS },
	{ VAPIC_LVT_THERMAL, true, true, 0x107ff, LVT_STATUS },
	{ VAPIC_LVT_PERF, true, true, 0x107ff, LVT_STATUS },
	{ VAPIC_LVT_LINT0, true, true, 0x1a7ff, LVT_STATUS | 0x4000 },
	{ VAPIC_LVT_LINT1, true, true, 0x1a7ff, LVT_STATUS | 0x4000 },
	{ VAPIC_LVT_ERROR, true, true, 0x107ff, LVT_STATUS },
	{ VAPIC_TIMER_INITIAL, true, true, 0xffffffff, 0 },
	{ VAPIC_TIMER_CURRENT, true, false, 0, 0 },
	{ VAPIC_TIMER_DIVIDE, true, true, 0xb, 0 },
};

/* Those that exist, or are writable, in xAPIC mode only. */
static const struct rule xapic_rules[] = {
	{ VAPIC_APR, true, false, 0, 0 },
	{ VAPIC_RRR, true, false, 0, 0 },
	{ VAPIC_LDR, true, true, 0xff000000, 0x00ffffff },
	{ VAPIC_DFR, true, true, 0xf0000000, 0x0fffffff },
};

static const struct rule bank_rule = { 0, true, false, 0, 0 };

static const struct rule *find_rule(const struct emulated_vcpu *e, uint32_t offset)
{
	if (avic_mode(e->avic) == VAPIC_XAPIC)
		for (unsigned i = 0; i < ARRAY_COUNT(xapic_rules); i++)
			if (xapic_rules[i].offset == offset)
				return &xapic_rules[i];
	for (unsigned i = 0; i < ARRAY_COUNT(rules); i++)
		if (rules[i].offset == offset)
			return &rules[i];
	if (offset >= VAPIC_ISR && offset < VAPIC_IRR + 0x80)
		return &bank_rule;
	return NULL;
}

void emulated_init(struct emulated_vcpu *e, struct avic_vcpu *a, bool bsp)
{
	*e = (struct emulated_vcpu){
		.avic = a,
		.ticks_per_count = 1,
		.timer_shift = 1, /* divide configuration 0 */
		.bsp = bsp,
	};
}

#define BASE_MODE (APIC_BASE_ENABLED | APIC_BASE_X2APIC)

static const uint64_t mode_bits[] = {
	[VAPIC_XAPIC] = APIC_BASE_ENABLED, [VAPIC_X2APIC] = BASE_MODE, [VAPIC_OFF] = 0
};

uint64_t emulated_apic_base(const struct emulated_vcpu *e)
{
	return GUEST_APIC_BASE | mode_bits[avic_mode(e->avic)] | (e->bsp ? APIC_BASE_BSP : 0);
}

/* 24593 rev 3.44, "x2APIC Mode"; the picture is in avic.h. */
bool emulated_apic_base_means(
	const struct emulated_vcpu *e, uint64_t value, bool x2apic, enum vapic_mode *mode)
{
	const enum vapic_mode now = avic_mode(e->avic);

	/* The address stays: AVIC can't follow it for one vCPU only. */
	if ((value ^ emulated_apic_base(e)) & ~BASE_MODE)
		return false;
	value &= BASE_MODE;
	if (value == mode_bits[VAPIC_OFF])
		*mode = VAPIC_OFF;
	else if (value == mode_bits[VAPIC_XAPIC] && now != VAPIC_X2APIC)
		*mode = VAPIC_XAPIC;
	else if (value == mode_bits[VAPIC_X2APIC] && now != VAPIC_OFF && x2apic)
		*mode = VAPIC_X2APIC;
	else
		return false;
	return true;
}

void emulated_reset(struct emulated_vcpu *e)
{
	e->timer_deadline = e->timer_period_ticks = 0;
	e->timer_shift = 1;
	e->deadline_mode = false;
	e->esr_pending = 0;
}

void emulated_esr(struct emulated_vcpu *e, uint32_t errors)
{
	uint32_t lvt = vapic_read(e->avic->page, VAPIC_LVT_ERROR);

	/* One interrupt for the first error after the guest last looked. */
	if (!e->esr_pending && !(lvt & LVT_MASKED) && (lvt & LVT_VECTOR) >= 16)
		vapic_set_irr(e->avic->page, lvt & LVT_VECTOR);
	e->esr_pending |= errors;
}

static uint32_t read_register(const struct emulated_vcpu *e, uint32_t offset)
{
	if (offset == VAPIC_TIMER_CURRENT)
		return timer_current(e);
	if (offset == VAPIC_PPR)
		vapic_update_ppr(e->avic->page);
	return vapic_read(e->avic->page, offset);
}

/* Disabled by software: every LVT entry is masked and stays so (24593 rev 3.44, "Spurious Interrupt
 * Register"). What AVIC does then with posts and IPIs isn't documented, so they are kept. */
static void write_svr(struct vapic *p, uint32_t value)
{
	vapic_write(p, VAPIC_SVR, value);
	if (value & SVR_ENABLE)
		return;
	for (uint32_t lvt = VAPIC_LVT_TIMER; lvt <= VAPIC_LVT_ERROR; lvt += 16)
		vapic_write(p, lvt, vapic_read(p, lvt) | LVT_MASKED);
}

static struct apic_result end_of_interrupt(struct emulated_vcpu *e)
{
	struct apic_result r = RESULT(APIC_EVALUATE);
	int vector = vapic_eoi(e->avic->page);

	if (vector >= 0 && vapic_is_level(e->avic->page, (uint8_t)vector)) {
		r.action = APIC_LEVEL_EOI;
		r.eoi_vector = (uint8_t)vector;
	}
	return r;
}

static struct apic_result write_tpr(struct emulated_vcpu *e, uint32_t value)
{
	vapic_write(e->avic->page, VAPIC_TPR, value);
	vapic_update_ppr(e->avic->page);
	/* CR8 and hardware's decisions go by this copy. */
	vmcb_set_tpr_class(e->avic->svm->vmcb, (uint8_t)(value >> 4));
	return RESULT(APIC_EVALUATE);
}

static struct apic_result write_lvt(struct emulated_vcpu *e, uint32_t offset, uint32_t value)
{
	struct vapic *p = e->avic->page;

	if (!(vapic_read(p, VAPIC_SVR) & SVR_ENABLE))
		value |= LVT_MASKED;
	vapic_write(p, offset, value);
	if (offset == VAPIC_LVT_TIMER && timer_set_mode(e))
		return RESULT(APIC_TIMER);
	return RESULT(APIC_DONE);
}

/* value holds only bits that the register keeps. */
static struct apic_result write_register(struct emulated_vcpu *e, uint32_t offset, uint32_t value)
{
	struct vapic *p = e->avic->page;

	switch (offset) {
	case VAPIC_TPR:
		return write_tpr(e, value);
	case VAPIC_EOI:
		return end_of_interrupt(e);
	case VAPIC_SVR:
		write_svr(p, value);
		return RESULT(APIC_DONE);
	case VAPIC_ESR:
		vapic_write(p, VAPIC_ESR, e->esr_pending);
		e->esr_pending = 0;
		return RESULT(APIC_DONE);
	case VAPIC_LDR:
		vapic_write(p, VAPIC_LDR, value);
		return RESULT(APIC_LOGICAL);
	case VAPIC_DFR:
		vapic_write(p, VAPIC_DFR, value | 0x0fffffff);
		return RESULT(APIC_LOGICAL);
	case VAPIC_TIMER_INITIAL:
		vapic_write(p, offset, value);
		timer_start(e);
		return RESULT(APIC_TIMER);
	case VAPIC_TIMER_DIVIDE:
		vapic_write(p, offset, value);
		timer_set_divide(e);
		return RESULT(APIC_TIMER);
	default:
		return write_lvt(e, offset, value);
	}
}

static struct apic_result write_icr(struct emulated_vcpu *e, uint64_t icr)
{
	struct apic_result r = RESULT(APIC_SEND_IPI);

	icr &= ~ICR_BUSY;
	vapic_write(e->avic->page, VAPIC_ICR_LOW, (uint32_t)icr);
	vapic_write(e->avic->page, VAPIC_ICR_HIGH, (uint32_t)(icr >> 32));
	r.value = icr;
	return r;
}

struct apic_result emulated_msr_read(struct emulated_vcpu *e, uint32_t msr)
{
	struct apic_result r = RESULT(APIC_DONE);
	uint32_t offset = (msr - VAPIC_MSR_FIRST) << 4;
	const struct rule *rule = find_rule(e, offset);

	if (avic_mode(e->avic) != VAPIC_X2APIC || msr < VAPIC_MSR_FIRST || msr > VAPIC_MSR_LAST)
		return RESULT(APIC_FAULT);
	if (offset == VAPIC_ICR_LOW) {
		r.value = (uint64_t)vapic_read(e->avic->page, VAPIC_ICR_HIGH) << 32 |
			  vapic_read(e->avic->page, VAPIC_ICR_LOW);
		return r;
	}
	if (!rule || !rule->read)
		return RESULT(APIC_FAULT);
	r.value = read_register(e, offset);
	return r;
}

struct apic_result emulated_msr_write(struct emulated_vcpu *e, uint32_t msr, uint64_t value)
{
	uint32_t offset = (msr - VAPIC_MSR_FIRST) << 4;
	const struct rule *rule = find_rule(e, offset);

	if (avic_mode(e->avic) != VAPIC_X2APIC || msr < VAPIC_MSR_FIRST || msr > VAPIC_MSR_LAST)
		return RESULT(APIC_FAULT);
	if (offset == VAPIC_ICR_LOW) {
		/* Bits 31:20, 17:16 and 13 are reserved; the busy bit does not exist here but old
		 * software writes back what it read. */
		if (value & 0xfff32000u)
			return RESULT(APIC_FAULT);
		return write_icr(e, value);
	}
	if (offset == VAPIC_SELF_IPI && value <= 0xff) {
		struct apic_result r = RESULT(APIC_SEND_IPI);

		r.value = field_set(ICR_SHORTHAND, value, ICR_SELF);
		return r;
	}
	if (!rule || !rule->write || value & ~(uint64_t)(rule->writable | rule->tolerated))
		return RESULT(APIC_FAULT);
	return write_register(e, offset, (uint32_t)value & rule->writable);
}

struct apic_result emulated_mmio_read(struct emulated_vcpu *e, uint32_t offset)
{
	struct apic_result r = RESULT(APIC_DONE);
	const struct rule *rule = find_rule(e, offset & ~0xfu);

	/* Of each 16 bytes only the first four are a register. */
	if (offset & 0xf)
		return r;
	if (offset == VAPIC_ICR_LOW || offset == VAPIC_ICR_HIGH)
		r.value = vapic_read(e->avic->page, offset);
	else if (rule && rule->read)
		r.value = read_register(e, offset);
	else if (!rule)
		emulated_esr(e, ESR_ILLEGAL_REGISTER);
	return r;
}

struct apic_result emulated_mmio_write(struct emulated_vcpu *e, uint32_t offset, uint32_t value)
{
	const struct rule *rule = find_rule(e, offset & ~0xfu);

	if (offset & 0xf)
		return RESULT(APIC_DONE);
	if (offset == VAPIC_ICR_HIGH) {
		vapic_write(e->avic->page, offset, value & 0xff000000);
		return RESULT(APIC_DONE);
	}
	if (offset == VAPIC_ICR_LOW)
		return write_icr(
			e, (uint64_t)vapic_read(e->avic->page, VAPIC_ICR_HIGH) << 32 | value);
	if (!rule)
		emulated_esr(e, ESR_ILLEGAL_REGISTER);
	if (!rule || !rule->write)
		return RESULT(APIC_DONE);
	return write_register(e, offset, value & rule->writable);
}

/*
 * EOI traps when the vector in service is level triggered, and leaves its ISR bit set (24593 rev
 * 3.44, "EOI Register"; the text calls it a fault in one place: docs/specs.md). If it is clear
 * already, another vector's bit must not go in its stead.
 */
static struct apic_result eoi_trap(struct emulated_vcpu *e, uint8_t eoi_vector)
{
	struct apic_result r = RESULT(APIC_LEVEL_EOI);

	r.eoi_vector = eoi_vector;
	if (vapic_highest_isr(e->avic->page) == eoi_vector)
		vapic_eoi(e->avic->page);
	return r;
}

struct apic_result emulated_after_trap(struct emulated_vcpu *e, uint32_t offset, uint8_t eoi_vector)
{
	struct avic_vcpu *a = e->avic;
	const struct rule *rule = find_rule(e, offset);
	uint32_t value = vapic_read(a->page, offset & 0xff0);

	if (offset == VAPIC_EOI)
		return eoi_trap(e, eoi_vector);
	if (rule && rule->write)
		return write_register(e, offset, value & rule->writable);
	/* The ID is read-only here: tables and IRTEs are made by it. */
	if (offset == VAPIC_ID) {
		uint32_t id = avic_id(a);

		vapic_write(a->page, VAPIC_ID, avic_mode(a) == VAPIC_X2APIC ? id : id << 24);
	} else if (offset == VAPIC_RRR) {
		vapic_write(a->page, VAPIC_RRR, 0);
	}
	return RESULT(APIC_DONE);
}
