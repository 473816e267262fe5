/* SPDX-License-Identifier: MIT */
/*
 * Address space identifiers, per CPU. A CPU hands them out one after the other; when they run out,
 * it starts a new generation and flushes everything once. Generations are numbered so that no two
 * CPUs ever share one: one comparison tells whether a vCPU's ASID is good on this CPU. A generation
 * is never 0: that's what svm_flush() leaves in a vCPU.
 */
#ifndef SVM_ASID_H
#define SVM_ASID_H

#include "svm.h"
#include "cpu.h"

struct asid_pool {
	uint32_t next, count; /* (own) ASIDs 1 .. count - 1 */
} __attribute__((aligned(64)));

extern struct asid_pool asid_pools[CPU_MAX];

void asid_init_cpu(struct cpu *cpu, uint32_t asid_count);
/* A new ASID for s on cpu; what hardware may have cached of its VMCB is void. */
void asid_assign(struct cpu *cpu, struct svm_vcpu *s);

static inline void asid_check(struct cpu *cpu, struct svm_vcpu *s)
{
	if (__builtin_expect(s->asid_generation != cpu->asid_generation, 0))
		asid_assign(cpu, s);
}

#endif
