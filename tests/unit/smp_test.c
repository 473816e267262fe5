/* SPDX-License-Identifier: MIT */
/* sources: vmm/smp.c drivers/clock.c */
#include <setjmp.h>
#include "test.h"
#include "smp.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "base/log.h"
#include "drivers/acpi.h"
#include "drivers/lapic.h"
#include "hw/sim.h"

/* What boot/ap_start.asm would be: code, and then four words of parameters. */
const uint8_t ap_start[64] = "real mode code";
const uint32_t ap_start_bytes = 64, ap_start_params_at = 32;

static uint64_t low_page[512] __attribute__((aligned(4096)));
static struct boot_info boot = { .cr3 = 0x12345000 };
static struct acpi_info info;
static struct cpu cpus[CPU_MAX];
static uint32_t count, inits, sipis, late, refuses;
static bool x2apic;

const struct acpi_info *acpi_info(void)
{
	return &info;
}

bool lapic_x2apic(void)
{
	return x2apic;
}

void lapic_init_cpu(void)
{
}

void cpu_arch_init(struct cpu *cpu)
{
	sim_cpu = cpu;
}

uint8_t *cpu_stack_top(uint32_t index)
{
	return (uint8_t *)(0x1000ull * (index + 1));
}

struct cpu *cpu_next_slot(apicid_t apicid)
{
	cpus[count] = (struct cpu){ .apicid = apicid, .index = count };
	return count == CPU_MAX ? NULL : &cpus[count];
}

void cpu_add(struct cpu *cpu)
{
	EXPECT(cpu == &cpus[count]);
	count++;
}

uint32_t cpu_count(void)
{
	return count;
}

struct cpu *cpu_by_index(uint32_t index)
{
	return &cpus[index];
}

struct cpu *cpu_by_apicid(apicid_t apicid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (cpus[i].apicid == apicid)
			return &cpus[i];
	}
	return NULL;
}

static uint32_t kicks;

void cpu_kick(struct cpu *cpu)
{
	EXPECT(cpu != &cpus[0]);
	kicks++;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)fmt;
	EXPECT_EQ(level, LOG_WARN);
	refuses++;
}

void lapic_send_init(apicid_t target)
{
	(void)target;
	inits++;
}

void lapic_send_sipi(apicid_t target, uint8_t page)
{
	const uint64_t *params = low_page + 4;

	EXPECT_EQ(page, (uint8_t)((uint64_t)low_page / 4096));
	EXPECT(!memcmp(low_page, "real mode code", 14));
	EXPECT_EQ(params[0], 0x12345000);
	EXPECT_EQ(params[1], 0x1000 * (count + 1));
	EXPECT_EQ(params[2], (uint64_t)&cpus[count]);
	sipis++;
	/* 7 never comes, 5 only with the second one. */
	if (target != 7 && (target != 5 || late++))
		cpus[count].online = 1;
}

static void start(uint32_t first, uint32_t n)
{
	boot.low_page = (uint64_t)low_page;
	memset(low_page, 0, sizeof(low_page));
	info.cpu_count = n;
	for (uint32_t i = 0; i < n; i++)
		info.cpu[i] = first + i;
	cpus[0].apicid = first;
	count = 1;
	inits = sipis = late = refuses = 0;
}

TEST(one_after_the_other)
{
	x2apic = true;
	start(0, 4);
	smp_start_others(&boot, 64);
	EXPECT_EQ(count, 4);
	EXPECT_EQ(inits, 3);
	EXPECT_EQ(sipis, 3);
	EXPECT_EQ(refuses, 0);
}

TEST(up_to_the_limit)
{
	start(0, 4);
	smp_start_others(&boot, 2);
	EXPECT_EQ(count, 2);
	EXPECT_EQ(sipis, 1);
}

TEST(a_second_sipi_and_one_that_never_comes)
{
	start(4, 5);
	smp_start_others(&boot, 64);
	EXPECT_EQ(count, 4); /* 4, 5, 6 and 8 */
	EXPECT_EQ(cpus[3].apicid, 8);
	EXPECT_EQ(sipis, 2 + 1 + 2 + 1);
	EXPECT_EQ(inits, 4 + 1); /* 7 is sent back */
	EXPECT_EQ(refuses, 1);
}

TEST(without_x2apic_only_8_bits)
{
	x2apic = false;
	start(253, 4);
	smp_start_others(&boot, 64);
	EXPECT_EQ(count, 2);
	EXPECT_EQ(refuses, 2);
	x2apic = true;
	start(253, 4);
	smp_start_others(&boot, 64);
	EXPECT_EQ(count, 4);
}

static jmp_buf left;
static struct cpu *entered;
static unsigned sleeps;

static void entry(struct cpu *cpu)
{
	entered = cpu;
	longjmp(left, 1);
}

void sim_sleep(void)
{
	/* Woken by something else first. */
	if (++sleeps == 2)
		cpu_release_all(entry);
}

TEST(a_started_cpu_waits_for_its_release)
{
	start(0, 3);
	smp_start_others(&boot, 64);
	void (*ap_main)(struct cpu *) = (void (*)(struct cpu *))(low_page[4 + 3]);

	cpus[2].online = 0;
	if (!setjmp(left))
		ap_main(&cpus[2]);
	EXPECT(entered == &cpus[2]);
	EXPECT(sim_cpu == &cpus[2]);
	EXPECT_EQ(cpus[2].online, 1);
	EXPECT_EQ(sleeps, 2);
	EXPECT_EQ(kicks, 2);
}
