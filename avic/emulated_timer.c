/* SPDX-License-Identifier: MIT */
/* The guest's local APIC timer, in software for both deliveries: AVIC doesn't have it (24593 rev
 * 3.44, "Virtual APIC Register Accesses"). One-shot, periodic, and by TSC deadline as Intel's CPUs
 * have it: a guest that has that needs no calibration. */
#include "avic.h"
#include "emulated.h"
#include "emulated_timer.h"
#include "regs.h"
#include <hw/cpu.h>

/* A guest that asks for a shorter period than this (about 5 us) gets this: a pCPU belongs to others
 * too. */
#define PERIOD_MIN_TICKS (1u << 14)

static uint64_t count_to_ticks(const struct emulated_vcpu *e, uint32_t count)
{
	return ((uint64_t)count << e->timer_shift) * e->ticks_per_count;
}

static uint32_t shift_of(uint32_t divide)
{
	uint32_t code = (divide & 3) | (divide >> 1 & 4);

	return code == 7 ? 0 : code + 1;
}

static bool periodic(const struct emulated_vcpu *e)
{
	return !e->deadline_mode && vapic_read(e->avic->page, VAPIC_LVT_TIMER) & LVT_PERIODIC;
}

bool timer_set_mode(struct emulated_vcpu *e)
{
	bool deadline = vapic_read(e->avic->page, VAPIC_LVT_TIMER) & LVT_DEADLINE;
	bool stops = deadline != e->deadline_mode && e->timer_deadline;

	if (deadline != e->deadline_mode)
		e->timer_deadline = 0;
	e->deadline_mode = deadline;
	return stops;
}

uint64_t emulated_deadline_read(const struct emulated_vcpu *e)
{
	bool armed = e->deadline_mode && e->timer_deadline;

	return armed ? e->timer_deadline + e->avic->svm->vmcb->tsc_offset : 0;
}

/* One that is over already runs out at once. */
void emulated_deadline_write(struct emulated_vcpu *e, uint64_t value)
{
	uint64_t now = cpu_ticks(), offset = e->avic->svm->vmcb->tsc_offset;

	if (!e->deadline_mode)
		return;
	e->timer_deadline = !value ? 0 : value > now + offset ? value - offset : now;
}

void timer_start(struct emulated_vcpu *e)
{
	uint64_t ticks = count_to_ticks(e, vapic_read(e->avic->page, VAPIC_TIMER_INITIAL));

	if (e->deadline_mode)
		return;
	e->timer_deadline = 0;
	if (!ticks)
		return;
	if (periodic(e) && ticks < PERIOD_MIN_TICKS)
		ticks = PERIOD_MIN_TICKS;
	e->timer_period_ticks = ticks;
	e->timer_deadline = cpu_ticks() + ticks;
}

uint32_t timer_current(const struct emulated_vcpu *e)
{
	uint64_t now = cpu_ticks();

	if (!e->timer_deadline || now >= e->timer_deadline || e->deadline_mode)
		return 0;
	return (uint32_t)((e->timer_deadline - now) / count_to_ticks(e, 1));
}

/* The count goes on from where it is, at the new speed. */
void timer_set_divide(struct emulated_vcpu *e)
{
	uint32_t count = timer_current(e);

	e->timer_shift = shift_of(vapic_read(e->avic->page, VAPIC_TIMER_DIVIDE));
	e->timer_period_ticks = count_to_ticks(e, vapic_read(e->avic->page, VAPIC_TIMER_INITIAL));
	if (e->timer_deadline && !e->deadline_mode)
		e->timer_deadline = cpu_ticks() + count_to_ticks(e, count);
}

bool emulated_timer(struct emulated_vcpu *e, uint64_t now_ticks)
{
	uint32_t lvt = vapic_read(e->avic->page, VAPIC_LVT_TIMER);

	if (!e->timer_deadline || now_ticks < e->timer_deadline)
		return false;
	if (periodic(e) && e->timer_period_ticks) {
		uint64_t period = e->timer_period_ticks < PERIOD_MIN_TICKS ? PERIOD_MIN_TICKS
									   : e->timer_period_ticks;

		/* Ticks that were missed while the vCPU waited for its pCPU are not made up for. */
		e->timer_deadline = now_ticks + period - (now_ticks - e->timer_deadline) % period;
	} else {
		e->timer_deadline = 0;
	}
	if (lvt & LVT_MASKED)
		return false;
	if ((lvt & LVT_VECTOR) < 16) {
		emulated_esr(e, ESR_RECEIVE_ILLEGAL_VECTOR);
		return false;
	}
	vapic_set_irr(e->avic->page, lvt & LVT_VECTOR);
	return true;
}
