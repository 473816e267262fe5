/* SPDX-License-Identifier: MIT */
/*
 * Exits one by one, between marks, for the stopwatch: what a way there and back costs the host.
 * vCPU 0 makes them; vCPU 1, on another pCPU, is the target of the IPIs: running, then halted.
 */
#include "apic.h"
#include "guest.h"
#include "trap.h"

#define TARGET 1

enum { VEC_EXITS = 0x58 };

/* Numbers as in bench.c: never reused. */
enum { ARM_CPUID = 101, ARM_MSR, ARM_IPI_RUNNING, ARM_IPI_HALTED };

static volatile uint64_t seen, asleep, ready, halts;

static void on_exits(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	seen++;
}

static bool do_cpuid(uint64_t n)
{
	uint32_t a = 0, b, c = 0, d;

	(void)n;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return true;
}

static bool do_msr(uint64_t n)
{
	uint32_t lo, hi;

	(void)n;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_APIC_BASE));
	return true;
}

static bool ipi_running(uint64_t n)
{
	apic_ipi(TARGET, VEC_EXITS);
	return wait_for(&seen, n);
}

static bool ipi_halted(uint64_t n)
{
	if (!wait_for(&asleep, n))
		return false;
	/* Long enough that it has halted. */
	pause_times(4 + (unsigned)(n * 7 % 29));
	return ipi_running(n);
}

static bool measure(uint32_t number, const char *name, uint64_t count, bool (*one)(uint64_t n))
{
	static struct arm_result r;
	bool ok = true;

	r = (struct arm_result){ .arm = number };
	for (unsigned i = 0; name[i] && i < sizeof(r.name) - 1; i++)
		r.name[i] = name[i];
	seen = 0;
	hypercall(HC_MARK | (uint64_t)number << 32, 1, 0, 0, 0);
	while (ok && r.sent < count) {
		ok = one(r.sent + 1);
		r.sent++;
		r.delivered += ok;
	}
	hypercall(HC_MARK | (uint64_t)number << 32, 0, 0, 0, 0);
	r.lost = r.sent - r.delivered;
	r.state = ok ? ARM_DONE : ARM_FAILED;
	print("exits: %s: %lu\n", name, r.delivered);
	hypercall(HC_RESULT, (uintptr_t)&r, 0, 0, 0);
	return ok;
}

static void target(void)
{
	irq_enable();
	ready = 1;
	while (!halts)
		cpu_relax();
	for (;;) {
		irq_disable();
		asleep = seen + 1;
		irq_enable_and_halt();
	}
}

void program_exits(uint32_t index)
{
	uint64_t count = args_number("count", 1000);
	bool ok;

	if (index == TARGET)
		target();
	if (index)
		return;
	trap_handler(VEC_EXITS, on_exits);
	irq_enable();
	ok = measure(ARM_CPUID, "exit-cpuid", count, do_cpuid);
	ok = measure(ARM_MSR, "exit-msr", count, do_msr) && ok;
	ok = wait_for(&ready, 1) && measure(ARM_IPI_RUNNING, "ipi-running", count, ipi_running) &&
	     ok;
	halts = 1;
	seen = 0;
	ok = measure(ARM_IPI_HALTED, "ipi-halted", count, ipi_halted) && ok;
	test_end("exits", ok);
}
