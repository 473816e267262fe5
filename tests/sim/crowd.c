/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "audit.h"
#include "sched.h"
#include "stores.h"
#include "vectors.h"
#include <hw/sim.h>

#define STACK_BYTES   (256 * 1024)
#define SETTLE_ROUNDS 20
/* No post takes so many crossings to be seen, with all that the other pCPUs do meanwhile. */
#define CROSSINGS_A_POST 200000ull

struct crowd_shape crowd;
struct vcpu crowd_vcpu[CROWD_VCPUS];
struct crowd_message crowd_message[CROWD_MESSAGES + CROWD_VCPUS];
uint32_t crowd_twice, crowd_untold, crowd_hurry;
uint64_t crowd_crossings, crowd_posts;
bool crowd_ending, crowd_loud;
enum crowd_only crowd_only;

static uint64_t random_state, last_post, goal;
static bool running; /* a pCPU runs on its stack */
static jmp_buf main_context, context[MACHINE_CPUS];
static uint8_t stacks[MACHINE_CPUS][STACK_BYTES] __attribute__((aligned(64)));
static bool idle[MACHINE_CPUS];

uint32_t crowd_random(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

void crowd_say(const char *format, ...)
{
	va_list args;

	if (!crowd_loud)
		return;
	printf("%10lu CPU %u: ", crowd_crossings, sim_cpu->index);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* ---- messages ---- */

uint8_t crowd_vector(uint32_t n)
{
	return (uint8_t)((n % 2 ? VECTOR_HIGH : VECTOR_LOW) + n / 2);
}

struct crowd_message *crowd_of_vector(uint32_t vcpu, uint8_t vector)
{
	if (vector == VECTOR_SOFTWARE)
		return &crowd_message[CROWD_MESSAGES + vcpu];
	if (vector >= VECTOR_HIGH && vector < VECTOR_HIGH + CROWD_VCPUS)
		return &crowd_message[2 * (vector - VECTOR_HIGH) + 1];
	if (vector >= VECTOR_LOW && vector < VECTOR_LOW + CROWD_VCPUS)
		return &crowd_message[2 * (vector - VECTOR_LOW)];
	return NULL;
}

bool crowd_begin(struct crowd_message *m)
{
	if (m->sent != m->seen)
		return false;
	m->sent++;
	m->posted = false;
	return true;
}

/* ---- the device ---- */

static uint32_t fire_message;
static enum machine_split fire_split;

static void fire(void)
{
	machine_fire(fire_message, fire_split);
}

static void device_turn(void)
{
	if (machine_unfinished()) {
		crowd_say("device finishes");
		stores_hidden_from(machine_finish);
		return;
	}
	fire_message = crowd_random(2 * crowd.vcpus);
	fire_split = (enum machine_split)crowd_random(MACHINE_SPLIT_BEFORE_IRTE + 1);
	if (crowd_posts == goal || !crowd_begin(&crowd_message[fire_message]))
		return;
	crowd_posts++;
	last_post = crowd_crossings;
	crowd_say("device fires %u, vector %x, split %d", fire_message, crowd_vector(fire_message),
		fire_split);
	stores_hidden_from(fire);
}

/* ---- who runs ---- */

static void go_to(uint32_t cpu)
{
	sim_cpu = &rig_cpu[cpu];
	_longjmp(context[cpu], 1);
}

static bool has_work(uint32_t cpu)
{
	return machine_pending(cpu) >= 0 || rig_cpu[cpu].next || !idle[cpu];
}

/* Somebody else goes on, and doesn't see what is still in the store buffer; back in the main
 * context when nobody has anything to do. */
static void give_way(void)
{
	uint32_t me = sim_cpu->index, first = crowd_random(crowd.cpus);

	stores_reach_memory(crowd_random(stores_buffered() + 1));
	stores_hide();
	if (_setjmp(context[me])) {
		stores_show();
		return;
	}
	for (uint32_t i = 0; i < crowd.cpus; i++) {
		uint32_t cpu = (first + i) % crowd.cpus;

		if (has_work(cpu))
			go_to(cpu);
	}
	_longjmp(main_context, 1);
}

void sim_spin(void)
{
	if (running)
		give_way();
}

/* In a replay: who has changed its state since the last crossing. */
static void say_states(void)
{
	static const char *const names[] = { "OFFLINE", "RUNNABLE", "RUNNING", "BLOCKED",
		"STOPPED" };
	static uint32_t before[CROWD_VCPUS];

	for (uint32_t i = 0; i < crowd.vcpus; i++) {
		uint32_t state = crowd_vcpu[i].state;

		if (state != before[i])
			crowd_say("vCPU %u is %s", i, names[state]);
		before[i] = state;
	}
}

void sim_point(void)
{
	uint32_t n;

	if (!running)
		return;
	crowd_crossings++;
	if (crowd_loud)
		say_states();
	/* vCPUs go on sending to each other until told to stop. */
	crowd_ending |= crowd_posts == goal;
	if (crowd_crossings - last_post > CROSSINGS_A_POST) {
		printf("it never settles\n");
		exit(1);
	}
	n = crowd_random(1u << 20);
	if (!(n & crowd.device_mask))
		device_turn();
	if (!crowd.late_iommu || !(n >> 4 & 15))
		machine_arrives(n & 1);
	if (crowd_hurry)
		crowd_hurry--;
	else if (!(n >> 10 & crowd.switch_mask))
		give_way();
}

void sim_sleep(void)
{
	uint32_t me = sim_cpu->index;

	sim_take_interrupts();
	sim_drain(); /* a store waits for others' turns, but not as long as an idle pCPU may */
	idle[me] = !rig_cpu[me].next;
	if (idle[me])
		give_way();
	idle[me] = false;
}

static void cpu_main(uint32_t cpu)
{
	if (!_setjmp(context[cpu]))
		_longjmp(main_context, 1);
	for (;;)
		sched_turn(&rig_cpu[cpu]);
}

static void make_stack(uint32_t cpu)
{
	static ucontext_t from, to;

	getcontext(&to);
	to.uc_stack.ss_sp = stacks[cpu];
	to.uc_stack.ss_size = STACK_BYTES;
	makecontext(&to, (void (*)(void))cpu_main, 1, cpu);
	if (!_setjmp(main_context))
		swapcontext(&from, &to);
}

/* Until nobody has anything to do. */
static void run_all(void)
{
	running = true;
	stores_late = crowd.late_stores;
	machine_late(crowd.late_iommu ? MACHINE_LATE_WRITES : MACHINE_LATE_COMMANDS);
	if (!_setjmp(main_context)) {
		for (uint32_t cpu = 0; cpu < crowd.cpus; cpu++)
			if (has_work(cpu))
				go_to(cpu);
	}
	running = stores_late = false;
	machine_late(MACHINE_AT_ONCE);
}

/* ---- a seed ---- */

static void choose(uint64_t seed)
{
	static const enum halt_mode modes[] = { HALT_GALOG, HALT_GAPPI, HALT_GAPPI_SHARED };

	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
	crowd_random(2);
	crowd = (struct crowd_shape){
		.cpus = 2 + crowd_random(MACHINE_CPUS - 1),
		.vcpus = 8 + crowd_random(CROWD_VCPUS - 7),
		.halt = modes[crowd_random(3)],
		.switch_mask = (2u << crowd_random(5)) - 1,
		.device_mask = (8u << crowd_random(6)) - 1,
		.late_stores = crowd_random(2),
		.migrates = crowd_random(2),
		.switches = crowd_random(3) ? 0 : (uint32_t[]){ 1, 6, 24 }[crowd_random(3)],
		.routes = crowd_random(2),
		.masks = crowd_random(2),
		.hands_over = crowd_random(2),
		.spurious_percent = crowd_random(2) ? 0 : 30,
		.log_limit = crowd_random(3) ? 0 : 1 + crowd_random(4),
		.late_iommu = crowd_random(2),
		.quiet_galog = crowd_random(2),
		.erratum_1235 = !crowd_random(4),
		.storm_limit = crowd_random(2) ? 0 : 100u << crowd_random(6),
	};
	if (crowd_only == CROWD_ALL)
		return;
	crowd.vcpus = 8;
	crowd.halt = HALT_GALOG;
	crowd.switches = crowd_only == CROWD_SWITCHES ? 24 : 0;
	crowd.hands_over = crowd_only == CROWD_HAND_OVERS;
	crowd.device_mask = 15;
	crowd.routes = crowd.migrates = false;
}

static void begin(uint64_t seed)
{
	static struct vm_config config;

	choose(seed);
	setup_machine(crowd.cpus, crowd.vcpus);
	config = *rig_vm.config;
	config.storm_limit = crowd.storm_limit;
	rig_vm.config = &config;
	machine_spurious_gappi(crowd.spurious_percent);
	machine_galog_limit(crowd.log_limit);
	machine_quiet_galog(crowd.quiet_galog ? VEC_GALOG : 0);
	machine_between(sim_point);
	if (crowd.erratum_1235)
		setup_erratum_1235();
	rig_vm.vcpus = crowd_vcpu;
	rig_vm.halt = crowd.halt;
	if (crowd.halt != HALT_GALOG && wake_switch(&rig_cpu[0], WAKE_GAPPI))
		exit(1);
	setup_device(2 * crowd.vcpus);
	for (uint32_t i = 0; i < crowd.vcpus; i++) {
		crowd_vcpu[i].index = (uint8_t)i;
		crowd_vcpu[i].priority = (uint8_t)crowd_random(3);
		setup_vcpu(&crowd_vcpu[i], &rig_cpu[i % crowd.cpus]);
	}
	for (uint32_t n = 0; n < 2 * crowd.vcpus; n++)
		if (assign_route(
			    &rig_cpu[0], &rig_device->irq[n], &crowd_vcpu[n / 2], crowd_vector(n)))
			exit(1);
	for (uint32_t cpu = 0; cpu < crowd.cpus; cpu++)
		make_stack(cpu);
}

static void timers(void)
{
	for (uint32_t cpu = 0; cpu < crowd.cpus; cpu++) {
		if (!rig_timer[cpu])
			continue;
		rig_now = rig_now > rig_timer[cpu] ? rig_now : rig_timer[cpu];
		rig_timer[cpu] = 0;
		machine_interrupt(cpu, VEC_TIMER);
	}
}

/* Everybody with a raised priority gets something that lowers it, then timers expire: the slow one
 * finds an overflow that nobody told of. */
static void settle(void)
{
	goal = crowd_posts;
	crowd_ending = true;
	for (unsigned round = 0; round < SETTLE_ROUNDS; round++) {
		last_post = crowd_crossings;
		while (machine_unfinished())
			machine_finish();
		run_all();
		if (round % 2)
			timers();
		for (uint32_t i = 0; i < crowd.vcpus && round > 2; i++) {
			sim_cpu = &rig_cpu[0];
			if (crowd_masked(i) && crowd_begin(&crowd_message[CROWD_MESSAGES + i]))
				vcpu_interrupt(sim_cpu, &crowd_vcpu[i], VECTOR_SOFTWARE);
		}
	}
}

/* Nobody has anything to do, and nothing is under way. */
static const char *asleep_wrongly(void)
{
	for (uint32_t i = 0; i < crowd.vcpus; i++) {
		struct vcpu *v = &crowd_vcpu[i];

		if (v->state != VCPU_BLOCKED)
			return "a vCPU is neither blocked nor runs";
		/* One that is held comes when the storm's period ends. */
		if (vapic_deliverable(v->avic.page) >= 0 && !rig_device->storm.held)
			return "a vCPU sleeps on a message";
		if (vapic_stash_deliverable(v->avic.page, &v->avic.stash) >= 0)
			return "a vCPU sleeps on a message that was put away";
		if (v->events)
			return "a vCPU sleeps on an event";
	}
	return NULL;
}

static const char *wrong(void)
{
	static char text[100];

	for (uint32_t n = 0; n < CROWD_MESSAGES + CROWD_VCPUS; n++) {
		if (crowd_message[n].sent == crowd_message[n].seen)
			continue;
		snprintf(text, sizeof(text), "message %u, vector %x, is lost in round %u", n,
			n < CROWD_MESSAGES ? crowd_vector(n) : VECTOR_SOFTWARE,
			crowd_message[n].sent);
		return text;
	}
	for (uint32_t i = 0; i < crowd.vcpus; i++) {
		if (crowd_vcpu[i].state != VCPU_BLOCKED)
			return "a vCPU isn't blocked in the end";
		if (vapic_irr_any(crowd_vcpu[i].avic.page) || crowd_vcpu[i].avic.stash.any)
			return "a vCPU has something left in the end";
	}
	if (crowd_twice)
		return "a message came twice";
	if (crowd_untold)
		return "a vCPU that runs isn't told of a message";
	if (audit_rescues())
		return "only the audit found a vCPU";
	return machine_strict ? "the model complained" : NULL;
}

uint64_t crowd_wakes(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < crowd.vcpus; i++)
		n += crowd_vcpu[i].stats.wakes - crowd_vcpu[i].stats.spurious_wakes;
	return n;
}

const char *crowd_run(uint64_t seed, uint64_t posts)
{
	begin(seed);
	goal = posts;
	run_all();
	while (crowd_posts < posts && !crowd_twice && !crowd_untold && !machine_strict) {
		const char *asleep = machine_unfinished() ? NULL : asleep_wrongly();

		if (asleep)
			return asleep;
		/* Everybody sleeps: the device goes on. Time passes only when it is done with what
		 * it had begun, or the audit would be right to complain. */
		device_turn();
		run_all();
		if (!machine_unfinished() && !crowd_random(64)) {
			timers();
			run_all();
		}
	}
	settle();
	return wrong();
}
