/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM_CR, and what it and GIF do to an INIT. 24593 rev 3.44, "VM_CR MSR". */
#include "qemu/osdep.h"
#include "target/i386/tcg/helper-tcg.h"
#include "svm_entry.h"

#define VM_CR_R_INIT (1u << 1)
#define VM_CR_LOCK   (1u << 3)
#define VM_CR_MASK   0x1fu
#define EXCP_SX      30
#define SX_INIT      1 /* error code: an INIT was redirected */

bool svm_vm_cr_write(CPUX86State *env, uint64_t val)
{
	uint64_t fixed = env->svm_vm_cr & VM_CR_LOCK ? VM_CR_LOCK | VM_CR_SVMDIS : 0;

	if (val & ~(uint64_t)VM_CR_MASK)
		return false;
	if ((val & VM_CR_SVMDIS) && (env->efer & MSR_EFER_SVME))
		return false;
	env->svm_vm_cr = (val & ~fixed) | (env->svm_vm_cr & fixed);
	return true;
}

bool svm_init_allowed(CPUState *cs)
{
	return cpu_env(cs)->hflags2 & HF2_GIF_MASK;
}

bool svm_init_redirected(CPUState *cs)
{
	CPUX86State *env = cpu_env(cs);

	if (!(env->svm_vm_cr & VM_CR_R_INIT))
		return false;
	cpu_reset_interrupt(cs, CPU_INTERRUPT_INIT);
	cs->exception_index = EXCP_SX;
	env->error_code = SX_INIT;
	env->exception_is_int = 0;
	env->exception_next_eip = -1;
	return true;
}
