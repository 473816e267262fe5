/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "sched.h"
#include "vectors.h"
#include <hw/sim.h>

#define CROSSINGS_MAX 100000

struct vcpu rig_vcpu[RIG_VCPUS];
struct guest rig_guest[RIG_VCPUS];
void (*rig_job)(struct cpu *here);

static struct plan plan;
static uint32_t crossing, waited;
static bool armed, fired, nested;

static struct cpu *other(void)
{
	return &rig_cpu[1 - sim_cpu->index];
}

/* ---- stores that are still in the store buffer ---- */

struct store {
	void *where;
	unsigned bytes;
	uint64_t old;
};
static struct store late[64];
static unsigned late_count;

void sim_store(void *p, unsigned bytes)
{
	if (!armed || !plan.late_stores)
		return;
	if (late_count == ARRAY_COUNT(late)) /* the oldest gets out */
		memmove(late, late + 1, --late_count * sizeof(late[0]));
	late[late_count] = (struct store){ .where = p, .bytes = bytes };
	memcpy(&late[late_count++].old, p, bytes);
}

void sim_drain(void)
{
	late_count = 0;
}

static void swap_store(struct store *s)
{
	uint64_t v = 0;

	memcpy(&v, s->where, s->bytes);
	memcpy(s->where, &s->old, s->bytes);
	s->old = v;
}

/* The device looks at memory as it was before the buffered stores. */
static void with_device(void (*step)(void))
{
	for (unsigned i = late_count; i-- > 0;)
		swap_store(&late[i]);
	step();
	for (unsigned i = 0; i < late_count; i++)
		swap_store(&late[i]);
}

static void fire_device(void)
{
	machine_fire(plan.message, plan.split);
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
	sim_drain();
	sim_cpu = other();
	what(sim_cpu);
	sim_drain();
	sim_cpu = before;
	nested = false;
}

static void turn_of_other(void)
{
	if (nested || (!has_work(other()) && !rig_job)) {
		waited = 0;
		return;
	}
	if (waited++ < plan.lag || any_lock_held())
		return;
	waited = 0;
	if (rig_job)
		on_other(do_job);
	on_other(run_until_idle);
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
		with_device(fire_device);
	}
	if (machine_unfinished() && crossing >= plan.finish_at)
		with_device(machine_finish);
	turn_of_other();
}

void sim_sleep(void)
{
	sim_take_interrupts();
}

void rig_arm(const struct plan *p)
{
	plan = *p;
	crossing = waited = 0;
	fired = false;
	armed = true;
}

uint32_t rig_disarm(void)
{
	armed = false;
	sim_drain();
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
	rig_run();
}
