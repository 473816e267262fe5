/* SPDX-License-Identifier: MIT */
/* 24593 rev 3.44, "Page Translation and Protection". */
#include "guest/walk.h"
#include "base/bits.h"
#include "svm/svm.h"
#include "vm.h"

#define PTE_PRESENT BIT(0)
#define PTE_LARGE   BIT(7)
#define PTE_ADDRESS FIELD(51, 12)
/* Of a page of 4 MiB: its address' bits 31:22, and 39:32. */
#define PDE_LOW  FIELD(31, 22)
#define PDE_HIGH FIELD(20, 13)

struct format {
	unsigned levels, entry_bytes, index_bits;
	uint64_t root;
};

static struct format format_of(const struct svm_mode *mode)
{
	if (mode->long_mode)
		return (struct format){ 4, 8, 9, mode->cr3 & PTE_ADDRESS };
	if (mode->pae)
		return (struct format){ 3, 8, 9, mode->cr3 & FIELD(31, 5) };
	return (struct format){ 2, 4, 10, mode->cr3 & FIELD(31, 12) };
}

bool guest_translate(struct vcpu *v, uint64_t linear, gpa_t *gpa)
{
	struct svm_mode mode = svm_mode(&v->svm);

	if (!mode.paging) {
		*gpa = GPA(linear & 0xffffffff);
		return true;
	}
	struct format f = format_of(&mode);
	uint64_t table = f.root;
	unsigned shift = 12 + f.index_bits * f.levels;

	while (shift > 12) {
		uint64_t entry = 0;

		shift -= f.index_bits;
		uint64_t index = linear >> shift & (BIT(f.index_bits) - 1);

		if (!vm_read(v->vm, GPA(table + index * f.entry_bytes), &entry, f.entry_bytes) ||
			!(entry & PTE_PRESENT))
			return false;
		table = entry & PTE_ADDRESS;
		/* Bit 7 of a 4 KiB entry is PAT; of the top level it is reserved. */
		if (shift > 12 && shift <= 30 && (entry & PTE_LARGE)) {
			if (f.entry_bytes == 4)
				table = (entry & PDE_LOW) | field_get(PDE_HIGH, entry) << 32;
			break;
		}
	}
	uint64_t offset = BIT(shift) - 1;

	*gpa = GPA((table & ~offset) | (linear & offset));
	return true;
}

unsigned guest_fetch(struct vcpu *v, uint8_t *code, unsigned count)
{
	struct svm_mode mode = svm_mode(&v->svm);
	uint64_t linear = mode.code_base + svm_rip(&v->svm);
	unsigned got = 0;

	while (got < count) {
		unsigned piece = (unsigned)(PAGE_BYTES - ((linear + got) & PAGE_MASK));
		gpa_t gpa;

		if (piece > count - got)
			piece = count - got;
		if (!guest_translate(v, linear + got, &gpa) ||
			!vm_read(v->vm, gpa, code + got, piece))
			break;
		got += piece;
	}
	return got;
}
