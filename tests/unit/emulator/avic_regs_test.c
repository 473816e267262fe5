/* SPDX-License-Identifier: MIT */
/* Every register of the APIC page and every x2APIC MSR: what a read and a write do. */
#include "avic_host.h"
#include "case.h"

#define AREA "AVIC: register accesses"

/* a allowed, c accelerated, t trap, f fault, g #GP. Typed from the manual's table. */
struct line {
	unsigned first, last;
	char read, write;
	const char *name;
};

static const struct line page_table[] = {
	{ 0x000, 0x010, 'a', 'a', "below APIC ID" },
	{ 0x020, 0x020, 'a', 't', "APIC ID" },
	{ 0x030, 0x030, 'a', 'f', "Version" },
	{ 0x040, 0x070, 'a', 'a', "unused" },
	{ 0x080, 0x080, 'a', 'c', "TPR" },
	{ 0x090, 0x090, 'f', 'f', "APR" },
	{ 0x0a0, 0x0a0, 'a', 'f', "PPR" },
	{ 0x0b0, 0x0b0, 'a', 'c', "EOI" },
	{ 0x0c0, 0x0c0, 'a', 't', "Remote Read" },
	{ 0x0d0, 0x0d0, 'a', 't', "LDR" },
	{ 0x0e0, 0x0e0, 'a', 't', "DFR" },
	{ 0x0f0, 0x0f0, 'a', 't', "SVR" },
	{ 0x100, 0x170, 'a', 'f', "ISR" },
	{ 0x180, 0x1f0, 'a', 'f', "TMR" },
	{ 0x200, 0x270, 'a', 'f', "IRR" },
	{ 0x280, 0x280, 'a', 't', "ESR" },
	{ 0x290, 0x2f0, 'a', 'a', "unused" },
	{ 0x300, 0x300, 'a', 'c', "ICR low" },
	{ 0x310, 0x310, 'a', 'a', "ICR high" },
	{ 0x320, 0x320, 'a', 't', "LVT Timer" },
	{ 0x330, 0x330, 'a', 't', "LVT Thermal" },
	{ 0x340, 0x340, 'a', 't', "LVT Performance" },
	{ 0x350, 0x350, 'a', 't', "LVT LINT0" },
	{ 0x360, 0x360, 'a', 't', "LVT LINT1" },
	{ 0x370, 0x370, 'a', 't', "LVT Error" },
	{ 0x380, 0x380, 'a', 't', "Initial Count" },
	{ 0x390, 0x390, 'f', 'f', "Current Count" },
	{ 0x3a0, 0x3d0, 'a', 'a', "unused" },
	{ 0x3e0, 0x3e0, 'a', 't', "Divide" },
	{ 0x3f0, 0x3f0, 'a', 'a', "unused" },
	{ 0x400, 0x420, 'f', 'f', "extended features" },
	{ 0x430, 0x470, 'f', 'f', "reserved" },
	{ 0x480, 0x4f0, 'f', 'f', "IER" },
	{ 0x500, 0x530, 'f', 'f', "extended LVT" },
	{ 0x540, 0xff0, 'f', 'f', "reserved" },
};

static const struct line msr_table[] = {
	{ 0x800, 0x801, 'g', 'g', "none" },
	{ 0x802, 0x802, 'a', 'g', "APIC ID" },
	{ 0x803, 0x803, 'a', 'g', "Version" },
	{ 0x804, 0x807, 'g', 'g', "none" },
	{ 0x808, 0x808, 'a', 'c', "TPR" },
	{ 0x809, 0x809, 'f', 'g', "APR" },
	{ 0x80a, 0x80a, 'a', 'g', "PPR" },
	{ 0x80b, 0x80b, 'g', 'c', "EOI" },
	{ 0x80c, 0x80c, 'g', 'g', "none" },
	{ 0x80d, 0x80d, 'a', 'g', "LDR" },
	{ 0x80e, 0x80e, 'g', 'g', "none" },
	{ 0x80f, 0x80f, 'a', 't', "SVR" },
	{ 0x810, 0x817, 'a', 'g', "ISR" },
	{ 0x818, 0x81f, 'a', 'g', "TMR" },
	{ 0x820, 0x827, 'a', 'g', "IRR" },
	{ 0x828, 0x828, 'a', 't', "ESR" },
	{ 0x829, 0x82f, 'g', 'g', "none" },
	{ 0x830, 0x830, 'a', 'c', "ICR" },
	{ 0x831, 0x831, 'g', 'g', "none" },
	{ 0x832, 0x832, 'a', 't', "LVT Timer" },
	{ 0x833, 0x833, 'a', 't', "LVT Thermal" },
	{ 0x834, 0x834, 'a', 't', "LVT Performance" },
	{ 0x835, 0x835, 'a', 't', "LVT LINT0" },
	{ 0x836, 0x836, 'a', 't', "LVT LINT1" },
	{ 0x837, 0x837, 'a', 't', "LVT Error" },
	{ 0x838, 0x838, 'a', 't', "Initial Count" },
	{ 0x839, 0x839, 'f', 'g', "Current Count" },
	{ 0x83a, 0x83d, 'g', 'g', "none" },
	{ 0x83e, 0x83e, 'a', 't', "Divide" },
	{ 0x83f, 0x83f, 'g', 'c', "SELF IPI" },
	{ 0x840, 0x842, 'f', 'f', "extended features" },
	{ 0x843, 0x847, 'g', 'g', "none" },
	{ 0x848, 0x84f, 'f', 'f', "IER" },
	{ 0x850, 0x853, 'f', 'f', "extended LVT" },
	{ 0x854, 0x8ff, 'g', 'g', "none" },
};

