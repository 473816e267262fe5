/* SPDX-License-Identifier: MIT */
/* sources: drivers/lapic.c drivers/clock.c drivers/ioapic.c */
#include "test.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "drivers/ioapic.h"
#include "drivers/lapic.h"
#include "hw/sim.h"

static bool has_x2apic, has_deadline;
static uint32_t apic_page[1024] __attribute__((aligned(4096)));
static uint64_t apic_base, msr[0x1000], last_icr, eois;
static unsigned sends;
static uint64_t now;
static struct acpi_info info;

const struct acpi_info *acpi_info(void)
{
	return &info;
}

uint64_t sim_ticks(void)
{
	return now += 100;
}

/* The timer counts one every 4 ticks, down from the initial count. */
static uint64_t timer_started;

static uint32_t timer_current(uint32_t initial)
{
	return initial - (uint32_t)((now - timer_started) / 4);
}

uint64_t sim_rdmsr(uint32_t m)
{
	if (m == 0x1b)
		return apic_base;
	return m == 0x839 ? timer_current((uint32_t)msr[0x838]) : msr[m & 0xfff];
}

void sim_wrmsr(uint32_t m, uint64_t v)
{
	if (m == 0x1b) {
		/* Disabled to x2APIC in one step is reserved. */
		EXPECT(!(v & 1 << 10) || apic_base & 1 << 11);
		apic_base = v;
		return;
	}
	msr[m & 0xfff] = v;
	if (m == 0x830) {
		last_icr = v;
		sends++;
	}
	eois += m == 0x80b;
	if (m == 0x838)
		timer_started = now;
}

static uint32_t ioapic_select, pins[48];
static uint8_t ioapic_window[32] __attribute__((aligned(16)));
static unsigned busy_reads;

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	(void)bytes;
	if (p == ioapic_window + 0x10)
		return ioapic_select == 1 ? 0x00170011 : 0;
	if (p == (uint8_t *)apic_page + 0x390)
		return timer_current(apic_page[0x380 / 4]);
	if (p == (uint8_t *)apic_page + 0x300 && busy_reads) {
		busy_reads--;
		return 1 << 12;
	}
	return *(const volatile uint32_t *)p;
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	(void)bytes;
	if (p == ioapic_window) {
		ioapic_select = (uint32_t)v;
	} else if (p == ioapic_window + 0x10) {
		pins[ioapic_select - 0x10] = (uint32_t)v;
	} else {
		*(volatile uint32_t *)p = (uint32_t)v;
		sends += p == (uint8_t *)apic_page + 0x300;
		eois += p == (uint8_t *)apic_page + 0xb0;
		if (p == (uint8_t *)apic_page + 0x380)
			timer_started = now;
	}
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	(void)subleaf;
	memset(out, 0, 16);
	if (leaf == 1)
		out[2] = (uint32_t)has_x2apic << 21 | (uint32_t)has_deadline << 24;
	if (leaf == 0)
		out[0] = 0x16;
	if (leaf == 0x15) {
		out[0] = 2;
		out[1] = 100;
		out[2] = 50000000; /* 50 MHz * 100 / 2 = 2500 MHz */
	}
}

static uint8_t pic[256];

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	(void)bytes;
	pic[port & 0xff] = (uint8_t)v;
}

static void start(bool x2apic, bool deadline)
{
	has_x2apic = x2apic;
	has_deadline = deadline;
	memset(apic_page, 0, sizeof(apic_page));
	memset(msr, 0, sizeof(msr));
	apic_base = (uint64_t)apic_page | 1 << 8; /* boot CPU, disabled */
	apic_page[0x30 / 4] = 0x00050010;
	msr[0x803] = 0x00050010;
	sends = 0;
	clock_init();
	lapic_init_cpu();
	lapic_timer_init();
}

TEST(clock_from_cpuid)
{
	clock_init();
	EXPECT_EQ(clock_ticks_per_us(), 2500);
	EXPECT_EQ(clock_us_to_ticks(3), 7500);
	EXPECT_EQ(clock_ticks_to_us(7600), 3);
}

