// SPDX-License-Identifier: MIT
/* sources: svm/perm.c */
#include "svm/perm.h"
#include "svm/svm.h"
#include "page.h"
#include "test.h"

static int pages_left = -1;

phys_t page_alloc(size_t count, size_t align_pages)
{
	if (pages_left == 0)
		return PHYS_NONE;
	if (pages_left > 0)
		pages_left--;
	return PHYS((uint64_t)aligned_alloc(4096, 4096 * count));
}

static struct svm_vm vm;

static uint8_t msr_byte(phys_t map, unsigned n)
{
	return ((const uint8_t *)map.v)[n];
}

static uint8_t io_byte(unsigned n)
{
	return ((const uint8_t *)vm.iopm.v)[n];
}

TEST(all_closed_at_first)
{
	EXPECT_EQ(perm_init(&vm), OK);
	for (unsigned i = 0; i < 8192; i++)
		EXPECT(msr_byte(vm.msrpm, i) == 0xff && msr_byte(vm.msrpm_x2avic, i) == 0xff);
	for (unsigned i = 0; i < 3 * 4096; i++)
		EXPECT(io_byte(i) == 0xff);
	perm_free(&vm);
	EXPECT_EQ(vm.iopm.v, ~0ull);
}

/* 24593 rev 3.44, "MSR Intercepts": two bits an MSR, read first; MSRs from 0 at 000h, from
 * C000_0000h at 800h, from C001_0000h at 1000h. */
TEST(msr_positions)
{
	EXPECT_EQ(perm_init(&vm), OK);
	perm_msr(&vm, 0x10, PERM_READ);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x04), 0xfe);
	EXPECT_EQ(msr_byte(vm.msrpm_x2avic, 0x04), 0xfe);
	perm_msr(&vm, 0xc0000081, PERM_RW);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x820), 0xf3);
	perm_msr(&vm, 0xc0010117, PERM_WRITE);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x1045), 0x7f);
	perm_msr(&vm, 0x1fff, PERM_RW);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x7ff), 0x3f);
	perm_msr(&vm, 0xc0011fff, PERM_RW);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x17ff), 0x3f);
	/* Closing again. */
	perm_msr(&vm, 0x10, PERM_NONE);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x04), 0xff);
	perm_msr(&vm, 0xc0000081, PERM_READ);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x820), 0xfb);
	perm_free(&vm);
}

TEST(x2avic_map_only)
{
	EXPECT_EQ(perm_init(&vm), OK);
	perm_msr_x2avic(&vm, 0x80b, PERM_WRITE); /* EOI */
	EXPECT_EQ(msr_byte(vm.msrpm_x2avic, 0x202), 0x7f);
	EXPECT_EQ(msr_byte(vm.msrpm, 0x202), 0xff);
	perm_free(&vm);
}

TEST(ports)
{
	EXPECT_EQ(perm_init(&vm), OK);
	perm_io(&vm, 0x3f8, true);
	EXPECT_EQ(io_byte(0x7f), 0xfe);
	perm_io(&vm, 0xffff, true);
	EXPECT_EQ(io_byte(0x1fff), 0x7f);
	perm_io(&vm, 0x3f8, false);
	EXPECT_EQ(io_byte(0x7f), 0xff);
	perm_free(&vm);
}

TEST(no_memory)
{
	for (pages_left = 0; pages_left < 3;) {
		int n = pages_left;

		EXPECT_EQ(perm_init(&vm), ERR_NOMEM);
		pages_left = n + 1;
	}
	pages_left = -1;
}
