/* SPDX-License-Identifier: MIT */
/* Two CPUs: doorbells, IPIs between running vCPUs, and one that blocks meanwhile. */
#include "smoke.h"

#define AREA   "AVIC: a test hypervisor"
#define VEC    0x51u
#define ROUNDS 2000u

static struct vcpu *const a = &vcpus[0];
static struct vcpu *const b = &vcpus[1];
static volatile unsigned stage;
static volatile unsigned spins;

static void guest_spin(void)
{
	__asm__ volatile("sti");
	stage = 1;
	while (!counts[1][VEC]) {
		spins++;
		pause();
	}
	stage = 2;
	vmmcall();
}

static void wait_stage(unsigned wanted)
{
	while (stage != wanted)
		pause();
}

void doorbell_wakes_busy(void)
{
	CASE("Doorbell Mechanism",
		"target busy in its guest: an IRR bit is seen at the doorbell, not before");
	stage = 0;
	run_on_second(guest_spin);
	wait_stage(1);
	post(b, VEC);
	for (unsigned from = spins; spins - from < 20000;)
		pause();
	check(counts[1][VEC] == 0, "a bare bit in the IRR is not noticed");
	doorbell(host_apicid[1]);
	wait_second();
	check(stage == 2 && counts[1][VEC] == 1, "a doorbell is");
}

static void guest_halt(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		__asm__ volatile("cli");
		stage = 2 * i + 1;
		while (counts[1][VEC] <= i)
			__asm__ volatile("sti; hlt; cli" ::: "memory");
		stage = 2 * i + 2;
	}
	vmmcall();
}

void doorbell_wakes_halted(void)
{
	CASE("Doorbell Mechanism", "target halted in its guest: the doorbell ends HLT");
	stage = 0;
	run_on_second(guest_halt);
	for (unsigned i = 0; i < ROUNDS; i++) {
		while (stage < 2 * i + 1)
			pause();
		post(b, VEC);
		doorbell(host_apicid[1]);
		while (stage < 2 * i + 2)
			pause();
	}
	wait_second();
	check(counts[1][VEC] == ROUNDS, "halted guest woken each time, once");
}

static void ping(unsigned to)
{
	apic_write(0x300, (uint64_t)to << 32 | VEC);
}

static void play(unsigned me)
{
	for (unsigned i = 1; i <= ROUNDS; i++) {
		if (me == 0)
			ping(1);
		for (;;) {
			__asm__ volatile("cli");
			if (counts[me][VEC] >= i)
				break;
			__asm__ volatile("sti; hlt" ::: "memory");
		}
		if (me == 1)
			ping(0);
	}
	__asm__ volatile("cli");
	vmmcall();
}

static void guest_ping(void)
{
	play(0);
}

static void guest_pong(void)
{
	play(1);
}

void ping_pong(void)
{
	CASE("AVIC IPI Delivery", "two running vCPUs: IPIs without exits, none lost, none doubled");
	setup(a, guest_ping);
	set_running(0, 0, true);
	set_running(1, 1, true);
	run_on_second(guest_pong);
	expect_exit(VMMCALL, 0, 0, "IPIs between two running vCPUs");
	wait_second();
	check(counts[0][VEC] == ROUNDS && counts[1][VEC] == ROUNDS, "none lost, none doubled");
}

static void guest_pong_blocking(void)
{
	vmmcall(); /* the host sets the HLT intercept */
	play(1);
}

/* IsRunning is cleared and set while the other side sends: no wake-up may be lost. */
void block_and_wake(void)
{
	unsigned exits = 0;

	CASE("AVIC Incomplete IPI",
		"a target that clears IsRunning while it is sent to: seen in its IRR, or exit ID 1");
	run_on_second(guest_pong_blocking);
	wait_second();
	*(uint32_t *)(b->vmcb + 0x0c) |= 1u << 24;
	*field64(b, 0x578) += 3;
	b->blocks = 0;
	b->woken = false;
	setup(a, guest_ping);
	set_running(0, 0, true);
	set_running(1, 1, true);
	b->running = true;
	while (run(a) == 0x401 && *field64(a, 0x80) == (1ull << 32 | 1)) {
		exits++;
		b->woken = true;
	}
	check(*field64(a, 0x70) == VMMCALL, "only exits with ID 1");
	wait_second();
	check(counts[0][VEC] == ROUNDS && counts[1][VEC] == ROUNDS, "none lost when blocking");
	check(b->blocks && exits, "it did block, and was woken");
}
