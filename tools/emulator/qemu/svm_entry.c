/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/osdep.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"
#include "stopwatch.h"

#define CONTROL(field) (env->vm_vmcb + offsetof(struct vmcb, control.field))
#define SAVE(field)    (env->vm_vmcb + offsetof(struct vmcb, save.field))

SvmSide *svm_side(CPUX86State *env)
{
	static SvmSide *sides[SW_CPUS + 1];
	unsigned index = MIN(env_cpu(env)->cpu_index, SW_CPUS);

	if (!sides[index])
		sides[index] = g_new0(SvmSide, 1);
	return sides[index];
}

void svm_entry_begin(CPUX86State *env)
{
	SvmSide *side = svm_side(env);

	side->invalid = false;
	/* 24593 rev 3.44, "VM_HSAVE_PA MSR": to be set before the first VMRUN. */
	if (!env->vm_hsave)
		reveille_strict("VMRUN while VM_HSAVE_PA is 0");
	svm_clean_load(env, side);
	svm_tlb_leave_host(env, side);
}

/* 24593 rev 3.44, "Event Injection": what may stand in EVENTINJ. */
static bool injection_valid(CPUX86State *env, CPUState *cs)
{
	uint32_t event = svm_ldl(cs, CONTROL(event_inj));
	unsigned vector = event & SVM_EVTINJ_VEC_MASK;
	bool has_code = event & SVM_EVTINJ_VALID_ERR;

	if (!(event & SVM_EVTINJ_VALID))
		return true;
	if (event & 0x7ffff000)
		reveille_strict("EVENTINJ %08x: reserved bits set", event);
	switch (event & SVM_EVTINJ_TYPE_MASK) {
	case SVM_EVTINJ_TYPE_INTR:
	case SVM_EVTINJ_TYPE_NMI:
	case SVM_EVTINJ_TYPE_SOFT:
		if (has_code)
			reveille_strict("EVENTINJ %08x: only exceptions have error codes", event);
		return true;
	case SVM_EVTINJ_TYPE_EXEPT:
		if (vector == EXCP02_NMI || vector > 31)
			return false;
		/* QEMU pushes an error code by vector and does not look at EV. */
		if (has_code != !!exception_has_error_code(vector))
			reveille_strict("EVENTINJ %08x: EV does not fit vector %u", event, vector);
		return true;
	default:
		return false;
	}
}

static bool pat_valid(uint64_t pat)
{
	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint8_t type = pat >> shift;

		if (type == 2 || type == 3 || type > 7)
			return false;
	}
	return true;
}

static bool nested_paging_valid(CPUX86State *env, CPUState *cs)
{
	uint64_t ncr3 = svm_ldq(cs, CONTROL(nested_cr3));

	if (!(svm_ldq(cs, CONTROL(nested_ctl)) & SVM_NPT_ENABLED))
		return true;
	if (!(env->cr[0] & CR0_PG_MASK) || ncr3 >> env_archcpu(env)->phys_bits)
		return false;
	return pat_valid(svm_ldq(cs, env->vm_vmcb + VMCB_G_PAT));
}

/* Values 3 and 7 are there with FlushByAsid; others are undefined. */
static void check_tlb_control(CPUX86State *env, CPUState *cs)
{
	uint8_t tlb = svm_ldub(cs, CONTROL(tlb_ctl));
	bool by_asid = env->features[FEAT_SVM] & CPUID_SVM_FLUSHASID;

	if (tlb > 1 && !(by_asid && (tlb == 3 || tlb == 7)))
		reveille_strict("VMCB %" PRIx64 ": TLB_CONTROL %u", env->vm_vmcb, tlb);
}

bool svm_entry_valid(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);

	check_tlb_control(env, cs);
	return svm_ldl(cs, CONTROL(asid)) < env_archcpu(env)->svm_nasid &&
	       nested_paging_valid(env, cs) && injection_valid(env, cs);
}

static uint64_t vapic_record(CPUX86State *env, CPUState *cs)
{
	if (!(env->int_ctl & INT_CTL_AVIC))
		return 0;
	return (svm_ldq(cs, env->vm_vmcb + VMCB_VAPIC) & VAPIC_ADDR) | 1;
}

void svm_entry_done(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);
	SvmTag tag = svm_asid_enter(env, svm_side(env));
	uint32_t event;

	svm_tlb_enter_guest(env, svm_side(env), &tag);
	if (!sw_on)
		return;
	event = svm_ldl(cs, CONTROL(event_inj));
	sw_record(cs, SW_VMRUN, event & SVM_EVTINJ_VALID ? event : 0, svm_ldl(cs, CONTROL(asid)),
		env->vm_vmcb, vapic_record(env, cs));
}

void svm_entry_injected(CPUX86State *env, unsigned vector)
{
	CPUState *cs = env_cpu(env);

	sw_record(cs, SW_VIRQ, vector, 2, env->vm_vmcb, vapic_record(env, cs) & ~1ull);
}

uint64_t svm_entry_return_rip(CPUX86State *env)
{
	if (env->features[FEAT_SVM] & CPUID_SVM_NRIPSAVE)
		return svm_ldq(env_cpu(env), env->vm_vmcb + VMCB_NRIP);
	return env->eip;
}

void svm_virq_taken(CPUX86State *env, unsigned vector)
{
	sw_record(env_cpu(env), SW_VIRQ, vector, 1, env->vm_vmcb, 0);
}

void svm_host_irq(CPUX86State *env, unsigned vector)
{
	if (!(env->hflags & HF_GUEST_MASK))
		sw_record(env_cpu(env), SW_HOST_IRQ, vector, 0, 0, 0);
}

/* 24593 rev 3.44, "State Saved on Exit": the intercepts of instructions, and no others. */
static bool has_nrip(uint64_t code)
{
	return code < SVM_EXIT_EXCP_BASE ||
	       (code >= SVM_EXIT_CR0_SEL_WRITE && code <= SVM_EXIT_MSR) ||
	       (code >= SVM_EXIT_VMRUN && code <= 0x8e);
}

uint64_t svm_exit_reason(CPUX86State *env, uint64_t code, uint64_t info1)
{
	CPUState *cs = env_cpu(env);

	svm_side(env)->invalid = code == (uint64_t)SVM_EXIT_ERR;
	if (env->features[FEAT_SVM] & CPUID_SVM_NRIPSAVE)
		svm_stq(cs, env->vm_vmcb + VMCB_NRIP,
			has_nrip(code) ? env->eip + env->svm_insn_bytes : 0);
	return svm_decode_assist(env, code, info1);
}

bool svm_exit_invalid(CPUX86State *env)
{
	return svm_side(env)->invalid;
}

void svm_exit_begin(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);

	svm_tlb_leave_guest(env, svm_side(env));
	if (sw_on)
		sw_record(cs, SW_VMEXIT, 0, svm_ldl(cs, CONTROL(exit_code)), env->vm_vmcb,
			env->regs[R_EAX]);
}

void svm_exit_end(CPUX86State *env)
{
	svm_clean_save(env, svm_side(env));
	svm_tlb_enter_host(env, svm_side(env));
}
