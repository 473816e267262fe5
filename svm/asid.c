/* SPDX-License-Identifier: MIT */
#include "asid.h"

struct asid_pool asid_pools[CPU_MAX];

void asid_init_cpu(struct cpu *cpu, uint32_t asid_count)
{
	struct asid_pool *pool = &asid_pools[cpu->index];

	CHECK(asid_count >= 2);
	cpu->asid_generation = CPU_MAX + cpu->index;
	pool->next = 1;
	pool->count = asid_count;
}

/*
 * An ASID handed out for the first time in a generation has no entry in this CPU's TLB, because the
 * generation began with a flush of all ASIDs; the first generation does too, since firmware may
 * have used some. So ASIDs need no flush of their own, and TLB_FLUSH_ALL serves CPUs without
 * FlushByAsid as well (24593 rev 3.44, "TLB Control").
 */
__attribute__((noinline, cold)) void asid_assign(struct cpu *cpu, struct svm_vcpu *s)
{
	struct asid_pool *pool = &asid_pools[cpu->index];
	struct vmcb *b = s->vmcb;

	if (pool->next == pool->count) {
		cpu->asid_generation += CPU_MAX;
		pool->next = 1;
	}
	if (pool->next == 1)
		b->tlb_control = TLB_FLUSH_ALL;
	s->asid = pool->next++;
	s->asid_generation = cpu->asid_generation;
	s->last_cpu = cpu;
	vmcb_set_asid(b, s->asid);
	/* Clean bits speak of the last exit on the same core (24593 rev 3.44, "VMCB Clean Field").
	 */
	b->clean = 0;
}
