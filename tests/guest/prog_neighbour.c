/* SPDX-License-Identifier: MIT */
/*
 * The VM beside one that misbehaves: each of its device's interrupts must arrive once, nothing else
 * may, and what it keeps in memory and in the registers that every vCPU has for itself must stay.
 * vCPU 0 is the target, vCPU 1 fires; all others halt. count=N interrupts. spoil=1: does by itself
 * what must be noticed.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define TARGET  0
#define SENDER  1
#define PATTERN 8192 /* words */

enum { VEC_IGB = 0x51, VEC_CHECK = 0x52 };

/* STAR, LSTAR, CSTAR, SFMASK, FS.base, KernelGSbase, SYSENTER_CS, ESP, EIP: all switched with the
 * vCPU, so another that runs on the same CPU must not leave its own there. */
static const uint32_t own_msrs[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
	0xc0000102, 0x174, 0x175, 0x176 };
#define OWN_MSRS (sizeof(own_msrs) / sizeof(own_msrs[0]))

static volatile uint64_t sent, seen, twice, asleep, checked, foreign;
static uint64_t pattern[PATTERN];
static volatile uint64_t up[GUEST_VCPUS];
static uint64_t pat_msr, efer_msr;

static uint64_t read_msr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static uint64_t own_value(uint32_t vcpu, unsigned i)
{
	return 0x1000u * (i + 1) + 0x10 * vcpu + 8;
}

static void write_own(uint32_t vcpu)
{
	for (unsigned i = 0; i < OWN_MSRS; i++)
		__asm__ volatile(
			"wrmsr" ::"c"(own_msrs[i]), "a"((uint32_t)own_value(vcpu, i)), "d"(0));
}

static void check_own(uint32_t vcpu)
{
	for (unsigned i = 0; i < OWN_MSRS; i++)
		foreign += read_msr(own_msrs[i]) != own_value(vcpu, i);
	foreign += read_msr(0x277) != pat_msr || read_msr(0xc0000080) != efer_msr;
}

static void on_igb(uint32_t vcpu, uint8_t vector)
{
	uint64_t now = sent;

	(void)vcpu;
	(void)vector;
	if (seen == now)
		twice++;
	seen = now;
}

static void on_check(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	check_own(vcpu);
	checked++;
}

static void halts(uint32_t index)
{
	write_own(index);
	irq_enable();
	up[index] = 1;
	for (;;) {
		irq_disable();
		asleep = index == TARGET ? seen + 1 : asleep;
		irq_enable_and_halt();
		check_own(index);
	}
}

static bool is_asleep(uint64_t n)
{
	return asleep == n + 1;
}

static bool fire_all(int igb, uint64_t count)
{
	for (uint64_t i = 1; i <= count; i++) {
		if (i & 1 && !wait_until(is_asleep, seen))
			return false;
		pause_times((unsigned)(i * 7 % 29));
		sent = i;
		igb_fire(igb, 1);
		if (!wait_for(&seen, i))
			return false;
		check_own(SENDER);
	}
	return true;
}

static bool pattern_is_whole(void)
{
	for (uint64_t i = 0; i < PATTERN; i++)
		if (pattern[i] != i * 0x9e3779b97f4a7c15ull)
			return false;
	return true;
}

void program_neighbour(uint32_t index)
{
	uint32_t vcpus = guest_info()->vcpu_count;
	uint64_t count = args_number("count", 500);
	int igb = igb_find(0);
	bool ok;

	if (index == TARGET) {
		pat_msr = read_msr(0x277);
		efer_msr = read_msr(0xc0000080);
		trap_handler(VEC_IGB, on_igb);
		trap_handler(VEC_CHECK, on_check);
	}
	if (index != SENDER)
		halts(index);
	for (uint64_t i = 0; i < PATTERN; i++)
		pattern[i] = i * 0x9e3779b97f4a7c15ull;
	write_own(index);
	irq_enable();
	ok = igb != DEVICE_MISSING && wait_for(&up[TARGET], 1);
	for (uint32_t i = 2; i < vcpus; i++)
		ok = ok && wait_for(&up[i], 1);
	if (ok)
		igb_init(igb);
	ok = ok && device_route(igb, 0, TARGET, VEC_IGB) && fire_all(igb, count);
	if (args_number("spoil", 0)) {
		pattern[PATTERN / 2]++;
		__asm__ volatile("wrmsr" ::"c"(own_msrs[0]), "a"(0), "d"(0));
	}
	check_own(SENDER);
	apic_ipi(0, ICR_OTHERS | VEC_CHECK);
	ok = wait_for(&checked, vcpus - 1) && ok;
	print("neighbour: %lu of %lu interrupts, %lu twice, %lu registers changed, memory %s\n",
		seen, count, twice, foreign, pattern_is_whole() ? "whole" : "CHANGED");
	test_end("neighbour", ok && !twice && !foreign && pattern_is_whole());
}
