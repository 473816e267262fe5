/* SPDX-License-Identifier: MIT */
#include "fpu.h"
#include "base/lib.h"
#include "page.h"
#include "regs.h"
#include <hw/cpu.h>
#include <hw/mem.h>

#define LEGACY_BYTES   512 /* FXSAVE image */
#define FCW_OFFSET     0
#define MXCSR_OFFSET   24
#define FCW_RESET      0x37f
#define MXCSR_RESET    0x1f80
#define XCR0_FOR_GUEST (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

static uint64_t components; /* XCR0 with all that guests may use; 0: no XSAVE */
static uint32_t area_bytes = LEGACY_BYTES;

void svm_fpu_init_cpu(void)
{
	struct cpuid features = hw_cpuid(1, 0);

	area_bytes = LEGACY_BYTES;
	components = 0;
	if (!(features.ecx & BIT(26)))
		return;
	struct cpuid xsave = hw_cpuid(0xd, 0);
	uint64_t supported = (uint64_t)xsave.edx << 32 | xsave.eax;

	components = supported & XCR0_FOR_GUEST;
	hw_xsetbv(0, components);
	/* EBX: bytes for what XCR0 enables now. */
	area_bytes = hw_cpuid(0xd, 0).ebx;
}

uint64_t svm_fpu_xcr0_mask(void)
{
	return components;
}

static size_t area_pages(void)
{
	return (area_bytes + PAGE_MASK) / PAGE_BYTES;
}

err_t svm_fpu_init(struct svm_vcpu *s)
{
	phys_t area = page_alloc(area_pages(), 1);

	if (area.v == PHYS_NONE.v)
		return ERR_NOMEM;
	s->fpu = phys_to_virt(area);
	svm_fpu_reset(s);
	return OK;
}

void svm_fpu_reset(struct svm_vcpu *s)
{
	memset(s->fpu, 0, area_pages() * PAGE_BYTES);
	/* XRSTOR resets what XSTATE_BV leaves out, except for MXCSR, which it always loads (24593
	 * rev 3.44, "Restoring Processor State"); FXRSTOR loads everything. */
	*(uint16_t *)(s->fpu + FCW_OFFSET) = FCW_RESET;
	*(uint32_t *)(s->fpu + MXCSR_OFFSET) = MXCSR_RESET;
	s->xcr0 = XCR0_X87;
}

void svm_fpu_free(struct svm_vcpu *s)
{
	if (s->fpu)
		page_free(virt_to_phys(s->fpu), area_pages());
	s->fpu = NULL;
}

#define DR0_TO_DR3  0x000f
#define DR7_ITSELF  0x0080
#define DR7_ENABLES 0xffull

void svm_breakpoints_open(struct svm_vcpu *s)
{
	s->dr_used = true;
	hw_write_breakpoints(s->dr);
	vmcb_set_dr_intercepts(s->vmcb, 0, 0);
}

void svm_breakpoints_close(struct svm_vcpu *s)
{
	s->dr_used = false;
	vmcb_set_dr_intercepts(s->vmcb, DR0_TO_DR3, DR0_TO_DR3 | DR7_ITSELF);
}

static __attribute__((noinline)) void breakpoints_out(struct svm_vcpu *s)
{
	hw_read_breakpoints(s->dr);
	if (!(s->vmcb->dr7 & DR7_ENABLES))
		svm_breakpoints_close(s);
}

static __attribute__((noinline)) void breakpoints_in(const struct svm_vcpu *s)
{
	hw_write_breakpoints(s->dr);
}

/* What the guest has disabled in XCR0 is in the registers all the same, so it is saved and loaded
 * with everything enabled: nothing leaks into the next guest. While nobody's state is loaded, all
 * components are enabled. */
static inline void save(struct svm_vcpu *s, uint64_t all)
{
	if (!s)
		return;
	if (__builtin_expect(s->dr_used, 0))
		breakpoints_out(s);
	if (!all) {
		hw_fxsave(s->fpu);
		return;
	}
	if (__builtin_expect(s->xcr0 != all, 0))
		hw_xsetbv(0, all);
	hw_xsave(s->fpu, all);
}

static inline void load(const struct svm_vcpu *s, uint64_t all)
{
	if (!s)
		return;
	if (__builtin_expect(s->dr_used, 0))
		breakpoints_in(s);
	if (!all) {
		hw_fxrstor(s->fpu);
		return;
	}
	hw_xrstor(s->fpu, all);
	if (__builtin_expect(s->xcr0 != all, 0))
		hw_xsetbv(0, s->xcr0);
}

void svm_fpu_switch(struct cpu *cpu, struct svm_vcpu *from, struct svm_vcpu *to)
{
	uint64_t all = components; /* nobody changes it: looked up once */

	save(from, all);
	load(to, all);
}

/* Which combinations are legal: 24593 rev 3.44, "XFEATURE_ENABLED_MASK". */
bool svm_fpu_set_xcr0(struct svm_vcpu *s, uint32_t index, uint64_t value)
{
	uint64_t avx512 = value & XCR0_AVX512;

	if (!components || index != 0 || (value & ~components) || !(value & XCR0_X87))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if (avx512 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))
		return false;
	s->xcr0 = value;
	hw_xsetbv(0, value);
	return true;
}
