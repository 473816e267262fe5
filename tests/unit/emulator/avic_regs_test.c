/* SPDX-License-Identifier: MIT */
/* Every register of the APIC page and every x2APIC MSR: what a read and a write do. */
#include "avic_host.h"

/* a allowed, c accelerated, t trap, f fault, g #GP. Typed from the manual's table. */
struct line {
	unsigned first, last;
	char read, write;
};

static const struct line page_table[] = {
	{ 0x000, 0x010, 'a', 'a' },
	{ 0x020, 0x020, 'a', 't' },
	{ 0x030, 0x030, 'a', 'f' },
	{ 0x040, 0x070, 'a', 'a' },
	{ 0x080, 0x080, 'a', 'c' },
	{ 0x090, 0x090, 'f', 'f' },
	{ 0x0a0, 0x0a0, 'a', 'f' },
	{ 0x0b0, 0x0b0, 'a', 'c' },
	{ 0x0c0, 0x0f0, 'a', 't' },
	{ 0x100, 0x170, 'a', 'f' },
	{ 0x180, 0x1f0, 'a', 'f' },
	{ 0x200, 0x270, 'a', 'f' },
	{ 0x280, 0x280, 'a', 't' },
	{ 0x290, 0x2f0, 'a', 'a' },
	{ 0x300, 0x300, 'a', 'c' },
	{ 0x310, 0x310, 'a', 'a' },
	{ 0x320, 0x380, 'a', 't' },
	{ 0x390, 0x390, 'f', 'f' },
	{ 0x3a0, 0x3d0, 'a', 'a' },
	{ 0x3e0, 0x3e0, 'a', 't' },
	{ 0x3f0, 0x3f0, 'a', 'a' },
	{ 0x400, 0xff0, 'f', 'f' },
};

static const struct line msr_table[] = {
	{ 0x800, 0x801, 'g', 'g' },
	{ 0x802, 0x803, 'a', 'g' },
	{ 0x804, 0x807, 'g', 'g' },
	{ 0x808, 0x808, 'a', 'c' },
	{ 0x809, 0x809, 'f', 'g' },
	{ 0x80a, 0x80a, 'a', 'g' },
	{ 0x80b, 0x80b, 'g', 'c' },
	{ 0x80c, 0x80c, 'g', 'g' },
	{ 0x80d, 0x80d, 'a', 'g' },
	{ 0x80e, 0x80e, 'g', 'g' },
	{ 0x80f, 0x80f, 'a', 't' },
	{ 0x810, 0x827, 'a', 'g' },
	{ 0x828, 0x828, 'a', 't' },
	{ 0x829, 0x82f, 'g', 'g' },
	{ 0x830, 0x830, 'a', 'c' },
	{ 0x831, 0x831, 'g', 'g' },
	{ 0x832, 0x838, 'a', 't' },
	{ 0x839, 0x839, 'f', 'g' },
	{ 0x83a, 0x83d, 'g', 'g' },
	{ 0x83e, 0x83e, 'a', 't' },
	{ 0x83f, 0x83f, 'g', 'c' },
	{ 0x840, 0x842, 'f', 'f' },
	{ 0x843, 0x847, 'g', 'g' },
	{ 0x848, 0x84f, 'f', 'f' },
	{ 0x850, 0x853, 'f', 'f' },
	{ 0x854, 0x8ff, 'g', 'g' },
};

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
	for (unsigned bit = 0; bit < 64; bit++) {
		start(true);
		bool gp = avic_msr_write(&core, msr, 1ull << bit) == AVIC_GP;

		EXPECT_EQ(gp, !(allowed >> bit & 1));
	}
}

static void extended_lvt(void)
{
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
