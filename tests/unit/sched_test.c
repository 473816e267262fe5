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
	uint64_t began, ran;  /* its last load; in all */
} life[VCPUS];

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

/* Time goes on to whatever comes first: an interrupt, or v has done what it wanted. */
void svm_enter(struct cpu *here, struct svm_vcpu *s)
{
	unsigned me = (unsigned)(CONTAINER_OF(s, struct vcpu, svm) - vcpu);
	uint64_t next = end, from = now;

	if (due && due + late < next)
		next = due + late;
	for (unsigned i = 0; i < VCPUS; i++)
		if (life[i].wakes < next)
			next = life[i].wakes;
	if (life[me].runs != NEVER && now + life[me].runs < next)
		next = now + life[me].runs;
	if (next > now)
		now = next;
	life[me].ran += now - from;
	if (life[me].runs != NEVER)
		life[me].runs -= now - from;
	/* The timer first, as its vector is the higher one: both are there before anybody looks. */
	if (due && due + late <= now) {
		due = 0;
		sched_tick(here);
	}
	for (unsigned i = 0; i < VCPUS; i++) {
		if (life[i].wakes > now)
			continue;
		life[i].wakes = NEVER;
		vcpu[i].state = VCPU_RUNNABLE;
		sched_enqueue(here, &vcpu[i]);
	}
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	if (now < end && life[v - vcpu].runs)
		return EXIT_RESUME;
	here->current = NULL;
	v->state = VCPU_BLOCKED;
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
		life[i].began = life[i].ran = 0;
	}
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
	while (now < end && sched_turn(&cpu))
		;
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
