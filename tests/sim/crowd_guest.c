/* SPDX-License-Identifier: MIT */
/* What the vCPUs of the random simulation do: take interrupts, halt, move, send, change things. */
#include "crowd.h"

#include <stdlib.h>

#include "avic/regs.h"
#include "exit.h"
#include "place.h"
#include <hw/sim.h>

#define MSR_TPR 0x808
#define MSR_EOI 0x80b

enum wish { WISH_INTR, WISH_HALT, WISH_MOVE, WISH_SEND, WISH_ROUTE, WISH_SWITCH, WISH_HAND };

static enum wish wish[MACHINE_CPUS];
static bool masked[CROWD_VCPUS];

bool crowd_masked(uint32_t vcpu)
{
	return masked[vcpu];
}

static void take(struct vcpu *v, uint8_t vector)
{
	struct crowd_message *m = crowd_of_vector(v->index, vector);

	crowd_say("vCPU %u takes %x", v->index, vector);
	crowd_twice += !m || m->seen == m->sent;
	if (m)
		m->seen = m->sent;
	if (vector >= 0x80)
		masked[v->index] = false;
}

static void set_tpr(struct vcpu *v)
{
	uint32_t tpr = masked[v->index] ? 0x80 : 0;

	if (v->avic.active && vapic_read(v->avic.page, VAPIC_TPR) != tpr)
		machine_write_msr(sim_cpu->index, MSR_TPR, tpr);
}

static void take_all(struct vcpu *v)
{
	int vector;

	while ((vector = machine_accept(sim_cpu->index)) >= 0) {
		take(v, (uint8_t)vector);
		machine_write_msr(sim_cpu->index, MSR_EOI, 0);
		set_tpr(v);
		sim_point();
	}
}

/* What another vCPU has sent, and is done with, a vCPU in the guest has been told of. */
static void check_told(const struct vcpu *v)
{
	const struct crowd_message *m = &crowd_message[CROWD_MESSAGES + v->index];

	if (m->sent == m->seen || !m->posted)
		return;
	crowd_say("vCPU %u is not told of %x", v->index, VECTOR_SOFTWARE);
	crowd_untold++;
}

static enum wish what_next(struct vcpu *v)
{
	uint32_t n = crowd_random(64);

	if (crowd_ending)
		return WISH_HALT;
	if (crowd.migrates && n < 6)
		return WISH_MOVE;
	if (n < 12)
		return WISH_SEND;
	if (crowd.routes && n == 12)
		return WISH_ROUTE;
	if (crowd.switches && n == 13 && !crowd_random(8))
		return WISH_SWITCH;
	if (crowd.hands_over && n == 14)
		return WISH_HAND;
	masked[v->index] |= crowd.masks && n < 24;
	return WISH_HALT;
}

static enum wish guest_steps(struct vcpu *v)
{
	uint32_t steps = crowd_random(6);

	take_all(v);
	set_tpr(v);
	while (steps--) {
		sim_point();
		take_all(v);
		check_told(v);
		if (machine_pending(sim_cpu->index) >= 0)
			return WISH_INTR;
	}
	enum wish next = what_next(v);

	if (next == WISH_HALT) {
		set_tpr(v);
		sim_point();
		take_all(v); /* what came before HLT ends no halt but is taken first */
	}
	return next;
}

void svm_enter(struct cpu *cpu, struct svm_vcpu *s)
{
	struct vcpu *v = CONTAINER_OF(s, struct vcpu, svm);

	sim_point();
	sim_drain();
	if (!machine_enter(cpu->index, s->vmcb))
		exit(1);
	sim_point();
	wish[cpu->index] = guest_steps(v);
	machine_leave(cpu->index, s->vmcb);
}

static void send(struct cpu *here)
{
	uint32_t to = crowd_random(crowd.vcpus);
	struct crowd_message *m = &crowd_message[CROWD_MESSAGES + to];

	if (!crowd_begin(m))
		return;
	crowd_say("CPU %u sends to vCPU %u", here->index, to);
	uint32_t round = m->sent;

	vcpu_interrupt(here, &crowd_vcpu[to], VECTOR_SOFTWARE);
	m->posted = m->sent == round;
}

static void route(struct cpu *here)
{
	uint32_t n = crowd_random(2 * crowd.vcpus), to = crowd_random(crowd.vcpus);

	crowd_say("CPU %u routes message %u to vCPU %u", here->index, n, to);
	if (assign_route(here, &rig_device->irq[n], &crowd_vcpu[to], crowd_vector(n)))
		machine_strict++;
}

static void switch_mechanism(struct cpu *here)
{
	static const enum halt_mode modes[] = { HALT_GALOG, HALT_GAPPI, HALT_GAPPI_SHARED };
	enum halt_mode to = modes[crowd_random(3)];

	crowd_say("CPU %u switches to %d", here->index, to);
	if (wake_switch(here, to == HALT_GALOG ? WAKE_GALOG : WAKE_GAPPI) == OK)
		rig_vm.halt = to;
}

/* As the monitor does; halted or not. */
static void ask_to_move(struct cpu *here, struct cpu *to)
{
	uint32_t n = crowd_random(crowd.vcpus);

	crowd_say("CPU %u asks vCPU %u to move to CPU %u", here->index, n, to->index);
	vcpu_move(here, &crowd_vcpu[n], to);
}

/* The log goes to any pCPU, its owner included. */
static void hand_over(struct cpu *here)
{
	uint32_t to = crowd_random(crowd.cpus);

	crowd_say("CPU %u orders the log to CPU %u", here->index, to);
	place_order(here, iommu_by_index(0), to);
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	struct cpu *to;

	switch (wish[here->index]) {
	case WISH_INTR:
		cpu_take_interrupts();
		return EXIT_RESUME;
	case WISH_SEND:
		send(here);
		return EXIT_RESUME;
	case WISH_ROUTE:
		route(here);
		return EXIT_RESUME;
	case WISH_SWITCH:
		switch_mechanism(here);
		return EXIT_RESUME;
	case WISH_HAND:
		hand_over(here);
		return EXIT_RESUME;
	case WISH_MOVE:
		to = &rig_cpu[crowd_random(crowd.cpus)];
		if (to == here)
			return EXIT_RESUME;
		if (crowd_random(2)) {
			ask_to_move(here, to);
			return EXIT_RESUME;
		}
		crowd_say("vCPU %u moves to CPU %u", v->index, to->index);
		vcpu_migrate(here, v, to);
		return EXIT_LEAVE;
	default:
		crowd_say("vCPU %u halts", v->index);
		return vcpu_block(here, v) ? EXIT_LEAVE : EXIT_RESUME;
	}
}
