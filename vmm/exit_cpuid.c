// SPDX-License-Identifier: MIT
/* What a guest is told about its CPU (24594 rev 3.37, "Obtaining Processor Information via the
 * CPUID Instruction"). A list of what may be seen: leaves that nobody thought of read 0. */
#include "base/bits.h"
#include "exit_parts.h"
#include "svm/fpu.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/cpu.h>

/* 1, ECX: MONITOR, x2APIC, TSC deadline, XSAVE, OSXSAVE, hypervisor are set by us. */
#define F1C_HIDDEN   (BIT(3) | BIT(17) | BIT(21) | BIT(24) | BIT(26) | BIT(27))
#define F1C_XSAVE    BIT(26)
#define F1C_OSXSAVE  BIT(27)
#define F1C_X2APIC   BIT(21)
#define F1C_DEADLINE BIT(24)
#define F1C_GUEST    BIT(31)
/* 6, EAX: the APIC timer always runs. Without it Linux keeps its periodic tick, unless it has an
 * HPET, which it takes only without. */
#define F6A_ARAT BIT(2)
/* 7, EBX: FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, INVPCID, AVX512F.., RDSEED, ADX, SMAP,
 * CLFLUSHOPT, CLWB, SHA. ECX: UMIP, PKU, OSPKE and the vector extensions. */
#define F7B_SHOWN                                                                                  \
	(BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(16) | BIT(17) |       \
		BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(23) | BIT(24) | BIT(28) | BIT(29) |    \
		BIT(30) | BIT(31))
#define F7C_SHOWN                                                                                  \
	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) |        \
		BIT(12) | BIT(14))
/* D.1, EAX: XSAVEOPT, XSAVEC, XGETBV 1. No XSAVES: IA32_XSS isn't a guest's. */
#define FD1A_SHOWN (BIT(0) | BIT(1) | BIT(2))
/* 8000_0001, ECX: LAHF, CMP_LEGACY, CR8D, ABM, SSE4A, misaligned SSE, 3DNow prefetch, XOP, FMA4,
 * TBM. */
#define FE1C_SHOWN                                                                                 \
	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) | BIT(16) | BIT(21))
/* 8000_0001, EDX: FFXSR, RDTSCP. */
#define FE1D_HIDDEN        (BIT(25) | BIT(27))
#define FE7D_TSC_INVARIANT BIT(8)
#define FE8B_CLZERO        BIT(0)

#define HYPERVISOR_LEAF 0x40000000u

static struct cpuid leaf_1(const struct vcpu *v, struct cpuid r)
{
	r.ebx = (r.ebx & 0xffff) | v->vm->vcpu_count << 16 | (uint32_t)v->index << 24;
	r.ecx = (r.ecx & ~(uint32_t)F1C_HIDDEN) | F1C_GUEST | F1C_DEADLINE;
	if (svm_fpu_xcr0_mask())
		r.ecx |= F1C_XSAVE | (svm_guest_osxsave(&v->svm) ? F1C_OSXSAVE : 0);
	if (vm_has_x2apic(v->vm))
		r.ecx |= F1C_X2APIC;
	return r;
}

/* One socket, one thread a core: the ID below is the core's. */
static struct cpuid leaf_b(const struct vcpu *v, uint32_t subleaf)
{
	struct cpuid r = { .ecx = subleaf, .edx = v->index };

	if (subleaf == 0) {
		r.ebx = 1;
		r.ecx |= 1 << 8;
	} else if (subleaf == 1) {
		r.eax = 8;
		r.ebx = v->vm->vcpu_count;
		r.ecx |= 2 << 8;
	}
	return r;
}

static struct cpuid leaf_d(uint32_t subleaf, struct cpuid r)
{
	uint64_t mask = svm_fpu_xcr0_mask();

	if (subleaf == 0) {
		r.eax &= (uint32_t)mask;
		r.edx &= (uint32_t)(mask >> 32);
	} else if (subleaf == 1) {
		r = (struct cpuid){ .eax = r.eax & FD1A_SHOWN };
	} else if (subleaf >= 64 || !(mask >> subleaf & 1)) {
		r = (struct cpuid){ 0 };
	}
	return r;
}

static struct cpuid extended(const struct vcpu *v, uint32_t leaf, struct cpuid r)
{
	switch (leaf) {
	case 0x80000000 ... 0x80000000 + 0:
	case 0x80000002 ... 0x80000006:
	case 0x80000019:
		return r;
	case 0x80000001:
		r.ecx &= FE1C_SHOWN;
		r.edx &= ~(uint32_t)FE1D_HIDDEN;
		return r;
	case 0x80000007:
		return (struct cpuid){ .edx = r.edx & FE7D_TSC_INVARIANT };
	case 0x80000008:
		return (struct cpuid){ .eax = r.eax & 0xffff,
			.ebx = r.ebx & FE8B_CLZERO,
			.ecx = v->vm->vcpu_count - 1 };
	default:
		return (struct cpuid){ 0 };
	}
}

static struct cpuid guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r = hw_cpuid(leaf, subleaf);

	if (leaf >= 0x80000000)
		return extended(v, leaf, r);
	switch (leaf) {
	case 0:
		return r;
	case 1:
		return leaf_1(v, r);
	case 6:
		return (struct cpuid){ .eax = v->vm->hpet.device.vm ? 0 : F6A_ARAT };
	case 7:
		if (subleaf)
			return (struct cpuid){ 0 };
		return (struct cpuid){ .ebx = r.ebx & F7B_SHOWN, .ecx = r.ecx & F7C_SHOWN };
	case 0xb:
		return leaf_b(v, subleaf);
	case 0xd:
		return leaf_d(subleaf, r);
	case HYPERVISOR_LEAF:
		/* "ReveilleHVM." */
		return (struct cpuid){ HYPERVISOR_LEAF, 0x65766552, 0x656c6c69, 0x2e4d5648 };
	case PVCLOCK_LEAF:
		/* "KVMKVMKVM": the interface's name, by which kernels find it. */
		return (struct cpuid){ PVCLOCK_LEAF + 1, 0x4b4d564b, 0x564b4d56, 0x4d };
	case PVCLOCK_LEAF + 1:
		return (struct cpuid){ .eax = PVCLOCK_FEATURES };
	default:
		return (struct cpuid){ 0 };
	}
}

void exit_cpuid(struct vcpu *v)
{
	struct svm_vcpu *s = &v->svm;
	struct cpuid r = guest_cpuid(v, (uint32_t)svm_rax(s), (uint32_t)s->regs.rcx);

	svm_set_rax(s, r.eax);
	s->regs.rbx = r.ebx;
	s->regs.rcx = r.ecx;
	s->regs.rdx = r.edx;
	svm_skip(s, 2);
}
