/* SPDX-License-Identifier: MIT */
/* sources: tests/tsan/hardware.c vmm/vcpu.c vmm/sched.c vmm/ready.c vmm/wake.c */
/* sources: vmm/budget.c vmm/server.c vmm/base/lib.c */
/* sources: avic/[a-z]*.c svm/event.c tests/host/seam.c */
/*
 * The scheduler's inbox and the vCPU state machine on real threads. vCPUs halt, are woken by the
 * device and by each other, and move between pCPUs. Fails when a message is lost or comes twice, or
 * when the sanitizer reports a race (its own exit status).
 *
 *   threads_test MECHANISM [MESSAGES]
 */
#include "machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exit.h"
#include "page.h"
#include "sched.h"
#include "vectors.h"
#include <hw/shared.h>

#define PATIENCE_S 20

enum wish { WISH_INTR, WISH_HALT, WISH_MOVE, WISH_SEND };

struct cpu t_cpu[T_CPUS];
struct vcpu t_vcpu[T_VCPUS];
struct vm t_vm;
struct message t_message[T_MESSAGES];
uint32_t t_stop, t_twice, t_migrations;

static uint32_t ended; /* atomic */
static struct {
	enum wish wish;
	uint32_t random;
} core[T_CPUS]; /* each its own thread's */

static uint32_t random_below(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % n;
}

/* ---- guests ---- */

static void take_all(struct vcpu *v)
{
	int vector;

	while ((vector = vapic_accept(v->avic.page)) >= 0) {
		struct message *m = &t_message[(uint32_t)vector - t_vector(0)];
		uint32_t sent = __atomic_load_n(&m->sent, __ATOMIC_SEQ_CST);

		if (__atomic_exchange_n(&m->seen, sent, __ATOMIC_SEQ_CST) == sent)
			__atomic_add_fetch(&t_twice, 1, __ATOMIC_SEQ_CST);
		vapic_eoi(v->avic.page);
	}
}

/* Hardware looks at the IRR at VMRUN and when the doorbell rings, at no other time. */
void svm_enter(struct cpu *cpu, struct svm_vcpu *s)
{
	struct vcpu *v = CONTAINER_OF(s, struct vcpu, svm);
	uint32_t i = cpu->index, steps = random_below(&core[i].random, 20);

	t_doorbell_reset(i);
	take_all(v);
	while (steps--) {
		if (t_doorbell_taken(i))
			take_all(v);
		if (t_interrupt_pending(i)) {
			core[i].wish = WISH_INTR;
			return;
		}
	}
	switch (random_below(&core[i].random, 8)) {
	case 0:
		core[i].wish = WISH_MOVE;
		break;
	case 1:
	case 2:
		core[i].wish = WISH_SEND;
		break;
	default:
		if (t_doorbell_taken(i))
			take_all(v);
		core[i].wish = WISH_HALT;
	}
}

