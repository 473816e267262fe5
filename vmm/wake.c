// SPDX-License-Identifier: MIT
#include "wake.h"

#include "audit.h"
#include "avic/vapic.h"
#include "base/log.h"
#include "base/spinlock.h"
#include "cpu.h"
#include "drivers/lapic.h"
#include "iommu/galog.h"
#include "iommu/gappi.h"
#include "place.h"
#include "storm.h"
#include "vcpu.h"
#include "vectors.h"
#include <base/count.h>
#include <hw/shared.h>
#include <trace.h>

uint32_t wake_word;

static struct spinlock switch_lock;

/* [model galog:again] A device that storms must not keep a pCPU in here: after so many rounds it
 * goes on by an interrupt to itself, and guests run in between. */
#define GALOG_ROUNDS 16

/* It is awake, and perhaps waits for its turn: then its entries must not come at the device's pace.
 */
static inline void useless(struct cpu *cpu, struct vcpu *v)
{
	COUNT(cpu->count.galog_useless);
	if (__builtin_expect(__builtin_sub_overflow(v->log_useless, 1, &v->log_useless), 0))
		storm_useless(v);
}

static void wake_tag(struct cpu *cpu, uint32_t gatag)
{
	struct vcpu *v = vcpu_from_tag(GATAG_VCPU(gatag));

	trace(cpu, TRACE_GALOG_ENTRY, 0, v, gatag);
	if (!v)
		COUNT(cpu->count.stale);
	else if (!vcpu_wake(cpu, v))
		useless(cpu, v);
	else if (__builtin_expect(
			 __builtin_sub_overflow(v->log_allowance, 1, &v->log_allowance), 0))
		storm_woken(cpu, v);
}

/* [model galog:recover] Entries were lost, and whose nobody knows: restart the log first, so that
 * posts from now on are logged, then look at everybody (48882 rev 3.11, "Guest Virtual APIC Log",
 * restart). */
static __attribute__((noinline, cold)) void galog_recover(struct cpu *cpu, struct iommu *u)
{
	uint32_t woken;

	if (galog_restart(u))
		log_error("iommu%u: GA log doesn't restart after an overflow; the slow timer "
			  "looks for halted vCPUs instead",
			u->index);
	woken = wake_scan(cpu);
	trace(cpu, TRACE_GALOG_RESTART, u->index, NULL, woken);
	log_debug("iommu%u: GA log overflow, restarted, %u vCPUs woken", u->index, woken);
}

static void galog_drain(struct cpu *cpu, struct iommu *u)
{
	enum galog_state state;
	uint32_t gatag;

	for (unsigned round = 0; round < GALOG_ROUNDS; round++) {
		trace_cause(cpu, CAUSE_GALOG);
		trace(cpu, TRACE_GALOG_BEGIN, u->index, NULL, 0);
		galog_begin(u);
		while (galog_next(u, &gatag))
			wake_tag(cpu, gatag);
		state = galog_end(u);
		trace(cpu, TRACE_GALOG_END, state, NULL, u->galog.entries);
		if (__builtin_expect(state == GALOG_EMPTY, 1))
			return;
		if (state == GALOG_OVERFLOWED)
			galog_recover(cpu, u);
	}
	lapic_send(cpu->apicid, VEC_GALOG);
}

/* [irq-path 4] */
__attribute__((noinline)) void wake_from_galog(struct cpu *cpu)
{
	COUNT(cpu->count.galog_interrupts);
	for (uint32_t i = 0; i < iommu_count(); i++) {
		struct iommu *u = iommu_by_index(i);

		if (u->galog.enabled && shared_load32(&u->galog_apicid) == cpu->apicid)
			galog_drain(cpu, u);
	}
}

/* [model pcpu:own] May be spurious (48882 rev 3.11, "Guest APIC Physical Processor Interrupt"):
 * vcpu_load() looks before it enters the guest. */
void wake_from_gappi_own(struct cpu *cpu, struct vcpu *owner)
{
	COUNT(cpu->count.gappi_own);
	trace_cause(cpu, CAUSE_GAPPI_OWN);
	trace(cpu, TRACE_GAPPI, 1, owner, 0);
	if (!vcpu_wake(cpu, owner))
		COUNT(cpu->count.gappi_own_useless);
}

