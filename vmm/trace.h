/* SPDX-License-Identifier: MIT */
/*
 * The trace's hooks, in the image that has none: nothing is left of them. traced/trace.h is found
 * first when the other image is built. Included as <trace.h>, which goes by the include path.
 * Arguments must have no side effects and read nothing that is shared.
 */
#ifndef VMM_TRACE_H
#define VMM_TRACE_H

#include "trace_ring.h"

struct cpu;
struct vcpu;

static inline void trace(
	const struct cpu *cpu, enum trace_kind kind, unsigned x, const struct vcpu *v, uint64_t a)
{
}

static inline void trace_cause(const struct cpu *cpu, enum trace_cause cause)
{
}

/* First in an interrupt, and after an exit: whatever woke somebody before, that is over. */
static inline void trace_interrupt(const struct cpu *cpu, uint32_t vector)
{
}

static inline void trace_exit(const struct cpu *cpu, const struct vcpu *v)
{
}

/* A wake-up, by the cause that was named last. */
static inline void trace_wake(const struct cpu *cpu, const struct vcpu *v)
{
}

#endif
