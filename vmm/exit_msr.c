// SPDX-License-Identifier: MIT
/* Which MSRs a guest has. Those that #VMEXIT and VMSAVE switch are its own and need no exit; a few
 * are answered here; all others don't exist. */
#include "avic/regs.h"
#include "exit_parts.h"
#include "svm/perm.h"
#include "svm/regs.h"
#include "vcpu.h"
#include "vm.h"

static uint32_t x2apic_msr(enum vapic_reg reg)
{
	return VAPIC_MSR_FIRST + (uint32_t)reg / 16;
}

/*
 * With x2AVIC on: reads that hardware serves from the backing page, and the writes that it
 * accelerates. Other writes would trap to us anyway (24593 rev 3.44, "Virtual APIC Register
 * Accesses"), but which of their reserved bits hardware checks before is not documented; by an
 * intercept the checks are ours. The current count has no value in the page.
 */
static void open_x2apic(struct svm_vm *vm)
{
	static const enum vapic_reg reads[] = { VAPIC_ID, VAPIC_VERSION, VAPIC_PPR, VAPIC_LDR,
		VAPIC_SVR, VAPIC_ESR, VAPIC_LVT_TIMER, VAPIC_LVT_THERMAL, VAPIC_LVT_PERF,
		VAPIC_LVT_LINT0, VAPIC_LVT_LINT1, VAPIC_LVT_ERROR, VAPIC_TIMER_INITIAL,
		VAPIC_TIMER_DIVIDE };

	for (unsigned i = 0; i < ARRAY_COUNT(reads); i++)
		perm_msr_x2avic(vm, x2apic_msr(reads[i]), PERM_READ);
	for (unsigned i = 0; i < 8; i++) {
		perm_msr_x2avic(vm, x2apic_msr(VAPIC_ISR) + i, PERM_READ);
		perm_msr_x2avic(vm, x2apic_msr(VAPIC_TMR) + i, PERM_READ);
		perm_msr_x2avic(vm, x2apic_msr(VAPIC_IRR) + i, PERM_READ);
	}
	perm_msr_x2avic(vm, x2apic_msr(VAPIC_TPR), PERM_RW);
	perm_msr_x2avic(vm, x2apic_msr(VAPIC_ICR_LOW), PERM_RW);
	perm_msr_x2avic(vm, x2apic_msr(VAPIC_EOI), PERM_WRITE);
	perm_msr_x2avic(vm, x2apic_msr(VAPIC_SELF_IPI), PERM_WRITE);
}

void exit_msr_open(struct svm_vm *vm)
{
	static const uint32_t switched[] = { MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK,
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_ESP,
		MSR_SYSENTER_EIP };

	for (unsigned i = 0; i < ARRAY_COUNT(switched); i++)
		perm_msr(vm, switched[i], PERM_RW);
	perm_msr(vm, MSR_TSC, PERM_READ); /* hardware adds the offset */
	open_x2apic(vm);
}

static bool is_x2apic(uint32_t msr)
{
	return msr >= VAPIC_MSR_FIRST && msr <= VAPIC_MSR_LAST;
}

static bool read(struct cpu *here, struct vcpu *v, uint32_t msr, uint64_t *value)
{
	if (is_x2apic(msr))
		return exit_apic_msr(here, v, msr, false, value);
	*value = 0;
	switch (msr) {
	case MSR_EFER:
		*value = svm_guest_efer(&v->svm);
		return true;
	case MSR_PAT:
		*value = svm_guest_pat(&v->svm);
		return true;
	case MSR_APIC_BASE:
		*value = emulated_apic_base(&v->emulated);
		return true;
	case MSR_TSC_DEADLINE:
		*value = emulated_deadline_read(&v->emulated);
		return true;
	case MSR_PVCLOCK_WALL:
	case MSR_PVCLOCK_SYSTEM:
		*value = pvclock_read(v, msr);
		return true;
	case MSR_HWCR:
		*value = HWCR_TSC_FREQ;
		return true;
	/* No banks of machine check registers, nothing has happened. */
	case MSR_MCG_CAP:
	case MSR_MCG_STATUS:
	/* Asked for by kernels without a look at CPUID. */
	case MSR_PATCH_LEVEL:
	case MSR_SYSCFG:
	case MSR_DEBUG_CONTROL:
		return true;
	default:
		return vmtrr_read(&v->vm->mtrr, msr, value);
	}
}

static bool write(struct cpu *here, struct vcpu *v, uint32_t msr, uint64_t value)
{
	if (is_x2apic(msr))
		return exit_apic_msr(here, v, msr, true, &value);
	switch (msr) {
	case MSR_EFER:
		return svm_set_guest_efer(&v->svm, value);
	case MSR_PAT:
		return svm_set_guest_pat(&v->svm, value);
	case MSR_TSC:
		svm_set_guest_tsc(&v->svm, value);
		return true;
	case MSR_APIC_BASE:
		return exit_apic_base(v, value);
	case MSR_TSC_DEADLINE:
		emulated_deadline_write(&v->emulated, value);
		vcpu_timer_changed(here, v);
		return true;
	case MSR_PVCLOCK_WALL:
	case MSR_PVCLOCK_SYSTEM:
		return pvclock_write(v, msr, value);
	case MSR_HWCR:
		return value == HWCR_TSC_FREQ;
	case MSR_DEBUG_CONTROL:
	case MSR_MCG_STATUS:
		return value == 0;
	default:
		return vmtrr_write(&v->vm->mtrr, msr, value);
	}
}

void exit_msr(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	struct svm_vcpu *s = &v->svm;
	uint64_t value = svm_edx_eax(s);
	bool good = e->msr.write ? write(here, v, e->msr.index, value)
				 : read(here, v, e->msr.index, &value);

	if (!good) {
		notice(v->vm, NOTICE_MSR, "vCPU %u, %s %x: #GP", v->index,
			e->msr.write ? "WRMSR" : "RDMSR", e->msr.index);
		exit_inject_gp(v);
		return;
	}
	if (!e->msr.write)
		svm_set_edx_eax(s, value);
	svm_skip(s, 2);
}
