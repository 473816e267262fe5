/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations are tagged by ASID on each core (24593 rev 3.44, "TLB Control"). QEMU
 * flushes everything at VMRUN and #VMEXIT, so a hypervisor that re-uses a tag for
 * something else, or comes back to a core with a stale one, would get away with it here
 * and not on hardware. This remembers what each tag of each core stands for.
 */
#include "qemu/osdep.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"
#include "strict.h"

#define CONTROL(field) (env->vm_vmcb + offsetof(struct vmcb, control.field))

typedef struct SvmTag {
	uint64_t ncr3;
	uint64_t vapic; /* with xAVIC the APIC page differs between vCPUs of one VM, else 0 */
	uint64_t vmcb;
	uint64_t visit; /* of the VMCB, when it last ran here with this tag */
} SvmTag;

/* VMCB address -> SvmVisit; every core looks here, in a thread of its own. */
typedef struct SvmVisit {
	int cpu;
	uint64_t count; /* how often it has changed cores */
} SvmVisit;

static GHashTable *visits;
static QemuMutex visits_lock;

static void __attribute__((constructor)) visits_init(void)
{
	visits = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	qemu_mutex_init(&visits_lock);
}

static uint64_t visit(CPUX86State *env)
{
	SvmVisit *v;
	uint64_t count;

	qemu_mutex_lock(&visits_lock);
	v = g_hash_table_lookup(visits, &env->vm_vmcb);
	if (!v) {
		v = g_new0(SvmVisit, 1);
		v->cpu = env_cpu(env)->cpu_index;
		g_hash_table_insert(visits, g_memdup2(&env->vm_vmcb, sizeof(uint64_t)), v);
	}
	if (v->cpu != env_cpu(env)->cpu_index) {
		v->cpu = env_cpu(env)->cpu_index;
		v->count++;
	}
	count = v->count;
	qemu_mutex_unlock(&visits_lock);
	return count;
}

static void check(const SvmTag *old, const SvmTag *now, uint32_t asid)
{
	if (old->ncr3 != now->ncr3)
		reveille_strict("ASID %u: stood for nCR3 %" PRIx64 " here, now for %" PRIx64
				", without a flush",
			asid, old->ncr3, now->ncr3);
	else if (old->vmcb != now->vmcb)
		reveille_strict("ASID %u: VMCB %" PRIx64 " ran with it here, now %" PRIx64
				", without a flush",
			asid, old->vmcb, now->vmcb);
	else if (old->vapic != now->vapic)
		reveille_strict("ASID %u: stood for the APIC page %" PRIx64
				" here, now for %" PRIx64 ", without a flush",
			asid, old->vapic, now->vapic);
	else if (old->vmcb == now->vmcb && old->visit != now->visit)
		reveille_strict("ASID %u: VMCB %" PRIx64
				" is back from another core with the tag of its last visit",
			asid, now->vmcb);
}

void svm_asid_enter(CPUX86State *env, SvmSide *side)
{
	CPUState *cs = env_cpu(env);
	uint32_t asid = x86_ldl_phys(cs, CONTROL(asid));
	bool xavic = (env->int_ctl & (INT_CTL_AVIC | INT_CTL_X2AVIC)) == INT_CTL_AVIC;
	SvmTag now = {
		.ncr3 = env->hflags2 & HF2_NPT_MASK ? env->nested_cr3 : 0,
		.vapic = xavic ? x86_ldq_phys(cs, env->vm_vmcb + VMCB_VAPIC) & VAPIC_ADDR : 0,
		.vmcb = env->vm_vmcb,
		.visit = visit(env),
	};
	SvmTag *old;

	if (!side->asids)
		side->asids = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	switch (x86_ldub_phys(cs, CONTROL(tlb_ctl))) {
	case 1:
		g_hash_table_remove_all(side->asids);
		break;
	case 3:
	case 7:
		g_hash_table_remove(side->asids, GUINT_TO_POINTER(asid));
		break;
	}
	old = g_hash_table_lookup(side->asids, GUINT_TO_POINTER(asid));
	if (!old) {
		g_hash_table_insert(
			side->asids, GUINT_TO_POINTER(asid), g_memdup2(&now, sizeof(now)));
		return;
	}
	check(old, &now, asid);
	*old = now;
}
