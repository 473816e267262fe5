/* SPDX-License-Identifier: MIT */
/* The trace's hooks, in the image that has them: trace.h. Each writes a record of this CPU. */
#ifndef VMM_TRACE_H
#define VMM_TRACE_H

#include "cpu.h"
#include "trace_ring.h"
#include "vcpu.h"

static inline void trace_full(const struct cpu *cpu, enum trace_kind kind, unsigned x,
	const struct vcpu *v, uint64_t a, uint64_t b)
{
	trace_ring_write(cpu, kind, x, v ? v->tag : TRACE_NO_VCPU, a, b);
}

static inline void trace(
	const struct cpu *cpu, enum trace_kind kind, unsigned x, const struct vcpu *v, uint64_t a)
{
	trace_full(cpu, kind, x, v, a, 0);
}

static inline void trace_cause(const struct cpu *cpu, enum trace_cause cause)
{
	trace_rings[cpu->index].cause = cause;
}

static inline void trace_interrupt(const struct cpu *cpu, uint32_t vector)
{
	trace_cause(cpu, CAUSE_EVENT);
	trace(cpu, TRACE_HOST_IRQ, vector, cpu->current, 0);
}

static inline void trace_exit(const struct cpu *cpu, const struct vcpu *v)
{
	trace_cause(cpu, CAUSE_EVENT);
	trace_full(cpu, TRACE_EXIT, 0, v, v->svm.vmcb->exit_code, svm_rip(&v->svm));
}

static inline void trace_wake(const struct cpu *cpu, const struct vcpu *v)
{
	trace(cpu, TRACE_WAKE, trace_rings[cpu->index].cause, v, 0);
}

#endif
