/* SPDX-License-Identifier: MIT */
/* Who runs on a pCPU, and for how long, on a clock of our own: turns of equals, and what somebody
 * better does to them. */
/* sources: vmm/sched.c vmm/ready.c vmm/budget.c vmm/server.c */
#include "avic/emulated.h"
#include "budget.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "exit.h"
#include "sched.h"
#include "slow.h"
#include "test.h"

#include <hw/sim.h>

#define US    1000ull /* ticks */
#define SLICE (2000 * US)
#define START (50000 * US)
#define NEVER (~0ull)

enum { LOW, EQUAL, OTHER, HIGH, VCPUS };

static struct cpu cpu;
static struct vcpu vcpu[VCPUS];
static uint64_t now, end, due; /* due: what the timer is armed for */
static uint64_t late;          /* ticks: the timer comes so much after it is due */
static unsigned armed;
static struct {
	uint64_t wakes, runs; /* ticks: when it is woken, and for how long it runs then */
	uint64_t woken;       /* when it was, or 0 once it has been loaded */
	uint64_t began, ran;  /* its last load; in all */
	uint64_t longest;     /* from a wake-up to the load */
} life[VCPUS];
static void (*blocked)(unsigned i); /* it has done what it wanted */

uint64_t sim_ticks(void)
{
	return now;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * US;
}

void lapic_timer_arm(uint64_t deadline)
{
	armed++;
	due = deadline;
}

uint64_t slow_tick(struct cpu *here, uint64_t at)
{
	return 0;
}

bool emulated_timer(struct emulated_vcpu *e, uint64_t at)
{
	return false;
}

void emulated_enter(struct emulated_vcpu *e)
{
}

void cpu_kick(struct cpu *target)
{
}

bool vcpu_load(struct cpu *here, struct vcpu *v)
{
	here->current = v;
	v->state = VCPU_RUNNING;
	life[v - vcpu].began = now;
	if (life[v - vcpu].woken && now - life[v - vcpu].woken > life[v - vcpu].longest)
		life[v - vcpu].longest = now - life[v - vcpu].woken;
	life[v - vcpu].woken = 0;
	return true;
}

void vcpu_preempt(struct cpu *here, struct vcpu *v)
{
	here->current = NULL;
	v->state = VCPU_RUNNABLE;
}

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
}

bool vcpu_take_events(struct cpu *here, struct vcpu *v)
{
	v->events = 0;
	return budget_over(here, v);
}

/* Time goes on to whatever comes first, an interrupt or the end. */
static void pass_time(uint64_t until)
{
	if (due && due + late < until)
		until = due + late;
	for (unsigned i = 0; i < VCPUS; i++)
		if (life[i].wakes < until)
			until = life[i].wakes;
	if (until > now)
		now = until;
	/* The timer first, as its vector is the higher one: both are there before anybody looks. */
	if (due && due + late <= now) {
		due = 0;
		sched_tick(&cpu);
	}
	for (unsigned i = 0; i < VCPUS; i++) {
		if (life[i].wakes > now)
			continue;
		life[i].woken = life[i].wakes;
		life[i].wakes = NEVER;
		vcpu[i].state = VCPU_RUNNABLE;
		sched_enqueue(&cpu, &vcpu[i]);
	}
}

void sim_sleep(void)
{
	pass_time(end);
}

void svm_enter(struct cpu *here, struct svm_vcpu *s)
{
	unsigned me = (unsigned)(CONTAINER_OF(s, struct vcpu, svm) - vcpu);
	uint64_t from = now, wanted = life[me].runs;

	pass_time(wanted != NEVER && now + wanted < end ? now + wanted : end);
	life[me].ran += now - from;
	if (wanted != NEVER)
		life[me].runs -= now - from;
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	if (now < end && life[v - vcpu].runs)
		return EXIT_RESUME;
	here->current = NULL;
	v->state = VCPU_BLOCKED;
	if (blocked)
		blocked((unsigned)(v - vcpu));
	return EXIT_LEAVE;
}

static void fresh(void)
{
	static const uint8_t priority[VCPUS] = { 1, 2, 2, 3 };

	memset(&cpu, 0, sizeof(cpu));
	memset(vcpu, 0, sizeof(vcpu));
	sched_init_cpu(&cpu);
	now = START;
	due = late = armed = 0;
	for (unsigned i = 0; i < VCPUS; i++) {
		vcpu[i].home = &cpu;
		vcpu[i].priority = priority[i];
		vcpu[i].avic.active = true;
		life[i].wakes = NEVER;
		life[i].runs = NEVER;
		life[i].began = life[i].ran = life[i].woken = life[i].longest = 0;
	}
	blocked = NULL;
}

/* i is woken so many us after the start. */
static void wakes(unsigned i, uint64_t us)
{
	life[i].wakes = START + us * US;
}

/* The first one runs from the start on. */
static void run_for(unsigned first, uint64_t us)
{
	end = START + us * US;
	vcpu[first].state = VCPU_RUNNABLE;
	sched_enqueue(&cpu, &vcpu[first]);
	while (now < end)
		sched_turn(&cpu);
}

static uint64_t began_us(unsigned i)
{
	return life[i].began ? (life[i].began - START) / US : NEVER;
}

TEST(no_tick_without_an_equal)
{
	fresh();
	wakes(LOW, 100);
	run_for(EQUAL, 50000);
	EXPECT_EQ(armed, 0);
	EXPECT_EQ(life[EQUAL].ran, 50000 * US);
	EXPECT_EQ(life[LOW].ran, 0);
}

