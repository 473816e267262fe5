/* SPDX-License-Identifier: MIT */
#include "vapic.h"
#include "base/lib.h"
#include "regs.h"
#include <hw/shared.h>

#define BANKS 8 /* of 32 vectors; 16 bytes apart */

static uint32_t *bank(struct vapic *p, enum vapic_reg first, unsigned n)
{
	return &p->reg[first / 4 + 4 * n];
}

static const uint32_t *bank_const(const struct vapic *p, enum vapic_reg first, unsigned n)
{
	return &p->reg[first / 4 + 4 * n];
}

/* xAPIC mode comes after reset or from off only, x2APIC mode from xAPIC mode, with its TPR. */
void vapic_set_mode(struct vapic *p, uint32_t guest_apic_id, enum vapic_mode mode)
{
	bool x2apic = mode == VAPIC_X2APIC;

	vapic_write(p, VAPIC_ID, x2apic ? guest_apic_id : guest_apic_id << 24);
	/* In x2APIC mode the logical ID follows from the ID, and the guest reads it from here
	 * without an exit (24593 rev 3.44, "x2APIC Logical Destination Register"). */
	vapic_write(
		p, VAPIC_LDR, x2apic ? (guest_apic_id >> 4) << 16 | 1u << (guest_apic_id & 15) : 0);
	vapic_write(p, VAPIC_DFR, DFR_FLAT);
	vapic_write(p, VAPIC_ICR_HIGH, 0);
	if (!x2apic)
		vapic_write(p, VAPIC_TPR, mode == VAPIC_OFF ? 0xff : 0);
}

void vapic_reset(struct vapic *p, uint32_t guest_apic_id, enum vapic_mode mode)
{
	memset(p, 0, sizeof(*p));
	vapic_set_mode(p, guest_apic_id, mode);
	vapic_write(p, VAPIC_VERSION, VAPIC_VERSION_VALUE);
	vapic_write(p, VAPIC_SVR, 0xff);
	for (uint32_t lvt = VAPIC_LVT_TIMER; lvt <= VAPIC_LVT_ERROR; lvt += 16)
		vapic_write(p, lvt, LVT_MASKED);
}

bool vapic_set_irr(struct vapic *p, uint8_t vector)
{
	uint32_t bit = 1u << (vector % 32);
	uint32_t *tmr = bank(p, VAPIC_TMR, vector / 32);

	/* Hardware never writes TMR: a bit left from a level use would turn this vector's EOI into
	 * an exit. Before the IRR bit, which makes the vector visible. */
	if (shared_load32(tmr) & bit)
		shared_and32(tmr, ~bit);
	return !(shared_or32(bank(p, VAPIC_IRR, vector / 32), bit) & bit);
}

bool vapic_set_irr_level(struct vapic *p, uint8_t vector)
{
	uint32_t bit = 1u << (vector % 32);

	shared_or32(bank(p, VAPIC_TMR, vector / 32), bit);
	return !(shared_or32(bank(p, VAPIC_IRR, vector / 32), bit) & bit);
}

static int highest(const struct vapic *p, enum vapic_reg first)
{
	for (int i = BANKS - 1; i >= 0; i--) {
		uint32_t word = shared_load32(bank_const(p, first, (unsigned)i));

		if (word)
			return 32 * i + 31 - __builtin_clz(word);
	}
	return -1;
}

int vapic_highest_irr(const struct vapic *p)
{
	return highest(p, VAPIC_IRR);
}

int vapic_highest_isr(const struct vapic *p)
{
	return highest(p, VAPIC_ISR);
}

static uint32_t processor_priority(const struct vapic *p)
{
	uint32_t tpr = vapic_read(p, VAPIC_TPR) & 0xff;
	int in_service = vapic_highest_isr(p);
	uint32_t isr_class = in_service < 0 ? 0 : (uint32_t)in_service & 0xf0;

	return (tpr & 0xf0) >= isr_class ? tpr : isr_class;
}

void vapic_update_ppr(struct vapic *p)
{
	vapic_write(p, VAPIC_PPR, processor_priority(p));
}

static int above_ppr(const struct vapic *p, int vector)
{
	if (vector < 0 || ((uint32_t)vector & 0xf0) <= (processor_priority(p) & 0xf0))
		return -1;
	return vector;
}

int vapic_deliverable(const struct vapic *p)
{
	return above_ppr(p, vapic_highest_irr(p));
}

int vapic_stash_deliverable(const struct vapic *p, const struct vapic_stash *stash)
{
	for (int i = BANKS - 1; i >= 0; i--)
		if (stash->irr[i])
			return above_ppr(p, 32 * i + 31 - __builtin_clz(stash->irr[i]));
	return -1;
}

int vapic_accept(struct vapic *p)
{
	int vector = vapic_deliverable(p);

	if (vector < 0)
		return -1;
	uint32_t bit = 1u << (vector % 32);

	shared_and32(bank(p, VAPIC_IRR, (unsigned)vector / 32), ~bit);
	*bank(p, VAPIC_ISR, (unsigned)vector / 32) |= bit;
	vapic_update_ppr(p);
	return vector;
}

int vapic_eoi(struct vapic *p)
{
	int vector = vapic_highest_isr(p);

	if (vector < 0)
		return -1;
	*bank(p, VAPIC_ISR, (unsigned)vector / 32) &= ~(1u << (vector % 32));
	vapic_update_ppr(p);
	return vector;
}

bool vapic_is_level(const struct vapic *p, uint8_t vector)
{
	return shared_load32(bank_const(p, VAPIC_TMR, vector / 32)) >> (vector % 32) & 1;
}

/* [model protocol:stash] */
uint32_t vapic_stash(struct vapic *p, struct vapic_stash *stash)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < BANKS; i++) {
		uint32_t *irr = bank(p, VAPIC_IRR, i);

		/* The exchange is locked, but most words are 0 and need none. A bit that lands
		 * behind this look is found by the caller's second look (R9: vmm/vcpu.c). */
		if (!shared_load32(irr))
			continue;
		uint32_t word = shared_swap32(irr, 0);

		stash->irr[i] |= word;
		for (; word; word &= word - 1)
			count++;
	}
	if (count)
		stash->any = true;
	return count;
}

/* [model protocol:unstash] */
void vapic_unstash(struct vapic *p, struct vapic_stash *stash)
{
	for (unsigned i = 0; i < BANKS; i++) {
		if (!stash->irr[i])
			continue;
		shared_or32(bank(p, VAPIC_IRR, i), stash->irr[i]);
		stash->irr[i] = 0;
	}
	stash->any = false;
}
