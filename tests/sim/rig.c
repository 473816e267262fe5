/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "iommu/ivrs.h"
#include "page.h"
#include "sched.h"
#include "vectors.h"
#include <hw/sim.h>

#define CROSSINGS_MAX 100000

struct vm rig_vm;
struct cpu rig_cpu[MACHINE_CPUS];
struct vcpu rig_vcpu[RIG_VCPUS];
struct guest rig_guest[RIG_VCPUS];
struct assigned_device *const rig_device = &rig_vm.devices[0];

void (*rig_job)(struct cpu *here);

static struct plan plan;
static uint32_t crossing, waited;
static bool armed, fired, nested;
uint64_t rig_now = 1000, rig_timer[MACHINE_CPUS];
struct cpu *sim_cpu = &rig_cpu[0];
static const struct vm_config config = { .name = "sim", .apic = APIC_X2APIC, .device_count = 1 };

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
	for (unsigned i = 0; i < MACHINE_CPUS; i++)
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
		for (unsigned i = 0; i < MACHINE_CPUS; i++) {
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
	for (unsigned i = 0; i < MACHINE_CPUS; i++) {
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

/* ---- set-up ---- */

static void must(err_t err, const char *what)
{
	if (err) {
		printf("%s: error %d\n", what, err);
		exit(1);
	}
}

static void start_iommu(void)
{
	static struct ivrs ivrs = {
		.unit_count = 1,
		.range_count = 1,
		.unit = { { .dev = 0x0002, .cap_offset = 0x40, .type = 0x11 } },
		.range = { { .first = 0, .last = 0xffff } },
	};
	struct iommu_setup setup = {
		.event_apicid = machine_apicid(0),
		.galog_apicid = machine_apicid(0),
		.event_vector = VEC_IOMMU_EVENT,
		.galog_vector = VEC_GALOG,
		.x2apic = true,
		.galog_entries = 512,
	};

	ivrs.unit[0].mmio = (uint64_t)machine_window;
	must(iommu_init_all(&ivrs, &setup), "iommu_init_all");
	must(iommu_enable_guest_mode(iommu_by_index(0)), "iommu_enable_guest_mode");
	must(wake_switch(&rig_cpu[0], WAKE_GALOG), "wake_switch");
}

static void start_device(void)
{
	static const struct pci_device pci = { .id = MACHINE_DEVICE };
	static struct assigned_irq irqs[RIG_MESSAGES];
	struct assigned_device *d = rig_device;
	phys_t root = page_alloc(1, 1);

	rig_vm.device_count = 1;
	rig_vm.domain = (struct domain){ .id = 1, .levels = 4, .root = root };
	*d = (struct assigned_device){ .vm = &rig_vm, .pci = &pci, .iommu = iommu_of(pci.id) };
	memset(irqs, 0, sizeof(irqs));
	d->irq = irqs;
	d->irq_count = RIG_MESSAGES;
	for (uint32_t i = 0; i < RIG_MESSAGES; i++) {
		d->irq[i].device = d;
		d->irq[i].message = i;
	}
	must(irt_alloc(&d->irt, 32), "irt_alloc");
	must(dte_assign(d->iommu, pci.id, &rig_vm.domain, &d->irt), "dte_assign");
}

static void start_vcpu(unsigned i)
{
	struct vcpu *v = &rig_vcpu[i];

	v->vm = &rig_vm;
	v->index = (uint8_t)i;
	v->priority = i == RIG_VCPUS - 1 ? 0 : 1;
	v->halt = rig_vm.halt;
	v->delivery = rig_vm.delivery;
	v->svm.vmcb_phys = page_alloc(1, 1);
	v->svm.vmcb = (struct vmcb *)v->svm.vmcb_phys.v;
	v->svm.vmcb->int_control = VIC_INTR_MASKING;
	v->svm.vmcb->rflags = 0x202;
	must(avic_vcpu_init(&v->avic, &rig_vm.avic, &v->svm, i), "avic_vcpu_init");
	emulated_init(&v->emulated, &v->avic, true, i == 0);
	must(vcpu_init(v, &rig_cpu[0]), "vcpu_init");
	avic_enable(&v->avic);
	vcpu_start(&rig_cpu[0], v);
}

void rig_start(void)
{
	machine_start();
	for (uint32_t i = 0; i < MACHINE_CPUS; i++) {
		rig_cpu[i] = (struct cpu){ .self = &rig_cpu[i], .index = i };
		rig_cpu[i].apicid = machine_apicid(i);
		sched_init_cpu(&rig_cpu[i]);
	}
	start_iommu();
	rig_vm.config = &config;
	rig_vm.id = 1;
	rig_vm.halt = HALT_GALOG;
	rig_vm.delivery = DELIVERY_POSTED;
	rig_vm.vcpus = rig_vcpu;
	rig_vm.vcpu_count = RIG_VCPUS;
	must(avic_vm_init(&rig_vm.avic, true, RIG_VCPUS - 1, false), "avic_vm_init");
	for (unsigned i = 0; i < RIG_VCPUS; i++)
		start_vcpu(i);
	start_device();
	rig_cpu[0].backstop = rig_now + 1000000;
	sched_arm_timer(&rig_cpu[0]);
	rig_run();
}