TEST(equals_take_turns)
{
	fresh();
	wakes(OTHER, 500);
	run_for(EQUAL, 2500 + 1000);
	EXPECT_EQ(began_us(OTHER), 2500); /* the turn is timed from when another one waits */
	EXPECT_EQ(life[OTHER].ran, 1000 * US);
	fresh();
	wakes(OTHER, 500);
	run_for(EQUAL, 500 + 9 * 2000);
	EXPECT_EQ(life[EQUAL].ran, (500 + 5 * 2000) * US);
	EXPECT_EQ(life[OTHER].ran, 4 * SLICE);
}

TEST(better_in_a_turn)
{
	fresh();
	wakes(OTHER, 0);
	wakes(HIGH, 1500);
	life[HIGH].runs = 1000 * US;
	run_for(EQUAL, 4000);
	EXPECT_EQ(began_us(HIGH), 1500);
	EXPECT_EQ(began_us(EQUAL), 2500); /* the rest of its turn, and no more */
	EXPECT_EQ(began_us(OTHER), 3000);
}

/* Both in one interrupt: the turn was had, the equal doesn't wait for another one. */
TEST(better_in_the_moment_in_which_a_turn_ends)
{
	fresh();
	wakes(OTHER, 0);
	wakes(HIGH, 2000);
	life[HIGH].runs = 1000 * US;
	run_for(EQUAL, 4000);
	EXPECT_EQ(began_us(HIGH), 2000);
	EXPECT_EQ(began_us(OTHER), 3000);
	EXPECT_EQ(began_us(EQUAL), 0);
}

/* The same where the timer is late: nobody has said yet that the turn is over. */
TEST(better_after_the_end_of_a_turn)
{
	fresh();
	late = 20 * US;
	wakes(OTHER, 0);
	wakes(HIGH, 2010);
	life[HIGH].runs = 1000 * US;
	run_for(EQUAL, 4000);
	EXPECT_EQ(began_us(HIGH), 2010);
	EXPECT_EQ(began_us(OTHER), 3010);
}

/* By its budget: the end of a turn, of a budget and time that comes back, in one tick. */
TEST(budget_comes_back_at_the_end_of_a_turn)
{
	fresh();
	budget_init(&vcpu[HIGH], 1000, 5000);
	/* It has used up its time from 0 to 1000, comes back at 5000; the equal's turn is then
	 * over. */
	wakes(EQUAL, 10);
	wakes(OTHER, 3000);
	run_for(HIGH, 9000);
	EXPECT_EQ(life[HIGH].ran, 2 * 1000 * US);
	EXPECT_EQ(began_us(HIGH), 5000);
	EXPECT_EQ(began_us(OTHER), 6000);
	EXPECT_EQ(began_us(EQUAL), 8000);
}

/* ---- the bound of docs/scheduler.md, at random ---- */

#define CASES   300
#define WAKEUPS 60
#define HOST_US 20 /* crumbs of budgets; host code takes no time here */

static uint32_t random_state;
static unsigned wakeups;

static uint64_t below(uint64_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

/* EQUAL is the one that is timed: it works for a moment, and sleeps until a random one. */
static void again(unsigned i)
{
	if (i != EQUAL || !wakeups--)
		return;
	life[i].runs = 50 * US;
	life[i].wakes = now + (100 + below(12000)) * US;
}

static uint64_t bound_us(void)
{
	uint64_t wait = HOST_US, total = 0;

	for (unsigned round = 0; round < 1000; round++, wait = total) {
		total = HOST_US;
		for (unsigned i = 0; i < VCPUS; i++) {
			const struct server *s = &vcpu[i].server;
			uint64_t served = NEVER;

			if (i == EQUAL || vcpu[i].priority < vcpu[EQUAL].priority)
				continue;
			if (s->period)
				served = (wait * US + s->period - 1) / s->period * s->budget / US;
			if (vcpu[i].priority == vcpu[EQUAL].priority && served > SLICE / US)
				served = SLICE / US;
			total += served;
		}
		if (total == wait)
			break;
	}
	return wait;
}

/* The others always want to run; a better one has a budget, or there is no bound. */
static void neighbours(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		if (i == EQUAL)
			continue;
		vcpu[i].priority = (uint8_t)(1 + below(3));
		if (vcpu[i].priority > 2 || below(2))
			budget_init(&vcpu[i], 500 + 250 * below(5), 5000 + 1000 * below(6));
		wakes(i, below(3000));
	}
}

TEST(longest_wait)
{
	uint64_t most = 0; /* of the bound, percent */

	for (unsigned n = 0; n < CASES; n++) {
		fresh();
		random_state = n;
		neighbours();
		blocked = again;
		wakeups = WAKEUPS;
		life[EQUAL].runs = 50 * US;
		run_for(EQUAL, 4000000);
		uint64_t bound = bound_us();

		EXPECT_EQ(wakeups, ~0u);
		if (life[EQUAL].longest > bound * US)
			printf("case %u: %lu us, bound %lu\n", n, life[EQUAL].longest / US, bound);
		EXPECT(life[EQUAL].longest <= bound * US);
		if (100 * life[EQUAL].longest / (bound * US) > most)
			most = 100 * life[EQUAL].longest / (bound * US);
	}
	EXPECT(most > 90); /* it is a tight one */
}
