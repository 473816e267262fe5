/* SPDX-License-Identifier: MIT */
#include "audit.h"

#include "cpu.h"
#include "drivers/clock.h"
#include "vcpu.h"
#include <base/count.h>
#include <hw/cpu.h>
#include <hw/shared.h>
#include <trace.h>

/* So many rescues are logged in full, then one a minute: a machine that loses each wake-up must
 * still get its work done. */
#define RECORDS_AT_ONCE 8
#define RECORD_AGAIN_US 60000000

struct audit_stats audit_stats;

/* By tag: BLOCKED and owed something when last looked at. */
static struct suspect {
	uint64_t since;   /* ticks; 0: nothing to complain about */
	uint64_t episode; /* which block that was */
} suspects[VCPU_MAX];
static uint64_t last_record; /* ticks */

/* Each block ends by a wake or is called off, and both are counted before the vCPU can block again:
 * the same sum means the same block. */
static uint64_t episode(const struct vcpu *v)
{
	return shared_load64(&v->stats.wakes) + shared_load64(&v->stats.block_cancels);
}

uint64_t audit_rescues(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WAKE_MECHANISMS; i++)
		sum += audit_stats.rescues[i];
	return sum;
}

static bool worth_a_record(uint64_t now)
{
	if (audit_rescues() >= RECORDS_AT_ONCE &&
		now - last_record < clock_us_to_ticks(RECORD_AGAIN_US))
		return false;
	last_record = now;
	return true;
}

static void rescue(struct cpu *cpu, struct vcpu *v, uint64_t now, uint64_t since)
{
	enum wake_mechanism mechanism = wake_mechanism(shared_load32(&wake_word));

	/* The record first: a vCPU that runs changes what there is to see. */
	if (worth_a_record(now)) {
		audit_record(cpu, v, clock_ticks_to_us(now - since));
		audit_stats.records++;
	}
	/* Told after all, while we were writing: late, so it counts all the same. */
	audit_stats.rescues[mechanism]++;
	v->stats.rescues++;
	trace_cause(cpu, CAUSE_AUDIT);
	trace(cpu, TRACE_RESCUE, mechanism, v, clock_ticks_to_us(now - since));
	vcpu_wake(cpu, v);
}

/* Others change what is read here at any time, so a single look says nothing. Two looks at the same
 * block do: while it lasts nobody takes an IRR bit out of the page, nor an event. */
static void look_at(struct cpu *cpu, struct vcpu *v, uint64_t now)
{
	struct suspect *s = &suspects[v->tag];
	uint64_t before = episode(v);

	if (shared_load32(&v->state) != VCPU_BLOCKED || !vcpu_owed(v) || episode(v) != before) {
		s->since = 0;
	} else if (!s->since || s->episode != before) {
		*s = (struct suspect){ .since = now, .episode = before };
	} else if (now - s->since >= clock_us_to_ticks(AUDIT_AGE_US)) {
		rescue(cpu, v, now, s->since);
		s->since = 0;
	}
}

void audit_look(struct cpu *cpu)
{
	uint64_t now = cpu_ticks();

	if (!COUNTS)
		return; /* one block looks like another */
	audit_stats.looks++;
	for (uint32_t tag = 0; tag < vcpu_tag_end(); tag++) {
		struct vcpu *v = vcpu_from_tag(tag);

		if (v)
			look_at(cpu, v, now);
	}
}
