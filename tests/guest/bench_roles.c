/* SPDX-License-Identifier: MIT */
/* What the target, the busy one and the sleepers do. */
#include "apic.h"
#include "bench.h"
#include "devices.h"
#include "trap.h"

#define EDU_BYTES 64

struct bench bench;
static uint8_t edu_data[EDU_BYTES];

static void on_bench(uint32_t vcpu, uint8_t vector)
{
	uint64_t now = bench.sent;

	if (vector == VEC_EDU)
		edu_ack(bench.edu);
	if (bench.seen == now) {
		bench.duplicates++;
	} else {
		bench.seen = now;
		bench.delivered++;
	}
	bench.handled[vcpu]++;
}

static void on_nudge(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	bench.handled[vcpu]++;
}

static void on_burst(uint32_t vcpu, uint8_t vector)
{
	burst_seen(vector);
	bench.handled[vcpu]++;
}

void bench_handlers(void)
{
	trap_handler(VEC_BENCH, on_bench);
	trap_handler(VEC_EDU, on_bench);
	trap_handler(VEC_NUDGE, on_nudge);
	for (unsigned i = 0; i < BENCH_SOURCES; i++)
		trap_handler((uint8_t)(VEC_BURST + i), on_burst);
}

bool bench_is_asleep(uint64_t index)
{
	return bench.asleep[index] == bench.handled[index] + 1;
}

void bench_park(uint32_t index)
{
	bench.parked[index] = 1;
	hypercall(HC_PARK, 0, 0, 0, 0);
}

/* The other one says that it parks just before it does. */
static bool try_unpark(uint64_t index)
{
	return hypercall(HC_UNPARK, index, 0, 0, 0) == 1;
}

bool bench_unpark(uint32_t index)
{
	if (!wait_for(&bench.parked[index], 1))
		return false;
	bench.parked[index] = 0;
	bench.asleep[index] = 0;
	return wait_until(try_unpark, index);
}

void bench_mark(const struct arm *arm, uint32_t edge)
{
	hypercall(HC_MARK | (uint64_t)arm->number << 32, edge, 0, 0, 0);
}

void bench_nudge(uint32_t index)
{
	apic_ipi(index, VEC_NUDGE);
}

/* One HLT, unless order isn't *orders any more. */
static void halt_once(uint32_t index, const volatile uint32_t *orders, uint32_t order)
{
	irq_disable();
	if (*orders == order) {
		bench.asleep[index] = bench.handled[index] + 1;
		irq_enable_and_halt();
	}
	irq_enable();
}

/* The device's DMA ends 100 ms of virtual time later. With every vCPU asleep (the sender is parked)
 * an emulator jumps there at once, so T does it all by itself, marks included. */
static void target_edu(void)
{
	uint64_t data = (uintptr_t)edu_data;

	wait_for(&bench.parked[BENCH_SENDER], 1);
	pause_times(200);
	bench_mark(bench.arm, 1);
	for (uint64_t i = 1; i <= bench.count; i++) {
		bench.sent = i;
		edu_copy_in(bench.edu, data, EDU_BYTES);
		irq_disable();
		while (bench.seen != i) {
			irq_enable_and_halt();
			irq_disable();
		}
		irq_enable();
	}
	bench_mark(bench.arm, 0);
	bench.order = ORDER_SPIN;
	bench_unpark(BENCH_SENDER);
}

void bench_target(void)
{
	bench_park(BENCH_TARGET);
	irq_enable();
	for (;;) {
		switch (bench.order) {
		case ORDER_HALT:
			halt_once(BENCH_TARGET, &bench.order, ORDER_HALT);
			break;
		case ORDER_EDU:
			target_edu();
			break;
		default:
			bench.spins++;
			cpu_relax();
		}
	}
}

void bench_busy(void)
{
	for (;;) {
		bench_park(BENCH_BUSY);
		irq_enable();
		while (!bench.dismissed)
			cpu_relax();
	}
}

void bench_sleeper(uint32_t index)
{
	for (;;) {
		bench_park(index);
		while (!bench.dismissed)
			halt_once(index, &bench.dismissed, 0);
	}
}