/* One sender a message: only who sees the last one as seen may send the next. */
static bool begin_send(struct message *m)
{
	uint32_t seen = __atomic_load_n(&m->seen, __ATOMIC_SEQ_CST);

	return !__atomic_load_n(&t_stop, __ATOMIC_SEQ_CST) &&
	       __atomic_compare_exchange_n(
		       &m->sent, &seen, seen + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	uint32_t *random = &core[here->index].random;
	uint32_t other = random_below(random, T_VCPUS), to = random_below(random, T_CPUS);

	switch (core[here->index].wish) {
	case WISH_INTR:
		cpu_take_interrupts();
		return EXIT_RESUME;
	case WISH_SEND:
		if (begin_send(&t_message[2 * other + 1]))
			vcpu_interrupt(here, &t_vcpu[other], t_vector(2 * other + 1));
		return EXIT_RESUME;
	case WISH_MOVE:
		if (&t_cpu[to] == here)
			return EXIT_RESUME;
		__atomic_add_fetch(&t_migrations, 1, __ATOMIC_SEQ_CST);
		vcpu_migrate(here, v, &t_cpu[to]);
		return EXIT_LEAVE;
	default:
		return vcpu_block(here, v) ? EXIT_LEAVE : EXIT_RESUME;
	}
}

/* ---- threads ---- */

static void *pcpu_thread(void *cpu)
{
	t_thread_of(cpu);
	while (!__atomic_load_n(&ended, __ATOMIC_SEQ_CST))
		sched_turn(cpu);
	return NULL;
}

/* The device: every message as soon as the last one of it was seen. */
static uint64_t device(uint64_t count)
{
	uint64_t sent = 0;

	while (sent < count) {
		uint64_t before = sent;

		for (uint32_t m = 0; m < T_MESSAGES; m += 2) {
			if (!begin_send(&t_message[m]))
				continue;
			t_post(m);
			sent++;
		}
		if (sent == before)
			usleep(1);
	}
	return sent;
}

static unsigned unseen(void)
{
	unsigned n = 0;

	for (uint32_t m = 0; m < T_MESSAGES; m++)
		n += __atomic_load_n(&t_message[m].sent, __ATOMIC_SEQ_CST) !=
		     __atomic_load_n(&t_message[m].seen, __ATOMIC_SEQ_CST);
	return n;
}

static void setup(enum wake_mechanism mechanism, enum halt_mode halt)
{
	static const struct vm_config config = { .name = "t", .apic = APIC_X2APIC };

	t_vm = (struct vm){ .config = &config, .halt = halt, .delivery = DELIVERY_POSTED };
	t_vm.vcpus = t_vcpu;
	t_vm.vcpu_count = T_VCPUS;
	for (uint32_t i = 0; i < T_CPUS; i++) {
		t_cpu[i] = (struct cpu){ .self = &t_cpu[i], .index = i, .apicid = 3 + 2 * i };
		core[i].random = i + 1;
		sched_init_cpu(&t_cpu[i]);
	}
	if (avic_vm_init(&t_vm.avic, true, T_VCPUS - 1, false))
		abort();
	for (uint32_t i = 0; i < T_VCPUS; i++) {
		struct vcpu *v = &t_vcpu[i];

		v->vm = &t_vm;
		v->index = (uint8_t)i;
		v->priority = i % 3;
		v->halt = halt;
		v->delivery = DELIVERY_POSTED;
		v->svm.vmcb_phys = page_alloc(1, 1);
		v->svm.vmcb = (struct vmcb *)v->svm.vmcb_phys.v;
		v->svm.vmcb->rflags = 0x202;
		if (avic_vcpu_init(&v->avic, &t_vm.avic, &v->svm, i) ||
			vcpu_init(v, &t_cpu[i % T_CPUS]))
			abort();
		emulated_init(&v->emulated, &v->avic, i == 0);
		avic_enable(&v->avic);
	}
	t_hardware_init(mechanism);
}

static bool run(const char *name, uint64_t count)
{
	pthread_t thread[T_CPUS];
	uint64_t sent;
	unsigned lost;
	uint64_t wakes = 0, inbox = 0;

	for (uint32_t i = 0; i < T_VCPUS; i++)
		vcpu_start(t_vcpu[i].home, &t_vcpu[i]);
	for (uint32_t i = 0; i < T_CPUS; i++)
		pthread_create(&thread[i], NULL, pcpu_thread, &t_cpu[i]);
	sent = device(count);
	__atomic_store_n(&t_stop, 1, __ATOMIC_SEQ_CST);
	for (time_t end = time(NULL) + PATIENCE_S; unseen() && time(NULL) < end;)
		usleep(1000);
	lost = unseen();
	__atomic_store_n(&ended, 1, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < T_CPUS; i++) {
		pthread_join(thread[i], NULL);
		inbox += t_cpu[i].count.inbox;
	}
	for (uint32_t i = 0; i < T_VCPUS; i++)
		wakes += t_vcpu[i].stats.wakes;
	printf("  %s: %lu posted by the device, %lu wake-ups, %lu by the inbox, %u moves, %u lost,"
	       " %u twice\n",
		name, sent, wakes, inbox, t_migrations, lost, t_twice);
	return !lost && !t_twice && wakes > count / 10 && inbox > count / 100 && t_migrations;
}

static const struct {
	const char *name;
	enum wake_mechanism mechanism;
	enum halt_mode halt;
} kinds[] = {
	{ "galog", WAKE_GALOG, HALT_GALOG },
	{ "gappi-own", WAKE_GAPPI, HALT_GAPPI },
	{ "gappi-shared", WAKE_GAPPI, HALT_GAPPI_SHARED },
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000;

	for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, name))
			continue;
		setup(kinds[i].mechanism, kinds[i].halt);
		return run(name, count) ? 0 : 1;
	}
	fprintf(stderr, "threads_test galog|gappi-own|gappi-shared [MESSAGES]\n");
	return 2;
}