static const char *word(char class)
{
	switch (class) {
	case 'a':
		return "allowed";
	case 'c':
		return "accelerated";
	case 't':
		return "trap (stored)";
	case 'f':
		return "fault (nothing stored)";
	default:
		return "#GP";
	}
}

/* Which #GP rules AVIC applies by itself is open; unused words of the page are memory. */
static void row_case(const struct line *l, const char *what)
{
	bool open =
		l->read == 'g' || l->write == 'g' || !strcmp(l->name, "unused") || l->first == 0;

	case_say(open ? "assumed" : "stated", AREA, __FILE__ ":registers", DOC_APM,
		"Virtual APIC Register Accesses", "%s %03xh to %03xh, %s: read %s, write %s", what,
		l->first, l->last, l->name, word(l->read), word(l->write));
}

static void check_read(char want, enum avic_result got, unsigned offset, const uint64_t *value)
{
	if (want == 'g') {
		EXPECT_EQ(got, AVIC_GP);
	} else if (want == 'f') {
		EXPECT_EQ(got, AVIC_FAULT);
		EXPECT_EQ(core.exit.code, 0x402);
		EXPECT_EQ(core.exit.info1, offset);
	} else {
		EXPECT_EQ(got, AVIC_DONE);
		EXPECT_EQ((uint32_t)*value, 0x5a000000 + offset);
	}
}

static void check_write(char want, enum avic_result got, unsigned offset, uint32_t value)
{
	uint32_t old = 0x5a000000 + offset;

	if (want == 'g') {
		EXPECT_EQ(got, AVIC_GP);
		EXPECT_EQ(get32(PAGE(0) + offset), old);
	} else if (want == 'f') {
		EXPECT_EQ(got, AVIC_FAULT);
		EXPECT_EQ(core.exit.code, 0x402);
		EXPECT_EQ(core.exit.info1, 0x100000000ull | offset);
		EXPECT_EQ(get32(PAGE(0) + offset), old);
	} else if (want == 't') {
		EXPECT_EQ(got, AVIC_TRAP);
		EXPECT_EQ(core.exit.code, 0x402);
		EXPECT_EQ(core.exit.info1, 0x100000000ull | offset);
		EXPECT_EQ(core.exit.info2, 0);
		EXPECT_EQ(get32(PAGE(0) + offset), value);
	} else if (want == 'a') {
		EXPECT_EQ(got, AVIC_DONE);
		EXPECT_EQ(get32(PAGE(0) + offset), value);
	} else {
		EXPECT(got == AVIC_DONE || core.exit.code == 0x401);
	}
}

static void page_line(const struct line *l)
{
	row_case(l, "page");
	for (unsigned offset = l->first; offset <= l->last; offset += 16) {
		uint64_t value = 0;

		start(false);
		put32(PAGE(0) + offset, 0x5a000000 + offset);
		check_read(l->read, avic_page_read(&core, offset, 4, &value), offset, &value);
		check_write(l->write, avic_page_write(&core, offset, 4, 0), offset, 0);
		EXPECT_EQ(strict_count, 0);
	}
}

static void msr_line(const struct line *l)
{
	row_case(l, "MSR");
	for (unsigned msr = l->first; msr <= l->last; msr++) {
		unsigned offset = (msr - 0x800) << 4;
		uint64_t value = 0;

		start(true);
		put32(PAGE(0) + offset, 0x5a000000 + offset);
		check_read(l->read, avic_msr_read(&core, msr, &value), offset, &value);
		check_write(l->write, avic_msr_write(&core, msr, 0), offset, 0);
		EXPECT_EQ(strict_count, 0);
	}
}