TEST(x2apic)
{
	start(true, false);
	EXPECT(lapic_x2apic());
	EXPECT_EQ(apic_base & 0xfff, 0xd00);
	EXPECT_EQ(msr[0x80f], 0x1ff);
	EXPECT_EQ(msr[0x808], 0);
	for (unsigned m = 0x832; m <= 0x837; m++)
		EXPECT_EQ(msr[m], 0x10000);
	EXPECT_EQ(msr[0x83e], 0xb);
	msr[0x802] = 0x12345;
	EXPECT_EQ(lapic_id(), 0x12345);
	lapic_send(0x12345, 0xe1);
	EXPECT_EQ(last_icr, 0x0001234500004000 | 0xe1);
	lapic_send_nmi(2);
	EXPECT_EQ(last_icr, 0x0000000200004400);
	lapic_send_init(2);
	EXPECT_EQ(last_icr, 0x0000000200004500);
	lapic_send_sipi(2, 0x9f);
	EXPECT_EQ(last_icr, 0x000000020000469f);
	eois = 0;
	lapic_eoi();
	EXPECT_EQ(eois, 1);
}

TEST(xapic)
{
	start(false, false);
	EXPECT(!lapic_x2apic());
	EXPECT_EQ(apic_base & 0xfff, 0x900);
	EXPECT_EQ(apic_page[0xf0 / 4], 0x1ff);
	EXPECT_EQ(apic_page[0x350 / 4], 0x10000);
	apic_page[0x20 / 4] = 0x07000000;
	EXPECT_EQ(lapic_id(), 7);
	busy_reads = 3;
	lapic_send(7, 0xe1);
	EXPECT_EQ(busy_reads, 0);
	EXPECT_EQ(apic_page[0x310 / 4], 0x07000000);
	EXPECT_EQ(apic_page[0x300 / 4], 0x40e1);
	busy_reads = ~0u; /* stuck: bounded */
	lapic_send(7, 0xe2);
	EXPECT_EQ(sends, 2);
	busy_reads = 0;
	eois = 0;
	lapic_eoi();
	EXPECT_EQ(eois, 1);
}

TEST(few_lvts)
{
	has_x2apic = true;
	apic_base = 1 << 11;
	memset(msr, 0, sizeof(msr));
	msr[0x803] = 0x00030010; /* no performance counter, no thermal sensor */
	lapic_init_cpu();
	EXPECT_EQ(msr[0x837], 0x10000);
	EXPECT_EQ(msr[0x834], 0);
	EXPECT_EQ(msr[0x833], 0);
}

TEST(timer_by_count)
{
	start(true, false);
	uint64_t at = now + 40000;

	lapic_timer_arm(at);
	EXPECT_EQ(msr[0x832], 0xe0);
	/* 4 ticks a count; one look at the clock and rounding up. */
	EXPECT(msr[0x838] >= 9950 && msr[0x838] <= 10001);
	lapic_timer_arm(now - 5);
	EXPECT_EQ(msr[0x838], 1);
	lapic_timer_arm(now + (1ull << 40));
	EXPECT(msr[0x838] > 200000000 && msr[0x838] <= (1u << 28) + 1);
	lapic_timer_arm(0);
	EXPECT_EQ(msr[0x832], 0x10000);
	EXPECT_EQ(msr[0x838], 0);
}

TEST(timer_by_deadline)
{
	start(true, true);
	lapic_timer_arm(123456);
	EXPECT_EQ(msr[0x832], 0x400e0);
	EXPECT_EQ(msr[0x6e0], 123456);
	lapic_timer_arm(0);
	EXPECT_EQ(msr[0x6e0], 0);
}

TEST(ioapic_and_8259)
{
	info.ioapic_count = 1;
	info.ioapic[0].base = (uint64_t)ioapic_window;
	ioapic_mask_all();
	for (unsigned i = 0; i < 48; i += 2)
		EXPECT_EQ(pins[i], 0x10000);
	EXPECT_EQ(pic[0x21], 0xff);
	EXPECT_EQ(pic[0xa1], 0xff);
}
