/* SPDX-License-Identifier: MIT */
/* sources: drivers/clock.c */
#include "test.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "hw/sim.h"

/* A machine without CPUID leaf 15h: a 24-bit PM timer, read every 100 ticks at 3000 ticks a us. */
static struct acpi_info info;
static uint64_t now;
static bool pm_counts;

const struct acpi_info *acpi_info(void)
{
	return &info;
}

uint64_t sim_ticks(void)
{
	return now += 100;
}

uint32_t sim_in(uint16_t port, unsigned bytes)
{
	EXPECT_EQ(port, 0x608);
	EXPECT_EQ(bytes, 4);
	now += 1000;
	/* Near its end at the start: it wraps meanwhile. */
	return pm_counts ? (uint32_t)(0xfffff0 + now * 3579545 / 3000000000) & 0xffffff : 5;
}

TEST(by_the_pm_timer)
{
	info.pm_timer_port = 0x608;
	pm_counts = true;
	clock_init();
	EXPECT_EQ(clock_ticks_per_us(), 3000);
	uint64_t start = now;

	clock_delay_us(50);
	EXPECT(now - start >= 150000 && now - start < 151000);
}

TEST(one_that_stands_still)
{
	pm_counts = false;
	clock_init();
	EXPECT_EQ(clock_ticks_per_us(), 2000);
	info.pm_timer_port = 0;
	clock_init();
	EXPECT_EQ(clock_ticks_per_us(), 2000);
}
