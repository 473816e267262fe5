/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLB across VMRUN and #VMEXIT. QEMU flushed all of it each time; here a guest's
 * translations have MMU indices of their own (hooks/svm-tlb.hook), so the host's stay, as
 * those of ASID 0 do on hardware, and the guest's stay until somebody else needs the place:
 * they are flushed at VMRUN unless the same VMCB comes back with the same tag, asks for no
 * flush and has been nowhere else meanwhile. What a hypervisor forgets to flush is then used
 * as it is, as on hardware.
 */
#include "qemu/osdep.h"
#include "exec/cputlb.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"

#define LINEAR       ((1u << MMU_PHYS_IDX) - 1)
#define HOST_SIDE    LINEAR
#define GUEST_LINEAR (LINEAR << MMU_GUEST)
#define GUEST_SIDE   (GUEST_LINEAR | 1u << MMU_NESTED_IDX)

static SvmPaging paging(CPUX86State *env)
{
	return (SvmPaging){ env->cr[0], env->cr[3], env->cr[4], env->efer };
}

/* In SMM physical addresses, too, mean something else. */
void svm_tlb_flush(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);

	if (svm_side(env)->switching)
		return;
	if (env->hflags & HF_SMM_MASK)
		tlb_flush(cs);
	else
		tlb_flush_by_mmuidx(cs, env->hflags & HF_GUEST_MASK ? GUEST_LINEAR : HOST_SIDE);
}

void svm_tlb_leave_host(CPUX86State *env, SvmSide *side)
{
	side->host = paging(env);
	side->switching = true;
}

void svm_tlb_enter_guest(CPUX86State *env, SvmSide *side, const SvmTag *tag)
{
	SvmPaging now = paging(env);
	CPUState *cs = env_cpu(env);

	side->switching = false;
	if (svm_ldub(cs, env->vm_vmcb + offsetof(struct vmcb, control.tlb_ctl)) ||
		memcmp(tag, &side->held, sizeof(*tag)) || memcmp(&now, &side->guest, sizeof(now)))
		tlb_flush_by_mmuidx(cs, GUEST_SIDE);
	side->held = *tag;
}

/* After VMEXIT_INVALID there never was a guest. */
void svm_tlb_leave_guest(CPUX86State *env, SvmSide *side)
{
	if (!side->invalid)
		side->guest = paging(env);
	side->switching = true;
}

void svm_tlb_enter_host(CPUX86State *env, SvmSide *side)
{
	SvmPaging now = paging(env);

	side->switching = false;
	if (memcmp(&now, &side->host, sizeof(now)))
		tlb_flush_by_mmuidx(env_cpu(env), HOST_SIDE);
}
