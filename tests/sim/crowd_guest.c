/* SPDX-License-Identifier: MIT */
/* What the vCPUs of the random simulation do: take interrupts, halt, move, send, change things. */
#include "crowd.h"

#include <stdlib.h>

#include "avic/regs.h"
#include "exit_parts.h"
#include "place.h"
#include <hw/sim.h>

#define MSR_TPR 0x808
#define MSR_EOI 0x80b

enum wish {
	WISH_INTR,
	WISH_HALT,
	WISH_MOVE,
	WISH_SEND,
	WISH_EVENT,
	WISH_ROUTE,
	WISH_SWITCH,
	WISH_HAND,
	WISH_IPI, /* hardware left it to us */
};

static enum wish wish[MACHINE_CPUS];
static bool masked[CROWD_VCPUS];
static struct ipi {
	struct vmexit exit;
	struct crowd_message *message;
	uint32_t round;
} ipi[MACHINE_CPUS];

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
	if (n < 9)
		return WISH_IPI;
	if (n < 11)
		return WISH_SEND;
	if (n == 11)
		return WISH_EVENT;
	if (crowd.routes && n == 12)
		return WISH_ROUTE;
	if (n >= 13 && n < 16 && crowd_random(24) < crowd.switches)
		return WISH_SWITCH;
	if (crowd.hands_over && (n == 14 || (crowd_only == CROWD_HAND_OVERS && n % 4 == 0)))
		return WISH_HAND;
	masked[v->index] |= crowd.masks && n < 24;
	return WISH_HALT;
}

/* By the ICR; false: it exits. */
static bool send_ipi(void)
{
	uint32_t to = crowd_random(crowd.vcpus);
	struct ipi *i = &ipi[sim_cpu->index];
	uint64_t info[2];

	i->message = &crowd_message[CROWD_MESSAGES + to];
	if (!crowd_begin(i->message))
		return true;
	crowd_say("an IPI to vCPU %u", to);
	i->round = i->message->sent;
	sim_drain(); /* the bit is set by a locked operation */
	if (machine_ipi(sim_cpu->index, to, VECTOR_SOFTWARE, info)) {
		i->message->posted = i->message->sent == i->round;
		return true;
	}
	i->exit = (struct vmexit){ .kind = VMEXIT_KIND_AVIC_IPI };
	i->exit.ipi.icr = info[0];
	i->exit.ipi.cause = (uint32_t)(info[1] >> 32);
	return false;
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

	if (next == WISH_IPI && send_ipi())
		next = WISH_HALT;
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
	if (!machine_enter(cpu->index, s->vmcb))
		exit(1);
	sim_point();
	wish[cpu->index] = guest_steps(v);
	sim_drain();
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

static void finish_ipi(struct cpu *here, struct vcpu *v)
{
	struct ipi *i = &ipi[here->index];
	struct ipi now = *i;

	exit_ipi(here, v, &now.exit);
	now.message->posted = now.message->sent == now.round;
}

static void event(struct cpu *here)
{
	uint32_t to = crowd_random(crowd.vcpus);

	crowd_say("CPU %u has an event for vCPU %u", here->index, to);
	vcpu_post_event(here, &crowd_vcpu[to], VCPU_EVENT_FLUSH);
}

static void route(struct cpu *here)
{
	uint32_t n = crowd_random(2 * crowd.vcpus), to = crowd_random(crowd.vcpus);

	crowd_say("CPU %u routes message %u to vCPU %u", here->index, n, to);
	if (assign_route(here, &rig_device->irq[n], &crowd_vcpu[to], crowd_vector(n)))
		machine_strict++;
}

static void switch_to(struct cpu *here, enum halt_mode to)
{
	crowd_say("CPU %u switches to %d", here->index, to);
	if (wake_switch(here, to == HALT_GALOG ? WAKE_GALOG : WAKE_GAPPI) == OK)
		rig_vm.halt = to;
}

/* Once, or there and back while others still do what they did. */
static void switch_mechanism(struct cpu *here)
{
	static const enum halt_mode modes[] = { HALT_GALOG, HALT_GAPPI, HALT_GAPPI_SHARED };
	enum halt_mode to = modes[crowd_random(3)], from = rig_vm.halt;

	crowd_hurry = crowd_random(4) ? 0 : 4000;
	switch_to(here, to);
	if (crowd_random(2))
		switch_to(here, from);
	crowd_hurry = 0;
}

/* As the monitor does; halted or not. */
static void ask_to_move(struct cpu *here, struct cpu *to)
{
	uint32_t n = crowd_random(crowd.vcpus);

	crowd_say("CPU %u asks vCPU %u to move to CPU %u", here->index, n, to->index);
	vcpu_move(here, &crowd_vcpu[n], to);
}

/* The log goes to any pCPU, its owner included, and perhaps on while it is under way. */
static void hand_over(struct cpu *here)
{
	for (unsigned n = 1 + crowd_random(4); n; n--) {
		uint32_t to = crowd_random(crowd.cpus);

		crowd_say("CPU %u orders the log to CPU %u", here->index, to);
		place_order(here, iommu_by_index(0), to);
	}
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	struct cpu *to;

	switch (wish[here->index]) {
	case WISH_IPI:
		finish_ipi(here, v);
		return EXIT_RESUME;
	case WISH_EVENT:
		event(here);
		return EXIT_RESUME;
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
