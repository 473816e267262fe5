/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit.h"
#include "sched.h"
#include "stores.h"
#include "vectors.h"
#include <hw/sim.h>

#define CROSSINGS_MAX   100000
#define STORM_CROSSINGS 6

struct vcpu rig_vcpu[RIG_VCPUS];
struct guest rig_guest[RIG_VCPUS];
void (*rig_job)(struct cpu *here);
uint32_t rig_job_at, rig_storm, rig_storm_message, rig_late;

static struct plan plan;
static uint32_t crossing, waited, late_for;
static bool armed, fired, nested;

static struct cpu *other(void)
{
	return &rig_cpu[1 - sim_cpu->index];
}

static void fire_device(void)
{
	machine_fire(plan.message, plan.split);
}

static void fire_storm(void)
{
	machine_fire(rig_storm_message, MACHINE_WHOLE);
}

/* ---- crossings ---- */

static bool held(const struct spinlock *l)
{
	return l->next != l->owner;
}

static bool any_lock_held(void)
{
	bool any = held(&rig_vm.lock) || held(&rig_device->lock) ||
		   held(&iommu_by_index(0)->lock) || held(&rig_vm.avic.logical_lock);

	for (unsigned i = 0; i < RIG_VCPUS; i++)
		any |= held(&rig_vcpu[i].avic.posts_lock);
	for (unsigned i = 0; i < RIG_CPUS; i++)
		any |= held(&rig_cpu[i].inbox.lock);
	return any;
}

static bool has_work(const struct cpu *cpu)
{
	return machine_pending(cpu->index) >= 0 || cpu->next;
}

static void run_until_idle(struct cpu *cpu)
{
	while (sched_turn(cpu) || has_work(cpu))
		;
}

static void post_by_software(struct cpu *here)
{
	fired = true;
	vcpu_interrupt(here, &rig_vcpu[0], (uint8_t)plan.software);
}

static void do_job(struct cpu *here)
{
	void (*job)(struct cpu *) = rig_job;

	rig_job = NULL;
	job(here);
}

/* The other pCPU does something, in one piece. */
static void on_other(void (*what)(struct cpu *here))
{
	struct cpu *before = sim_cpu;

	nested = true;
	stores_hide();
	/* Nobody would give a lock back while the other waits for it: that store has come out. */
	while (any_lock_held()) {
		stores_show();
		stores_reach_memory(1);
		stores_hide();
	}
	sim_cpu = other();
	what(sim_cpu);
	sim_drain();
	sim_cpu = before;
	stores_show();
	nested = false;
}

static void turn_of_other(void)
{
	bool job = rig_job && crossing >= rig_job_at;

	if (nested || (!has_work(other()) && !job)) {
		waited = 0;
		return;
	}
	if (waited++ < plan.lag || any_lock_held())
		return;
	waited = 0;
	if (job)
		on_other(do_job);
	on_other(run_until_idle);
}

/* The device fires again and again, whatever is done about it. */
static void storm(void)
{
	if (!rig_storm || crossing % STORM_CROSSINGS || machine_unfinished())
		return;
	rig_storm--;
	stores_hidden_from(fire_storm);
}

void sim_point(void)
{
	if (!armed)
		return;
	if (++crossing > CROSSINGS_MAX) {
		printf("it never settles: fire_at %u finish_at %u split %d late %d lag %u\n",
			plan.fire_at, plan.finish_at, plan.split, plan.late_stores, plan.lag);
		exit(1);
	}
	if (plan.software >= 0) {
		if (plan.fire_at && crossing >= plan.fire_at && !fired && !nested &&
			!any_lock_held())
			on_other(post_by_software);
	} else if (crossing == plan.fire_at) {
		fired = true;
		stores_hidden_from(fire_device);
	}
	if (machine_unfinished() && crossing >= plan.finish_at)
		stores_hidden_from(machine_finish);
	storm();
	late_for = machine_has_late() ? late_for + 1 : 0;
	if (late_for > rig_late) {
		machine_arrives(crossing % 2);
		late_for = 0;
	}
	turn_of_other();
}

void sim_sleep(void)
{
	sim_take_interrupts();
}

void rig_arm(const struct plan *p)
{
	plan = *p;
	crossing = waited = late_for = 0;
	fired = false;
	armed = true;
	stores_late = plan.late_stores;
	machine_late(rig_late ? MACHINE_LATE_WRITES : MACHINE_LATE_COMMANDS);
}

uint32_t rig_disarm(void)
{
	armed = stores_late = false;
	sim_drain();
	machine_late(MACHINE_AT_ONCE);
	return crossing;
}

bool rig_fired(void)
{
	return fired;
}

void rig_run(void)
{
	bool again;

	do {
		again = false;
		for (unsigned i = 0; i < RIG_CPUS; i++) {
			if (!has_work(&rig_cpu[i]))
				continue;
			again = true;
			sim_cpu = &rig_cpu[i];
			run_until_idle(sim_cpu);
			sim_drain();
		}
	} while (again);
	sim_cpu = &rig_cpu[0];
}

void rig_settle(void)
{
	rig_run();
	for (unsigned i = 0; i < RIG_CPUS; i++) {
		if (!rig_timer[i])
			continue;
		rig_now = rig_now > rig_timer[i] ? rig_now : rig_timer[i];
		rig_timer[i] = 0;
		machine_interrupt(i, VEC_TIMER);
		rig_run();
	}
	while (machine_unfinished()) {
		machine_finish();
		rig_run();
	}
}

const char *rig_wrong(void)
{
	for (unsigned i = 0; i < RIG_VCPUS; i++) {
		const struct vcpu *v = &rig_vcpu[i];

		if (v->state != VCPU_BLOCKED)
			return "a vCPU isn't blocked in the end";
		if (rig_guest[i].untold)
			return "a vCPU that runs isn't told of an interrupt";
		if (vapic_deliverable(v->avic.page) >= 0)
			return "a blocked vCPU has a deliverable IRR bit";
		if (v->events)
			return "an event was overlooked";
		if (v->avic.stash.any && !rig_guest[i].tpr)
			return "a blocked vCPU has bits put away that nothing masks";
	}
	if (audit_rescues())
		return "only the audit found a vCPU";
	return machine_strict ? "the model complained" : NULL;
}

void rig_start(void)
{
	setup_machine(RIG_CPUS, RIG_VCPUS);
	for (unsigned i = 0; i < RIG_VCPUS; i++) {
		rig_vcpu[i].index = (uint8_t)i;
		rig_vcpu[i].priority = i == RIG_VCPUS - 1 ? 0 : 1;
		setup_vcpu(&rig_vcpu[i], &rig_cpu[0]);
	}
	rig_vm.vcpus = rig_vcpu;
	setup_device(RIG_MESSAGES);
	machine_between(sim_point);
	rig_run();
}
