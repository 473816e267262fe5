/* SPDX-License-Identifier: MIT */
#include "lapic.h"
#include "clock.h"
#include "base/bits.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

/* MMIO offsets; the x2APIC MSR is 800h + offset / 16 (24593 rev 3.44, "x2APIC Register Address
 * Space"). */
enum lapic_reg {
	LAPIC_ID = 0x020,
	LAPIC_VERSION = 0x030,
	LAPIC_TPR = 0x080,
	LAPIC_SPURIOUS = 0x0f0,
	LAPIC_ESR = 0x280,
	LAPIC_ICR_LOW = 0x300, /* x2APIC: all 64 bits of the ICR */
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_THERMAL = 0x330,
	LAPIC_LVT_PERF = 0x340,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_EXTD   BIT(10)
#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_ADDR   FIELD(51, 12)
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800

#define SPURIOUS_ENABLE   BIT(8)
#define SPURIOUS_VECTOR   0xffu
#define LVT_MASKED        BIT(16)
#define LVT_TSC_DEADLINE  FIELD(18, 17) /* timer mode; 10b */
#define TIMER_DIVIDE_BY_1 0xb
#define TIMER_VECTOR      0xe0u /* VEC_TIMER of vmm/vectors.h, which drivers can't see */

#define ICR_MODE         FIELD(10, 8)
#define ICR_NMI          4u
#define ICR_INIT         5u
#define ICR_STARTUP      6u
#define ICR_BUSY         BIT(12)
#define ICR_ASSERT       BIT(14)
#define ICR_XAPIC_TARGET FIELD(31, 24)

#define CALIBRATE_US 5000
#define ICR_SPINS    1000000
/* The product with counts_per_tick (a timer as fast as 2 counts a tick) fits 64 bits. */
#define MAX_TIMER_TICKS (1ull << 30)

bool lapic_is_x2apic;
volatile uint8_t *lapic_mmio; /* xAPIC: every CPU sees its own here */

static bool tsc_deadline;        /* the same on all CPUs */
static uint64_t counts_per_tick; /* of the timer without deadline mode; 32.32 fixed point */

static uint32_t read(enum lapic_reg reg)
{
	if (lapic_is_x2apic)
		return (uint32_t)hw_rdmsr(MSR_X2APIC + reg / 16);
	return mmio_read32(lapic_mmio + reg);
}

static void write(enum lapic_reg reg, uint32_t v)
{
	if (lapic_is_x2apic)
		hw_wrmsr(MSR_X2APIC + reg / 16, v);
	else
		mmio_write32(lapic_mmio + reg, v);
}

static void enable(void)
{
	uint64_t base = hw_rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	lapic_is_x2apic = hw_cpuid(1, 0).ecx >> 21 & 1;
	hw_wrmsr(MSR_APIC_BASE, base);
	/* Not in one step from disabled: that is reserved (24593 rev 3.44, "Enabling x2APIC
	 * Mode"). */
	if (lapic_is_x2apic)
		hw_wrmsr(MSR_APIC_BASE, base | APIC_BASE_EXTD);
	else
		lapic_mmio = phys_to_virt(PHYS(base & APIC_BASE_ADDR));
}

void lapic_init_cpu(void)
{
	static const enum lapic_reg lvts[] = { LAPIC_LVT_TIMER, LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,
		LAPIC_LVT_ERROR, LAPIC_LVT_PERF, LAPIC_LVT_THERMAL };

	enable();
	tsc_deadline = hw_cpuid(1, 0).ecx >> 24 & 1;
	uint32_t last_lvt = (uint32_t)field_get(FIELD(23, 16), read(LAPIC_VERSION));

	/* In the order of "Max LVT Entry": 3 has the first four, each more adds one. */
	for (unsigned i = 0; i < ARRAY_COUNT(lvts) && i <= last_lvt; i++)
		write(lvts[i], LVT_MASKED);
	write(LAPIC_TPR, 0);
	write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | SPURIOUS_VECTOR);
	write(LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
}

void lapic_timer_init(void)
{
	if (tsc_deadline)
		return;
	write(LAPIC_TIMER_INITIAL, ~0u);
	uint64_t start = cpu_ticks();

	clock_delay_us(CALIBRATE_US);
	uint64_t counted = ~0u - read(LAPIC_TIMER_CURRENT);
	uint64_t ticks = cpu_ticks() - start;

	write(LAPIC_TIMER_INITIAL, 0);
	counts_per_tick = (counted << 32) / ticks;
}

bool lapic_x2apic(void)
{
	return lapic_is_x2apic;
}

apicid_t lapic_id(void)
{
	uint32_t id = read(LAPIC_ID);

	return lapic_is_x2apic ? id : id >> 24;
}

/* xAPIC: the ICR's last message has left. Bounded: a target that is gone must not hang us. */
static void wait_idle(void)
{
	for (unsigned i = 0; i < ICR_SPINS && mmio_read32(lapic_mmio + LAPIC_ICR_LOW) & ICR_BUSY;
		i++)
		cpu_pause();
}

static void send(apicid_t target, uint32_t command)
{
	if (lapic_is_x2apic) {
		hw_wrmsr(MSR_X2APIC + LAPIC_ICR_LOW / 16, (uint64_t)target << 32 | command);
		return;
	}
	wait_idle();
	mmio_write32(lapic_mmio + LAPIC_ICR_HIGH,
		(uint32_t)field_set(ICR_XAPIC_TARGET, 0, target & 0xff));
	mmio_write32(lapic_mmio + LAPIC_ICR_LOW, command);
}

static uint32_t command(uint32_t mode, uint8_t vector)
{
	return (uint32_t)field_set(ICR_MODE, ICR_ASSERT, mode) | vector;
}

void lapic_send(apicid_t target, uint8_t vector)
{
	/* WRMSR to the x2APIC may pass earlier stores: what the target is to see goes first. */
	if (lapic_is_x2apic)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	send(target, ICR_ASSERT | vector);
}

void lapic_send_nmi(apicid_t target)
{
	send(target, command(ICR_NMI, 0));
}

void lapic_send_init(apicid_t target)
{
	send(target, command(ICR_INIT, 0));
}

void lapic_send_sipi(apicid_t target, uint8_t page)
{
	send(target, command(ICR_STARTUP, page));
}

/* No division: this is on the way into a guest. */
static uint32_t counts_until(uint64_t deadline_ticks)
{
	uint64_t now = cpu_ticks();

	if (deadline_ticks <= now)
		return 1; /* at once; 0 would stop it */
	uint64_t ticks = deadline_ticks - now;

	/* Too far for the product below: it fires early, and the owner arms it again. */
	if (ticks > MAX_TIMER_TICKS)
		ticks = MAX_TIMER_TICKS;
	uint64_t counts = (ticks * counts_per_tick >> 32) + 1;

	return counts > ~0u ? ~0u : (uint32_t)counts;
}

void lapic_timer_arm(uint64_t deadline_ticks)
{
	if (tsc_deadline) {
		write(LAPIC_LVT_TIMER,
			(uint32_t)field_set(LVT_TSC_DEADLINE, deadline_ticks ? 0 : LVT_MASKED, 2) |
				TIMER_VECTOR);
		hw_wrmsr(MSR_TSC_DEADLINE, deadline_ticks);
		return;
	}
	if (!deadline_ticks) {
		write(LAPIC_LVT_TIMER, LVT_MASKED);
		write(LAPIC_TIMER_INITIAL, 0);
		return;
	}
	write(LAPIC_LVT_TIMER, TIMER_VECTOR);
	write(LAPIC_TIMER_INITIAL, counts_until(deadline_ticks));
}
