/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVIC's share of RDMSR, WRMSR and CR8: the permission map and CPL are checked already. */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "target/i386/tcg/helper-tcg.h"
#include "avic_glue_internal.h"
#include "../model/spec_avic.h"

static bool x2avic_msr(CPUX86State *env, uint32_t msr)
{
	return msr >= X2APIC_MSR_FIRST && msr <= X2APIC_MSR_LAST && avic_glue_active(env) &&
	       !avic_glue_view(env)->xavic;
}

bool avic_glue_rdmsr(CPUX86State *env, uintptr_t ra)
{
	struct avic_core *core = &env_archcpu(env)->avic->core;
	uint32_t msr = env->regs[R_ECX];
	uint64_t value;

	if (msr == MSR_AVIC_DOORBELL)
		raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
	if (!x2avic_msr(env, msr))
		return false;
	bql_lock();
	avic_glue_result(env_cpu(env), avic_msr_read(core, msr, &value), ra);
	bql_unlock();
	env->regs[R_EAX] = (uint32_t)value;
	env->regs[R_EDX] = value >> 32;
	return true;
}

bool avic_glue_wrmsr(CPUX86State *env, uintptr_t ra)
{
	struct avic_core *core = &env_archcpu(env)->avic->core;
	uint32_t msr = env->regs[R_ECX];
	uint64_t value = (uint32_t)env->regs[R_EAX] | (uint64_t)env->regs[R_EDX] << 32;

	if (msr == MSR_AVIC_DOORBELL) {
		bql_lock();
		bool ok = env->features[FEAT_SVM] & CPUID_SVM_AVIC &&
			  avic_write_doorbell(core, value);
		bql_unlock();
		if (!ok)
			raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
		return true;
	}
	if (!x2avic_msr(env, msr))
		return false;
	bql_lock();
	avic_glue_result(env_cpu(env), avic_msr_write(core, msr, value), ra);
	bql_unlock();
	return true;
}

void avic_glue_write_cr8(CPUX86State *env, uint64_t value)
{
	bql_lock();
	avic_write_cr8(&env_archcpu(env)->avic->core, value & 15);
	avic_glue_sync(env_cpu(env));
	bql_unlock();
}
