/* SPDX-License-Identifier: MIT */
/*
 * A device that fires all its messages as fast as it can. vCPU 0 is the target and halts whenever
 * it may; vCPU 1 fires for=MS. Afterwards every message must have come once more after it was fired
 * for the last time, which was when the hypervisor had long had enough of it.
 */
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define TARGET 0
#define SENDER 1
#define ALL    ((1u << IGB_MESSAGES) - 1)

enum { VEC_STORM = 0x51 };

static volatile uint64_t round_number, seen_in[IGB_MESSAGES], handled, ready;

static void on_storm(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	seen_in[vector - VEC_STORM] = round_number;
	handled++;
}

static bool all_seen_in(uint64_t number)
{
	for (unsigned i = 0; i < IGB_MESSAGES; i++)
		if (seen_in[i] != number)
			return false;
	return true;
}

static void wait_us(uint64_t us)
{
	uint64_t until = read_tsc() + us * guest_info()->tsc_per_us;

	while (read_tsc() < until)
		cpu_relax();
}

static uint64_t fire_for_us(int igb, uint64_t us)
{
	uint64_t until = read_tsc() + us * guest_info()->tsc_per_us, n = 0;

	/* Under an emulator that runs the CPUs in turn, PAUSE lets the others have theirs. */
	for (; read_tsc() < until; n++) {
		igb_fire(igb, ALL);
		cpu_relax();
	}
	return n;
}

static bool storm(int igb, uint64_t *fired)
{
	for (unsigned i = 0; i < IGB_MESSAGES; i++)
		if (!device_route(igb, i, TARGET, (uint8_t)(VEC_STORM + i)))
			return false;
	round_number = 1;
	*fired = fire_for_us(igb, 1000 * args_number("for", 100));
	wait_us(30000); /* what was held back has come */
	round_number = 2;
	*fired += fire_for_us(igb, 2000);
	wait_us(1000); /* what was not held back has come */
	round_number = 3;
	igb_fire(igb, ALL);
	++*fired;
	return wait_until(all_seen_in, 3);
}

void program_storm(uint32_t index)
{
	uint64_t fired = 0;
	int igb = igb_find(0);
	bool ok;

	if (index == TARGET) {
		irq_enable();
		ready = 1;
		for (;;) {
			irq_disable();
			irq_enable_and_halt();
		}
	}
	if (index != SENDER)
		return;
	for (unsigned i = 0; i < IGB_MESSAGES; i++)
		trap_handler((uint8_t)(VEC_STORM + i), on_storm);
	ok = igb != DEVICE_MISSING && wait_for(&ready, 1);
	if (ok)
		igb_init(igb);
	ok = ok && storm(igb, &fired);
	print("storm: %lu times all messages fired, %lu handled\n", fired, handled);
	test_end("storm", ok);
}