/* [model pcpu:shared] One vector, many vCPUs: the APIC keeps one pending bit, so look at all of
 * them, never stop at the first. Membership changes only on this CPU (vcpu.c), before arming and
 * after load. */
void wake_from_gappi_shared(struct cpu *cpu)
{
	COUNT(cpu->count.gappi_shared);
	trace_cause(cpu, CAUSE_GAPPI_SHARED);
	trace(cpu, TRACE_GAPPI, 0, NULL, 0);
	LIST_FOR_EACH (node, &cpu->gappi_sharers) {
		struct vcpu *v = CONTAINER_OF(node, struct vcpu, sharer_link);

		if (vapic_irr_any(v->avic.page) && vcpu_wake(cpu, v))
			COUNT(cpu->count.gappi_shared_wakes);
	}
}

/* [model galog:scan] */
uint32_t wake_scan(struct cpu *cpu)
{
	uint32_t woken = 0;

	cpu->count.scans++;
	trace_cause(cpu, CAUSE_SCAN);
	for (uint32_t tag = 0; tag < vcpu_tag_end(); tag++) {
		struct vcpu *v = vcpu_from_tag(tag);

		if (v && shared_load32(&v->state) == VCPU_BLOCKED && vapic_irr_any(v->avic.page) &&
			vcpu_wake(cpu, v))
			woken++;
	}
	cpu->count.scan_wakes += woken;
	return woken;
}

/* [model galog:backstop] */
void wake_backstop(struct cpu *cpu)
{
	for (uint32_t i = 0; i < iommu_count(); i++) {
		struct iommu *u = iommu_by_index(i);

		/* Only its owner may restart it, and his drain finds the overflow. */
		if (u->galog.enabled && galog_overflowed(u))
			lapic_send(shared_load32(&u->galog_apicid), VEC_GALOG);
		else if (!u->galog.enabled &&
			 wake_mechanism(shared_load32(&wake_word)) == WAKE_GALOG)
			wake_scan(cpu); /* it did not restart: nobody else looks */
	}
	place_look(cpu);
	audit_look(cpu);
}

static bool mechanism_fits(const struct iommu *u, enum wake_mechanism to)
{
	return to == WAKE_NONE || (u->f.gam && (to != WAKE_GAPPI || u->f.gappi));
}

static err_t iommu_turn(struct iommu *u, enum wake_mechanism to)
{
	err_t err = OK;

	/* [model acts:turn] What both together do is not specified (48882 rev 3.11): one off, then
	 * the other on. */
	gappi_disable(u);
	if (u->galog.enabled)
		err = galog_disable(u);
	if (!err && to == WAKE_GALOG)
		err = galog_enable(u);
	if (!err && to == WAKE_GAPPI)
		err = gappi_enable(u);
	return err;
}

/*
 * [model acts:switch]
 * Posts that come while neither mechanism is on set IRR bits and tell nobody, and entries that
 * still lie in the log are not read. So, once the new mechanism is on, everybody who is
 * blocked is woken and arms itself anew. Who is just about to block on another CPU either
 * stored BLOCKED before our pass looks at it, or reads the new word after its fence and
 * cancels: the locked add below pairs with the fence in vcpu_arm().
 */
err_t wake_switch(struct cpu *cpu, enum wake_mechanism to)
{
	err_t err = OK;

	for (uint32_t i = 0; i < iommu_count(); i++)
		if (!mechanism_fits(iommu_by_index(i), to))
			return ERR_UNFIT;
	if (!spin_trylock(&switch_lock))
		return ERR_BUSY;
	for (uint32_t i = 0; i < iommu_count(); i++) {
		err_t e = iommu_turn(iommu_by_index(i), to);

		if (e)
			err = e;
	}
	shared_add32(&wake_word, 0x100u + (uint32_t)to - (wake_word & 0xff));
	trace(cpu, TRACE_SWITCH, to, NULL, 0);
	trace_cause(cpu, CAUSE_SWITCH);
	for (uint32_t tag = 0; tag < vcpu_tag_end(); tag++) {
		struct vcpu *v = vcpu_from_tag(tag);

		if (v)
			vcpu_wake(cpu, v);
	}
	trace_cause(cpu, CAUSE_EVENT);
	spin_unlock(&switch_lock);
	for (uint32_t i = 0; i < iommu_count(); i++)
		place_routed(cpu, iommu_by_index(i));
	return err;
}
