/* SPDX-License-Identifier: MIT */
/* Programs that show one thing at a time: being there, misbehaving, sleeping. */
#include "apic.h"
#include "guest.h"
#include "trap.h"

#define MSR_EFER        0xc0000080
#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#define MSR_DOORBELL    0xc001011b
#define MSR_NOWHERE     0x00001234
#define EFER_SVME       (1u << 12)
#define EFER_LME        (1u << 8)
#define APIC_PAGE_END   0xfee01000ull

#define VEC_PING  0x61
#define VEC_TIMER 0x62

bool probe_rdmsr(uint32_t msr);
bool probe_wrmsr(uint32_t msr, uint64_t value);

static volatile uint64_t arrived[GUEST_VCPUS], pings[GUEST_VCPUS], ticks;

static bool all_arrived(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (!arrived[i])
			return false;
	}
	return true;
}

static void on_tick(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	ticks++;
}

static void halt_until_ticks(uint64_t n)
{
	irq_disable();
	while (ticks < n) {
		irq_enable_and_halt();
		irq_disable();
	}
	irq_enable();
}

void program_hello(uint32_t index)
{
	const struct guest_info *info = guest_info();

	arrived[index] = 1;
	if (index)
		return;
	/* The others may share this pCPU: sleep a little to let them have it. */
	trap_handler(VEC_TIMER, on_tick);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VEC_TIMER);
	for (uint64_t i = 1; i <= 1000 && !all_arrived(info->vcpu_count); i++) {
		apic_write(APIC_TIMER_INITIAL, 100000);
		halt_until_ticks(i);
	}
	print("hello: %u vCPUs, %u devices, %lu MiB, %s\n", info->vcpu_count, info->device_count,
		info->memory_bytes >> 20, info->x2apic ? "x2APIC" : "xAPIC");
	test_end("hello", all_arrived(info->vcpu_count) && apic_read(APIC_SVR) == 0x1ff);
}

static void on_ping(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	pings[vcpu]++;
}

/* vCPU 1 halts, vCPU 0 wakes it by an IPI, and again. */
void program_halt(uint32_t index)
{
	uint64_t count = args_number("count", 1000);
	bool ok = true;

	if (index > 1)
		return;
	if (index == 1) {
		while (pings[1] < count) {
			irq_disable();
			arrived[1] = pings[1] + 1;
			irq_enable_and_halt();
		}
		arrived[1] = ~0ull;
		return;
	}
	trap_handler(VEC_PING, on_ping);
	for (uint64_t i = 1; ok && i <= count; i++) {
		ok = wait_for(&arrived[1], i);
		pause_times((unsigned)(i * 7 % 29));
		apic_ipi(1, VEC_PING);
		ok = ok && wait_for(&pings[1], i);
	}
	print("halt: woken %lu times of %lu\n", pings[1], count);
	test_end("halt", ok && pings[1] == count);
}

/* One-shot, then periodic; asleep between the ticks. */
void program_timer(uint32_t index)
{
	uint64_t start;
	bool ok;

	if (index)
		return;
	trap_handler(VEC_TIMER, on_tick);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VEC_TIMER);
	start = read_tsc();
	for (uint64_t i = 1; i <= 20; i++) {
		apic_write(APIC_TIMER_INITIAL, 200000);
		halt_until_ticks(i);
	}
	print("timer: 20 one-shot ticks of 200000 took %lu TSC ticks\n", read_tsc() - start);
	ok = ticks == 20 && apic_read(APIC_TIMER_CURRENT) == 0;
	apic_write(APIC_LVT_TIMER, VEC_TIMER | LVT_TIMER_PERIODIC);
	apic_write(APIC_TIMER_INITIAL, 200000);
	halt_until_ticks(40);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, VEC_TIMER | LVT_MASKED);
	print("timer: %lu ticks in all\n", ticks);
	test_end("timer", ok && ticks >= 40);
}

static bool must_fault(const char *what, bool went_through)
{
	if (went_through)
		print("bad-msr: %s went through\n", what);
	return !went_through;
}

void program_bad_msr(uint32_t index)
{
	bool ok = true;

	if (index)
		return;
	ok &= must_fault("reading an MSR that isn't there", probe_rdmsr(MSR_NOWHERE));
	ok &= must_fault("writing an MSR that isn't there", probe_wrmsr(MSR_NOWHERE, 0));
	ok &= must_fault("writing VM_HSAVE_PA", probe_wrmsr(MSR_VM_HSAVE_PA, 0x1000));
	ok &= must_fault("writing VM_CR", probe_wrmsr(MSR_VM_CR, 0));
	ok &= must_fault("ringing a doorbell", probe_wrmsr(MSR_DOORBELL, 0));
	ok &= must_fault("clearing EFER.LME with paging on", probe_wrmsr(MSR_EFER, 0));
	ok &= must_fault(
		"setting EFER.SVME", probe_wrmsr(MSR_EFER, EFER_LME | EFER_SVME | 1u << 10));
	ok &= probe_rdmsr(MSR_EFER);
	test_end("bad-msr", ok);
}

void program_triple_fault(uint32_t index)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} none = { 0, 0 };

	if (index)
		return;
	print("triple-fault: here it comes\n");
	__asm__ volatile("lidt %0; ud2" ::"m"(none));
}

void program_touch_memory(uint32_t index)
{
	const struct guest_info *info = guest_info();

	if (index)
		return;
	*(volatile uint64_t *)(uintptr_t)(info->memory_bytes - 8) = 1;
	print("touch-foreign-memory: own memory is fine\n");
	*(volatile uint64_t *)(uintptr_t)(info->memory_bytes + (16 << 20)) = 1;
	test_end("touch-foreign-memory", false);
}

/* The page behind the local APICs: nobody gives it to a guest. */
void program_touch_mmio(uint32_t index)
{
	if (index)
		return;
	print("touch-foreign-mmio: here it comes\n");
	*(volatile uint32_t *)(uintptr_t)APIC_PAGE_END = 1;
	test_end("touch-foreign-mmio", false);
}
