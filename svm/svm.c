/* SPDX-License-Identifier: MIT */
#include "svm.h"
#include "asid.h"
#include "cpu.h"
#include "fpu.h"
#include "page.h"
#include "regs.h"
#include <hw/cpu.h>
#include <hw/mem.h>

#define ALWAYS_INTERCEPT3                                                                          \
	(INTERCEPT3_INTR | INTERCEPT3_NMI | INTERCEPT3_SMI | INTERCEPT3_INIT | INTERCEPT3_RDPMC |  \
		INTERCEPT3_CPUID | INTERCEPT3_INVD | INTERCEPT3_HLT | INTERCEPT3_INVLPGA |         \
		INTERCEPT3_IOIO | INTERCEPT3_MSR | INTERCEPT3_SHUTDOWN)
#define ALWAYS_INTERCEPT4                                                                          \
	(INTERCEPT4_VMRUN | INTERCEPT4_VMMCALL | INTERCEPT4_VMLOAD | INTERCEPT4_VMSAVE |           \
		INTERCEPT4_STGI | INTERCEPT4_CLGI | INTERCEPT4_SKINIT | INTERCEPT4_RDTSCP |        \
		INTERCEPT4_WBINVD | INTERCEPT4_MONITOR | INTERCEPT4_MWAIT | INTERCEPT4_XSETBV |    \
		INTERCEPT4_RDPRU)
/* A guest whose handlers raise #AC or #DB again keeps the core in microcode for ever, out of reach
 * of interrupts; an intercept ends that. #MC is the host's. */
#define ALWAYS_EXCEPTIONS (BIT(EXC_AC) | BIT(EXC_DB) | BIT(EXC_MC))

static struct svm_features features;
static uint32_t clean_after_exit; /* CLEAN_ALL where the CPU has clean bits */

const struct svm_features *svm_features(void)
{
	return &features;
}

void svm_probe(struct svm_features *f)
{
	svm_read_features(f);
	features = *f;
	clean_after_exit = f->vmcb_clean ? CLEAN_ALL : 0;
}

err_t svm_init_cpu(struct cpu *cpu)
{
	uint64_t vm_cr = hw_rdmsr(MSR_VM_CR);

	if (!features.svm || features.asid_count < 2)
		return ERR_UNFIT;
	if (vm_cr & VM_CR_SVMDIS) {
		if (vm_cr & VM_CR_LOCK)
			return ERR_UNFIT;
		hw_wrmsr(MSR_VM_CR, vm_cr & ~VM_CR_SVMDIS);
	}
	/* Two pages, because what VMRUN keeps in its own is not specified (24593 rev 3.44,
	 * "VM_HSAVE_PA MSR"). */
	phys_t pages = page_alloc(2, 1);

	if (pages.v == PHYS_NONE.v)
		return ERR_NOMEM;
	hw_wrmsr(MSR_EFER, hw_rdmsr(MSR_EFER) | EFER_SVME);
	hw_wrmsr(MSR_VM_HSAVE_PA, pages.v);
	cpu->host_vmcb = PHYS(pages.v + PAGE_BYTES);
	hw_vmsave(cpu->host_vmcb);
	asid_init_cpu(cpu, features.asid_count);
	return OK;
}

err_t svm_vcpu_init(struct svm_vcpu *s, const struct svm_vm *vm)
{
	*s = (struct svm_vcpu){ .vm = vm };
	s->vmcb_phys = page_alloc(1, 1);
	if (s->vmcb_phys.v == PHYS_NONE.v)
		return ERR_NOMEM;
	s->vmcb = phys_to_virt(s->vmcb_phys);
	err_t err = svm_fpu_init(s);

	if (err) {
		svm_vcpu_free(s);
		return err;
	}
	struct vmcb *b = s->vmcb;

	b->exceptions = ALWAYS_EXCEPTIONS;
	b->intercept3 = ALWAYS_INTERCEPT3;
	b->intercept4 = ALWAYS_INTERCEPT4;
	svm_breakpoints_close(s);
	b->iopm = vm->iopm.v;
	b->msrpm = vm->msrpm.v;
	b->int_control = VIC_INTR_MASKING;
	b->np_control = NP_ENABLE;
	b->ncr3 = vm->npt_root.v;
	b->pat = PAT_RESET;
	return OK;
}

void svm_vcpu_free(struct svm_vcpu *s)
{
	svm_fpu_free(s);
	if (s->vmcb)
		page_free(s->vmcb_phys, 1);
	s->vmcb = NULL;
}

/* [irq-path 8] VMRUN: hardware finds the IRR bit in the backing page and delivers the vector. */
void svm_enter(struct cpu *cpu, struct svm_vcpu *s)
{
	asid_check(cpu, s);
	hw_run_guest(s->vmcb_phys, &s->regs, cpu->host_vmcb);

	struct vmcb *b = s->vmcb; /* only now, so that it needs no register over the call */

	b->tlb_control = TLB_KEEP;
	b->clean = clean_after_exit;
}

void svm_skip(struct svm_vcpu *s, unsigned length)
{
	struct vmcb *b = s->vmcb;

	b->rip = features.nrips && b->nrip ? b->nrip : b->rip + length;
	b->int_state &= ~INT_STATE_SHADOW;
}

void svm_intercept_hlt(struct svm_vcpu *s, bool intercept)
{
	uint32_t bits = s->vmcb->intercept3 & ~(uint32_t)INTERCEPT3_HLT;

	vmcb_set_intercept3(s->vmcb, bits | (intercept ? INTERCEPT3_HLT : 0));
}

/* May run while the vCPU is inside the guest on another CPU: the caller kicks it there. */
void svm_flush(struct svm_vcpu *s)
{
	__atomic_store_n(&s->asid_generation, 0, __ATOMIC_RELEASE);
}
