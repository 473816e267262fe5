/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "acpi.h"
#include <hw/cpu.h>

#define PM_TIMER_HZ    3579545ull
#define PM_TIMER_MASK  0xffffffu /* 24 bits are always there */
#define CALIBRATE_PM   35795u    /* 10 ms */
#define CALIBRATE_SPIN 10000000u
#define GUESS_PER_US   2000 /* no PM timer, no CPUID leaf: wrong, but everything is bounded */

static uint64_t ticks_per_us = GUESS_PER_US;

/* 24594 rev 3.36, "CPUID Fn0000_0015": TSC frequency as a ratio of the core crystal's, where it is
 * given. */
static uint64_t from_cpuid(void)
{
	if (hw_cpuid(0, 0).eax < 0x15)
		return 0;
	struct cpuid c = hw_cpuid(0x15, 0);

	if (!c.eax || !c.ebx || !c.ecx)
		return 0;
	return (uint64_t)c.ecx * c.ebx / c.eax / 1000000;
}

static uint64_t from_pm_timer(uint16_t port)
{
	uint32_t first = hw_in32(port), counted = 0;
	uint64_t start = cpu_ticks();

	for (uint32_t i = 0; i < CALIBRATE_SPIN && counted < CALIBRATE_PM; i++)
		counted = (hw_in32(port) - first) & PM_TIMER_MASK;
	if (counted < CALIBRATE_PM)
		return 0; /* it doesn't count */
	uint64_t ticks = cpu_ticks() - start;

	return (ticks * PM_TIMER_HZ / counted + 500000) / 1000000;
}

void clock_init(void)
{
	uint32_t port = acpi_info()->pm_timer_port;
	uint64_t found = from_cpuid();

	if (!found && port && port <= 0xffff)
		found = from_pm_timer((uint16_t)port);
	ticks_per_us = found ? found : GUESS_PER_US;
}

uint64_t clock_ticks_per_us(void)
{
	return ticks_per_us;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * ticks_per_us;
}

uint64_t clock_ticks_to_us(uint64_t ticks)
{
	return ticks / ticks_per_us;
}

void clock_delay_us(uint64_t us)
{
	uint64_t start = cpu_ticks(), ticks = clock_us_to_ticks(us);

	while (cpu_ticks() - start < ticks)
		cpu_pause();
}
