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

void wake_from_galog(struct cpu *cpu);
/* vector is the GAPPI vector that arrived on cpu: own (owner found in cpu->vectors) or shared. */
void wake_from_gappi_own(struct cpu *cpu, struct vcpu *owner);
void wake_from_gappi_shared(struct cpu *cpu);
/* Looks at every blocked vCPU's IRR: after a GA log overflow, and by the slow timer. */
void wake_scan(struct cpu *cpu);
/* Turns all IOMMUs to mode (HALT_GALOG, HALT_GAPPI...); every blocked vCPU is woken once so
 * that it arms itself anew. ERR_UNFIT when an IOMMU lacks it. */
err_t wake_switch(struct cpu *cpu, enum halt_mode mode) MUST_USE;

#endif
