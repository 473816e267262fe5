/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual APIC backing page: priorities, acceptance and end of interrupt
 * (24593 rev 3.44, "Virtual APIC Backing Page", "Interrupt Delivery").
 */
#include "avic_page.h"

/* 32 vectors to a register, a register every 16 bytes. */
static unsigned dword_of(unsigned vector)
{
	return vector / 32 * 16;
}

static uint32_t bit_of(unsigned vector)
{
	return 1u << (vector % 32);
}

uint32_t page_get(const struct avic_core *core, unsigned offset)
{
	const struct model_host *host = core->machine->host;
	uint32_t value = 0;

	host->read(host->opaque, core->backing + offset, &value, sizeof(value));
	return value;
}

void page_set(const struct avic_core *core, unsigned offset, uint32_t value)
{
	const struct model_host *host = core->machine->host;

	host->write(host->opaque, core->backing + offset, &value, sizeof(value));
}

int page_highest(const struct avic_core *core, unsigned offset)
{
	const struct model_host *host = core->machine->host;
	uint32_t regs[8][4] = { 0 };

	host->read(host->opaque, core->backing + offset, regs, sizeof(regs));
	for (int i = 7; i >= 0; i--) {
		for (int bit = 31; bit >= 0 && regs[i][0]; bit--) {
			if (regs[i][0] & bit_of(bit))
				return i * 32 + bit;
		}
	}
	return -1;
}

bool page_bit(const struct avic_core *core, unsigned offset, unsigned vector)
{
	return page_get(core, offset + dword_of(vector)) & bit_of(vector);
}

bool page_post(const struct avic_core *core, uint64_t page, unsigned vector)
{
	const struct model_host *host = core->machine->host;
	uint32_t old;

	return host->or32(host->opaque, page + APIC_IRR + dword_of(vector), bit_of(vector), &old);
}

static unsigned priority(const struct avic_core *core)
{
	int isr = page_highest(core, APIC_ISR);
	unsigned tpr = core->v_tpr * 16u + (page_get(core, APIC_TPR) & 15);

	if (isr >= 0 && (unsigned)isr / 16 > tpr / 16)
		return (unsigned)isr & 0xf0;
	return tpr;
}

static void update_ppr(const struct avic_core *core)
{
	page_set(core, APIC_PPR, priority(core));
}

static int deliverable(const struct avic_core *core)
{
	int irr = page_highest(core, APIC_IRR);

	return irr >= 0 && (unsigned)irr / 16 > priority(core) / 16 ? irr : -1;
}

void avic_evaluate(struct avic_core *core)
{
	core->recognised = deliverable(core) >= 0;
}

void avic_ring(struct avic_core *core)
{
	if (core->on)
		avic_evaluate(core);
}

int avic_accept(struct avic_core *core)
{
	const struct model_host *host = core->machine->host;
	int vector = deliverable(core);

	/* Software may take a bit back between the look and the update. */
	while (vector >= 0) {
		uint64_t addr = core->backing + APIC_IRR + dword_of(vector);
		uint32_t old = 0;

		host->and32(host->opaque, addr, ~bit_of(vector), &old);
		if (old & bit_of(vector))
			break;
		vector = deliverable(core);
	}
	core->recognised = false;
	if (vector < 0)
		return -1;
	unsigned isr = APIC_ISR + dword_of(vector);

	page_set(core, isr, page_get(core, isr) | bit_of(vector));
	update_ppr(core);
	avic_evaluate(core);
	if (host->stopwatch)
		host->stopwatch(host->opaque, SW_VIRQ, vector, 0, core->vmcb, core->backing);
	return vector;
}

void avic_write_tpr(struct avic_core *core, uint32_t value)
{
	page_set(core, APIC_TPR, value & 0xff);
	core->v_tpr = value >> 4 & 15;
	update_ppr(core);
	avic_evaluate(core);
}

void avic_write_cr8(struct avic_core *core, unsigned value)
{
	avic_write_tpr(core, value << 4);
}

/*
 * A level interrupt ends in software: the exit is a trap (RIP behind the write) that
 * leaves the ISR bit alone. The manual's table says trap and its text says fault; what
 * runs on silicon works this way, but nobody has looked at the bit: hence the option.
 */
enum avic_result avic_write_eoi(struct avic_core *core, uint32_t value)
{
	int vector = page_highest(core, APIC_ISR);

	page_set(core, APIC_EOI, value);
	if (vector < 0)
		return AVIC_DONE;
	unsigned isr = APIC_ISR + dword_of(vector);
	bool level = page_bit(core, APIC_TMR, vector);

	if (!level || core->machine->opt.eoi_clears_isr) {
		page_set(core, isr, page_get(core, isr) & ~bit_of(vector));
		update_ppr(core);
		avic_evaluate(core);
	}
	return level ? avic_noaccel(core, AVIC_TRAP, APIC_EOI, true, vector) : AVIC_DONE;
}
