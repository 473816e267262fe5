/* SPDX-License-Identifier: MIT */
/*
 * Sharing a pCPU: what one partition can do to another.
 *
 * greedy: each vCPU spins for ever, after a sleep of after=US in which others can start.
 *
 * asleep: each vCPU halts for ever.
 *
 * latency: a device wakes vCPU 0 again and again, at moments that vCPU 1, on another pCPU, chooses;
 * how long until it runs? count=N; limit=US at most (it gives up after twenty times that);
 * spread=US between two.
 *
 * bystander: vCPU 0 sleeps for after=US and spins for=MS: what others' interrupts cost it are
 * exits.
 *
 * share: vCPU 0 spins for for=MS and looks at the clock; what does it miss? gap=US at most, and of
 * the whole time low=PERMILLE to high=PERMILLE.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define VEC_WAKE  0x51
#define VEC_SLEPT 0x52
#define GAP_US    20 /* more than the host needs for an interrupt of its own */

/* Mostly without PAUSE, each of which an emulator that runs the CPUs in turn takes for a hint to
 * turn to the next. */
static void spin(void)
{
	for (unsigned n = 100; n; n--)
		__asm__ volatile("");
	cpu_relax();
}

static volatile uint64_t sent, seen, fired_at, latest, latest_number, sum;
static volatile uint8_t slept[GUEST_VCPUS];
static uint64_t ticks_per_us;

static void on_timer(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	slept[vcpu] = 1;
}

static void sleep_us(uint32_t index, uint64_t us)
{
	trap_handler(VEC_SLEPT, on_timer);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VEC_SLEPT);
	apic_write(APIC_TIMER_INITIAL, (uint32_t)(us * guest_info()->tsc_per_us));
	irq_disable();
	while (!slept[index]) {
		irq_enable_and_halt();
		irq_disable();
	}
}

void program_greedy(uint32_t index)
{
	sleep_us(index, args_number("after", 5000));
	for (;;)
		spin();
}

void program_asleep(uint32_t index)
{
	(void)index;
	for (;;)
		irq_enable_and_halt();
}

static void on_wake(uint32_t vcpu, uint8_t vector)
{
	uint64_t took = read_tsc() - fired_at;

	(void)vcpu;
	(void)vector;
	sum += took;
	if (took > latest) {
		latest = took;
		latest_number = sent;
	}
	seen = sent;
}

static void victim(void)
{
	trap_handler(VEC_WAKE, on_wake);
	for (;;) {
		irq_disable();
		irq_enable_and_halt();
	}
}

static void wait_us(uint64_t us)
{
	uint64_t until = read_tsc() + us * ticks_per_us;

	while (read_tsc() < until)
		spin();
}

static bool wait_seen(uint64_t number, uint64_t us)
{
	uint64_t until = read_tsc() + us * ticks_per_us;

	while (seen != number && read_tsc() < until)
		spin();
	return seen == number;
}

/* Steps that are no part of the period, so that each phase comes. */
static bool sender(uint64_t count, uint64_t spread, uint64_t patience_us)
{
	int igb = igb_find(0);

	if (igb == DEVICE_MISSING)
		return false;
	igb_init(igb);
	if (!device_route(igb, 0, 0, VEC_WAKE))
		return false;
	for (uint64_t i = 1; i <= count; i++) {
		wait_us(100 + i * 619 % spread);
		sent = i;
		fired_at = read_tsc();
		igb_fire(igb, 1);
		if (!wait_seen(i, patience_us))
			return false;
	}
	return true;
}

void program_latency(uint32_t index)
{
	uint64_t count = args_number("count", 60), limit = args_number("limit", 100);
	bool ok;

	ticks_per_us = guest_info()->tsc_per_us;
	if (index == 0)
		victim();
	if (index != 1)
		return;
	ok = sender(count, args_number("spread", 10000), 20 * limit);
	print("latency: %lu of %lu wakes, mean %lu us, longest %lu us (number %lu), limit %lu us\n",
		seen, count, sum / (seen ? seen : 1) / ticks_per_us, latest / ticks_per_us,
		latest_number, limit);
	test_end("latency", ok && latest <= limit * ticks_per_us);
}

void program_share(uint32_t index)
{
	uint64_t per_us = guest_info()->tsc_per_us, most = args_number("gap", 100);
	uint64_t start = read_tsc(), last = start, missed = 0, longest = 0, gaps = 0, now;
	uint64_t until = start + args_number("for", 60) * 1000 * per_us, permille;

	if (index)
		return;
	do {
		now = read_tsc();
		if (now - last > GAP_US * per_us) {
			missed += now - last;
			gaps++;
			if (now - last > longest)
				longest = now - last;
		}
		last = now;
	} while (now < until);
	permille = missed * 1000 / (now - start);
	print("share: of %lu us it missed %lu permille in %lu gaps, the longest %lu us; limit %lu us\n",
		(now - start) / per_us, permille, gaps, longest / per_us, most);
	test_end("share", longest <= most * per_us && permille <= args_number("high", 1000) &&
				  permille >= args_number("low", 0));
}

void program_bystander(uint32_t index)
{
	if (index)
		return;
	ticks_per_us = guest_info()->tsc_per_us;
	sleep_us(index, args_number("after", 5000));
	wait_us(1000 * args_number("for", 100));
	test_end("bystander", true);
}
