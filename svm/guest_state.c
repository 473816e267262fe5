/* SPDX-License-Identifier: MIT */
/* A guest's registers for those who don't know the VMCB. */
#include "svm.h"
#include "regs.h"
#include "base/lib.h"
#include <hw/cpu.h>

#define CS_LONG         BIT(9)
#define CS_DEFAULT_SIZE BIT(10)

/* Where a general register lives, by its number in instruction encodings. */
static uint64_t *reg_at(struct svm_vcpu *s, unsigned n)
{
	struct guest_regs *r = &s->regs;
	uint64_t *const at[16] = { &s->vmcb->rax, &r->rcx, &r->rdx, &r->rbx, &s->vmcb->rsp, &r->rbp,
		&r->rsi, &r->rdi, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14,
		&r->r15 };

	CHECK(n < ARRAY_COUNT(at));
	return at[n];
}

uint64_t svm_reg(const struct svm_vcpu *s, unsigned n)
{
	return *reg_at((struct svm_vcpu *)s, n);
}

void svm_set_reg(struct svm_vcpu *s, unsigned n, uint64_t v)
{
	*reg_at(s, n) = v;
}

void svm_advance(struct svm_vcpu *s, unsigned length)
{
	s->vmcb->rip += length;
	s->vmcb->int_state &= ~INT_STATE_SHADOW;
}

void svm_set_rip(struct svm_vcpu *s, uint64_t rip)
{
	s->vmcb->rip = rip;
	s->vmcb->int_state &= ~INT_STATE_SHADOW;
}

uint64_t svm_rip(const struct svm_vcpu *s)
{
	return s->vmcb->rip;
}

bool svm_privileged(const struct svm_vcpu *s)
{
	return s->vmcb->cpl == 0;
}

struct svm_mode svm_mode(const struct svm_vcpu *s)
{
	const struct vmcb *b = s->vmcb;
	struct svm_mode mode = {
		.cr3 = b->cr3,
		.paging = b->cr0 & CR0_PG,
		.pae = b->cr4 & CR4_PAE,
		.long_mode = b->efer & EFER_LMA,
		.code_bits = b->cs.attributes & CS_DEFAULT_SIZE ? 32 : 16,
	};

	if (mode.long_mode && (b->cs.attributes & CS_LONG))
		mode.code_bits = 64;
	else
		mode.code_base = b->cs.base;
	return mode;
}

void svm_set_arithmetic_flags(struct svm_vcpu *s, uint64_t flags)
{
	uint64_t all = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF;

	s->vmcb->rflags = (s->vmcb->rflags & ~all) | (flags & all);
}

bool svm_direction_down(const struct svm_vcpu *s)
{
	return s->vmcb->rflags & RFLAGS_DF;
}

uint64_t svm_segment_base(const struct svm_vcpu *s, unsigned n)
{
	const struct vmcb *b = s->vmcb;
	const struct vmcb_segment *const at[] = { &b->es, &b->cs, &b->ss, &b->ds, &b->fs, &b->gs };

	CHECK(n < ARRAY_COUNT(at));
	/* 64-bit code has flat segments but FS and GS. */
	if (n < 4 && svm_mode(s).code_bits == 64)
		return 0;
	return at[n]->base;
}

uint64_t svm_guest_efer(const struct svm_vcpu *s)
{
	return s->vmcb->efer & ~EFER_SVME;
}

/* VMRUN wants SVME set in the guest's image too (24593 rev 3.44, "Canonicalization and Consistency
 * Checks"); a guest sees and sets everything but that. */
bool svm_set_guest_efer(struct svm_vcpu *s, uint64_t efer)
{
	struct vmcb *b = s->vmcb;
	uint64_t allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	if (efer & ~allowed)
		return false;
	if ((b->cr0 & CR0_PG) && ((efer ^ b->efer) & EFER_LME))
		return false;
	efer = (efer & ~EFER_LMA) | (b->efer & EFER_LMA); /* LMA isn't written by software */
	vmcb_set_efer(b, efer | EFER_SVME);
	return true;
}

uint64_t svm_guest_pat(const struct svm_vcpu *s)
{
	return s->vmcb->pat;
}

/* A type that doesn't exist would make VMRUN fail. */
bool svm_set_guest_pat(struct svm_vcpu *s, uint64_t pat)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = pat >> 8 * i & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	vmcb_set_pat(s->vmcb, pat);
	return true;
}

uint64_t svm_tsc_offset(const struct svm_vcpu *s)
{
	return s->vmcb->tsc_offset;
}

void svm_set_guest_tsc(struct svm_vcpu *s, uint64_t value)
{
	vmcb_set_tsc_offset(s->vmcb, value - cpu_ticks());
}

bool svm_guest_osxsave(const struct svm_vcpu *s)
{
	return s->vmcb->cr4 & CR4_OSXSAVE;
}

unsigned svm_insn_bytes(const struct svm_vcpu *s, uint8_t bytes[15])
{
	unsigned count = svm_features()->decode_assists ? s->vmcb->insn_bytes & 15 : 0;

	memcpy(bytes, s->vmcb->insn, count);
	return count;
}

void svm_open_x2apic(struct svm_vcpu *s, bool open)
{
	vmcb_set_msrpm(s->vmcb, open ? s->vm->msrpm_x2avic : s->vm->msrpm);
}