/* The bits that x2APIC mode calls reserved, one by one. */
static void reserved_bits(uint32_t msr, uint64_t allowed)
{
	ASSUMED(APM, "x2AVIC", "WRMSR %xh: #GP for each bit outside of %llxh", msr,
		(unsigned long long)allowed);
	for (unsigned bit = 0; bit < 64; bit++) {
		start(true);
		bool gp = avic_msr_write(&core, msr, 1ull << bit) == AVIC_GP;

		EXPECT_EQ(gp, !(allowed >> bit & 1));
	}
}

static void extended_lvt(void)
{
	CASE(APM, "Virtual APIC Register Accesses",
		"ExtLvtAvicAccessChg: 500h to 530h read allowed, write trap; else faults");

	uint64_t value;

	start(false);
	machine.opt.ext_lvt = true;
	EXPECT_EQ(avic_page_read(&core, 0x500, 4, &value), AVIC_DONE);
	EXPECT_EQ(avic_page_write(&core, 0x530, 4, 0x10000), AVIC_TRAP);
	EXPECT_EQ(get32(PAGE(0) + 0x530), 0x10000);
	EXPECT_EQ(avic_page_write(&core, 0x540, 4, 0), AVIC_FAULT);
	start(true);
	machine.opt.ext_lvt = true;
	EXPECT_EQ(avic_msr_read(&core, 0x853, &value), AVIC_DONE);
	EXPECT_EQ(avic_msr_write(&core, 0x850, 0x10000), AVIC_TRAP);
}

/* Between the registers is memory; an odd access has no side effect, but no way round. */
static void odd_accesses(void)
{
	ASSUMED(APM, "Virtual APIC Register Accesses",
		"bytes between the registers are memory; an access that is not an aligned word has no side effect and gets round no fault");

	uint64_t value;

	start(false);
	EXPECT_EQ(avic_page_write(&core, 0x084, 4, 0x12345678), AVIC_DONE);
	EXPECT_EQ(get32(PAGE(0) + 0x84), 0x12345678);
	EXPECT_EQ(core.v_tpr, 0);
	EXPECT_EQ(avic_page_write(&core, 0x080, 1, 0x50), AVIC_DONE);
	EXPECT_EQ(core.v_tpr, 0);
	EXPECT_EQ(avic_page_read(&core, 0x080, 1, &value), AVIC_DONE);
	EXPECT_EQ(value, 0x50);
	EXPECT_EQ(avic_page_write(&core, 0x202, 1, 0xff), AVIC_FAULT);
	EXPECT_EQ(core.exit.info1, 0x100000200ull);
	EXPECT_EQ(avic_page_write(&core, 0x204, 4, 7), AVIC_DONE);
	EXPECT_EQ(avic_page_write(&core, 0x1fe, 4, 7), AVIC_FAULT);
	EXPECT_EQ(avic_page_read(&core, 0x38d, 8, &value), AVIC_FAULT);
	EXPECT_EQ(core.exit.info1, 0x390);
}

static void icr_halves(void)
{
	CASE(APM, "x2AVIC", "WRMSR of the ICR stores 310h and 300h; RDMSR reads both");

	uint64_t value;

	start(true);
	put_entry(0x77, 1, true);
	EXPECT_EQ(avic_msr_write(&core, 0x830, 0x0000007700000031ull), AVIC_DONE);
	EXPECT_EQ(get32(PAGE(0) + 0x300), 0x31);
	EXPECT_EQ(get32(PAGE(0) + 0x310), 0x77);
	EXPECT_EQ(avic_msr_read(&core, 0x830, &value), AVIC_DONE);
	EXPECT_EQ(value, 0x0000007700000031ull);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(page_table) / sizeof(page_table[0]); i++)
		page_line(&page_table[i]);
	for (size_t i = 0; i < sizeof(msr_table) / sizeof(msr_table[0]); i++)
		msr_line(&msr_table[i]);
	reserved_bits(0x808, 0xff);
	reserved_bits(0x80b, 0);
	reserved_bits(0x80f, 0x3ff);
	reserved_bits(0x828, 0);
	reserved_bits(0x830, 0xffffffff000cdfffull);
	reserved_bits(0x832, 0x310ff);
	reserved_bits(0x834, 0x117ff);
	reserved_bits(0x835, 0x1f7ff);
	reserved_bits(0x838, 0xffffffff);
	reserved_bits(0x83e, 0xb);
	reserved_bits(0x83f, 0xff);
	extended_lvt();
	odd_accesses();
	icr_halves();
	return summary();
}
