/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations are tagged by ASID on each core (24593 rev 3.44, "TLB Control"). The
 * emulator keeps those of the guest that ran last and no others (svm_tlb.c), so a
 * hypervisor that re-uses a tag for something else, or comes back to a core with a stale
 * one, would get away with it here and not on hardware. This remembers what each tag of
 * each core stands for.
 */
#include "qemu/osdep.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"
#include "strict.h"

#define CONTROL(field) (env->vm_vmcb + offsetof(struct vmcb, control.field))

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

static void check(const SvmTag *old, const SvmTag *now)
{
	uint32_t asid = now->asid;

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

static SvmTag tag_of(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);
	bool xavic = (env->int_ctl & (INT_CTL_AVIC | INT_CTL_X2AVIC)) == INT_CTL_AVIC;
	bool nested = env->hflags2 & HF2_NPT_MASK;

	return (SvmTag){
		.asid = svm_ldl(cs, CONTROL(asid)),
		.ncr3 = nested ? env->nested_cr3 : 0,
		.nested_mode = nested ? env->nested_pg_mode | 1ull << 32 : 0,
		.vapic = xavic ? svm_ldq(cs, env->vm_vmcb + VMCB_VAPIC) & VAPIC_ADDR : 0,
		.apic_bar = xavic ? svm_ldq(cs, env->vm_vmcb + VMCB_APIC_BAR) : 0,
		.vmcb = env->vm_vmcb,
		.visit = visit(env),
	};
}

SvmTag svm_asid_enter(CPUX86State *env, SvmSide *side)
{
	SvmTag now = tag_of(env), *old;
	void *asid = GUINT_TO_POINTER(now.asid);

	if (!side->asids)
		side->asids = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	switch (svm_ldub(env_cpu(env), CONTROL(tlb_ctl))) {
	case 1:
		g_hash_table_remove_all(side->asids);
		break;
	case 3:
	case 7:
		g_hash_table_remove(side->asids, asid);
		break;
	}
	old = g_hash_table_lookup(side->asids, asid);
	if (old) {
		check(old, &now);
		*old = now;
	} else {
		g_hash_table_insert(side->asids, asid, g_memdup2(&now, sizeof(now)));
	}
	return now;
}
