/* SPDX-License-Identifier: MIT */
/* What runs between VMRUN and #VMEXIT, and what is done about its exits. */
#include "rig.h"

#include <stdlib.h>

#include "avic/regs.h"
#include "exit_parts.h"
#include <hw/sim.h>

#define AWAIT_STEPS 40

static enum vmexit_kind last_exit[RIG_CPUS];
static struct vmexit ipi_exit[RIG_CPUS];

static void take(struct vcpu *v, uint8_t vector)
{
	struct guest *g = &rig_guest[v->index];

	g->taken[vector]++;
	if (vector == g->await)
		g->await = 0;
	if (g->tpr && vector == g->opener)
		machine_write_msr(sim_cpu->index, 0x808, 0);
}

/* With AVIC: acceptance and EOI without an exit. */
static void guest_interrupts(struct vcpu *v)
{
	unsigned cpu = sim_cpu->index;
	int vector;

	while ((vector = machine_accept(cpu)) >= 0) {
		take(v, (uint8_t)vector);
		machine_write_msr(cpu, 0x80b, 0);
		sim_point();
	}
}

/* False: it exits. */
static bool send_ipi(struct guest *g)
{
	unsigned cpu = sim_cpu->index;
	uint64_t info[2];
	uint32_t to = g->ipi_to - 1;

	g->ipi_to = 0;
	sim_drain(); /* the bit is set by a locked operation */
	if (machine_ipi(cpu, to, IPI_VECTOR, info))
		return true;
	ipi_exit[cpu] = (struct vmexit){ .kind = VMEXIT_KIND_AVIC_IPI };
	ipi_exit[cpu].ipi.icr = info[0];
	ipi_exit[cpu].ipi.cause = (uint32_t)(info[1] >> 32);
	return false;
}

static enum vmexit_kind guest_step(struct vcpu *v)
{
	struct guest *g = &rig_guest[v->index];
	struct vmcb *b = v->svm.vmcb;

	if (b->event_inj & EVENT_VALID) {
		g->taken[b->event_inj & 0xff]++;
		b->event_inj = 0;
		return VMEXIT_KIND_MSR; /* its EOI */
	}
	guest_interrupts(v);
	if (machine_pending(sim_cpu->index) >= 0)
		return VMEXIT_KIND_INTR;
	if (g->move_to)
		return VMEXIT_KIND_HYPERCALL;
	if (g->ipi_to && !send_ipi(g))
		return VMEXIT_KIND_AVIC_IPI;
	/* Once the device is done, an interrupt that hasn't come in so many steps doesn't come. */
	if (g->await && (!rig_fired() || machine_unfinished() || rig_job))
		g->busy = AWAIT_STEPS;
	g->untold |= g->await && !g->busy;
	if (g->busy) {
		g->busy--;
		return VMEXIT_KIND_UNKNOWN;
	}
	if (v->avic.active && vapic_read(v->avic.page, VAPIC_TPR) != g->tpr)
		machine_write_msr(sim_cpu->index, 0x808, g->tpr);
	sim_point();
	guest_interrupts(v); /* what came before HLT ends no halt but is taken first */
	return VMEXIT_KIND_HLT;
}

void svm_enter(struct cpu *cpu, struct svm_vcpu *s)
{
	struct vcpu *v = CONTAINER_OF(s, struct vcpu, svm);
	enum vmexit_kind kind;

	sim_point();
	if (!machine_enter(cpu->index, s->vmcb))
		exit(1);
	do {
		sim_point();
		kind = guest_step(v);
	} while (kind == VMEXIT_KIND_UNKNOWN);
	sim_drain();
	machine_leave(cpu->index, s->vmcb);
	last_exit[cpu->index] = kind;
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	struct guest *g = &rig_guest[v->index];
	struct cpu *to = g->move_to;

	if (!v->avic.active)
		emulated_exit(&v->emulated);
	switch (last_exit[here->index]) {
	case VMEXIT_KIND_INTR:
		cpu_take_interrupts();
		return EXIT_RESUME;
	case VMEXIT_KIND_MSR:
		if (emulated_msr_write(&v->emulated, 0x80b, 0).action != APIC_EVALUATE)
			machine_strict++;
		return EXIT_RESUME;
	case VMEXIT_KIND_AVIC_IPI:
		exit_ipi(here, v, &ipi_exit[here->index]);
		return EXIT_RESUME;
	case VMEXIT_KIND_HYPERCALL:
		g->move_to = NULL;
		if (to == here)
			return EXIT_RESUME;
		vcpu_migrate(here, v, to);
		return EXIT_LEAVE;
	default:
		return vcpu_block(here, v) ? EXIT_LEAVE : EXIT_RESUME;
	}
}
