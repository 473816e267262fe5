/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which access to which register is allowed, accelerated, a trap, a fault or a #GP
 * (24593 rev 3.44, "Virtual APIC Register Accesses" and "x2AVIC").
 */
#include "avic_page.h"

#define A CLASS_ALLOW
#define C CLASS_ACCEL
#define T CLASS_TRAP
#define F CLASS_FAULT
#define G CLASS_GP

struct row {
	uint16_t first, last; /* offsets */
	struct avic_rule rule;
};

/* What is missing below 400h is plain memory, from 400h on a fault. */
static const struct row page_rows[] = {
	{ 0x020, 0x020, { A, T, 0 } }, /* APIC ID */
	{ 0x030, 0x030, { A, F, 0 } }, /* version */
	{ 0x080, 0x080, { A, C, 0 } }, /* TPR */
	{ 0x090, 0x090, { F, F, 0 } }, /* APR */
	{ 0x0a0, 0x0a0, { A, F, 0 } }, /* PPR */
	{ 0x0b0, 0x0b0, { A, C, 0 } }, /* EOI */
	{ 0x0c0, 0x0c0, { A, T, 0 } }, /* remote read */
	{ 0x0d0, 0x0d0, { A, T, 0 } }, /* LDR */
	{ 0x0e0, 0x0e0, { A, T, 0 } }, /* DFR */
	{ 0x0f0, 0x0f0, { A, T, 0 } }, /* SVR */
	{ 0x100, 0x270, { A, F, 0 } }, /* ISR, TMR, IRR */
	{ 0x280, 0x280, { A, T, 0 } }, /* ESR */
	{ 0x300, 0x300, { A, C, 0 } }, /* ICR low */
	{ 0x310, 0x310, { A, A, 0 } }, /* ICR high */
	{ 0x320, 0x370, { A, T, 0 } }, /* LVT timer, thermal, perf, LINT0, LINT1, error */
	{ 0x380, 0x380, { A, T, 0 } }, /* initial count */
	{ 0x390, 0x390, { F, F, 0 } }, /* current count */
	{ 0x3e0, 0x3e0, { A, T, 0 } }, /* divide */
};

/*
 * x2APIC mode. The manual does not say which #GP rules AVIC applies by itself; these
 * are the rules of the x2APIC: read-only and write-only registers, reserved bits (the
 * TSC-deadline bit of the LVT timer is one: AVIC knows no deadline mode).
 */
static const struct row msr_rows[] = {
	{ 0x020, 0x020, { A, G, 0 } }, { 0x030, 0x030, { A, G, 0 } },
	{ 0x080, 0x080, { A, C, ~0xffull } }, { 0x090, 0x090, { F, G, 0 } },
	{ 0x0a0, 0x0a0, { A, G, 0 } }, { 0x0b0, 0x0b0, { G, C, ~0ull } },
	{ 0x0d0, 0x0d0, { A, G, 0 } }, { 0x0f0, 0x0f0, { A, T, ~0x3ffull } },
	{ 0x100, 0x270, { A, G, 0 } }, { 0x280, 0x280, { A, T, ~0ull } },
	{ 0x300, 0x300, { A, C, 0xfff32000ull } }, { 0x320, 0x320, { A, T, ~0x310ffull } },
	{ 0x330, 0x340, { A, T, ~0x117ffull } }, { 0x350, 0x360, { A, T, ~0x1f7ffull } },
	{ 0x370, 0x370, { A, T, ~0x117ffull } }, { 0x380, 0x380, { A, T, ~0xffffffffull } },
	{ 0x390, 0x390, { F, G, 0 } }, { 0x3e0, 0x3e0, { A, T, ~0xbull } },
	{ 0x3f0, 0x3f0, { G, C, ~0xffull } }, /* SELF IPI */
	{ 0x400, 0x420, { F, F, 0 } },        /* extended APIC registers */
	{ 0x480, 0x4f0, { F, F, 0 } },        /* interrupt enable */
};

static const struct row ext_lvt_allowed = { 0x500, 0x530, { A, T, 0 } };
static const struct row ext_lvt_fault = { 0x500, 0x530, { F, F, 0 } };

static bool covers(const struct row *row, unsigned offset)
{
	return offset >= row->first && offset <= row->last;
}

static const struct row *find(
	const struct avic_options *opt, const struct row *rows, size_t count, unsigned offset)
{
	if (covers(&ext_lvt_allowed, offset))
		return opt->ext_lvt ? &ext_lvt_allowed : &ext_lvt_fault;
	for (size_t i = 0; i < count; i++) {
		if (covers(&rows[i], offset))
			return &rows[i];
	}
	return NULL;
}

struct avic_rule avic_page_rule(const struct avic_options *opt, unsigned offset)
{
	offset &= 0xff0;
	const struct row *row =
		find(opt, page_rows, sizeof(page_rows) / sizeof(page_rows[0]), offset);

	if (row)
		return row->rule;
	return offset < 0x400 ? (struct avic_rule){ A, A, 0 } : (struct avic_rule){ F, F, 0 };
}

struct avic_rule avic_msr_rule(const struct avic_options *opt, uint32_t msr)
{
	unsigned offset = (msr & 0xff) << 4;
	const struct row *row = find(opt, msr_rows, sizeof(msr_rows) / sizeof(msr_rows[0]), offset);

	return row ? row->rule : (struct avic_rule){ G, G, 0 };
}
