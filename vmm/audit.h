/* SPDX-License-Identifier: MIT */
/*
 * The audit: always on, by the slow timer. "No vCPU is BLOCKED for longer than AUDIT_AGE_US while
 * an event, an interrupt that it could take, or (GAPPI) any IRR bit waits for it." It looks once
 * a second, so what breaks the rule is found within two seconds, whatever the mechanism. The
 * vCPU is then woken, counted, and a full record logged. The protocol (vcpu.c) and its models do
 * not count on it: each rescue is somebody's fault, hardware's or ours.
 *
 * Not looked at: who is RUNNING and halted inside the guest (halt = native). Nothing tells a
 * guest that waits from one that doesn't want to be told.
 */
#ifndef VMM_AUDIT_H
#define VMM_AUDIT_H

#include "base/types.h"
#include "wake.h"

/* A little less than the slow timer's period: two looks in a row see the same. */
#define AUDIT_AGE_US 900000

struct cpu;
struct vcpu;

struct audit_stats {
	uint64_t looks;                    /* at everybody */
	uint64_t rescues[WAKE_MECHANISMS]; /* by the mechanism in force */
	uint64_t records;                  /* rescues that were logged in full */
};
extern struct audit_stats audit_stats;

/* Looks at every vCPU of every VM. One CPU at a time: the one that has the slow timer. */
void audit_look(struct cpu *cpu);
uint64_t audit_rescues(void);

/* audit_record.c: logs all that is known about v, which was seen BLOCKED age_us ago and still is.
 * A few dozen lines at most; reads registers of the IOMMUs. */
void audit_record(const struct cpu *here, const struct vcpu *v, uint64_t age_us);

#endif
