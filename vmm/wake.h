/* SPDX-License-Identifier: MIT */
/* What a GA log interrupt, a GAPPI vector and the backstop timer do about halted vCPUs, and
 * the switch between the mechanisms while the machine runs. */
#ifndef VMM_WAKE_H
#define VMM_WAKE_H

#include "base/err.h"
#include "base/types.h"
#include "config.h"

struct cpu;
struct vcpu;

/*
 * What the IOMMUs do about a post to a vCPU that doesn't run. One word: bits 7:0 the
 * mechanism, bits 31:8 a generation that each switch counts up. vcpu_block() reads it before
 * it arms and again after its fence; a change in between cancels the block.
 */
enum wake_mechanism { WAKE_NONE, WAKE_GALOG, WAKE_GAPPI };
#define WAKE_MECHANISMS 3
extern uint32_t wake_word;

static inline enum wake_mechanism wake_mechanism(uint32_t word)
{
	return (enum wake_mechanism)(word & 0xff);
}

/* VEC_GALOG: drains the logs whose interrupts target cpu. */
void wake_from_galog(struct cpu *cpu);
/* A GAPPI vector of cpu: its owner, or everybody on the shared one. */
void wake_from_gappi_own(struct cpu *cpu, struct vcpu *owner);
void wake_from_gappi_shared(struct cpu *cpu);
/* Looks at every blocked vCPU's IRR: after a GA log overflow, and by the slow timer. Returns
 * how many it woke. */
uint32_t wake_scan(struct cpu *cpu);
/* The slow timer: has a log overflowed without telling? Then its owner is told. Are the logs where
 * their vCPUs are (place.h)? Then the audit. */
void wake_backstop(struct cpu *cpu);
/* Turns all IOMMUs to the mechanism; every blocked vCPU is woken once so that it arms itself
 * anew: no post is lost in between. ERR_UNFIT when an IOMMU lacks it (nothing changed),
 * ERR_BUSY when another switch is under way, ERR_TIMEOUT when a log doesn't stop. */
err_t wake_switch(struct cpu *cpu, enum wake_mechanism to) MUST_USE;

#endif
