/* SPDX-License-Identifier: MIT */
/*
 * IPIs in every form, from vCPU 0 to spinning and to halted vCPUs: odd ones spin, even ones halt.
 * Each form must arrive exactly once at each that it names, and at no other.
 */
#include "apic.h"
#include "guest.h"
#include "trap.h"

enum { VEC_IPI = 0x71, VEC_NMI = 2 };

static volatile uint64_t received[GUEST_VCPUS], nmis[GUEST_VCPUS], ready[GUEST_VCPUS];
static volatile uint64_t stop;
static uint64_t expected[GUEST_VCPUS];
static uint32_t vcpus;

static void on_ipi(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	received[vcpu]++;
}

static void on_nmi(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	nmis[vcpu]++;
}

static bool as_expected(uint64_t unused)
{
	(void)unused;
	for (uint32_t i = 0; i < vcpus; i++) {
		if (received[i] != expected[i])
			return false;
	}
	return true;
}

/* who: bit i names vCPU i. */
static bool ipi(const char *form, uint32_t destination, uint32_t low, uint64_t who)
{
	bool ok;

	for (uint32_t i = 0; i < vcpus; i++)
		expected[i] += who >> i & 1;
	apic_ipi(destination, low | VEC_IPI);
	ok = wait_until(as_expected, 0);
	pause_times(200);
	ok = ok && as_expected(0);
	if (!ok)
		print("ipi: %s: wrong\n", form);
	for (uint32_t i = 0; !ok && i < vcpus; i++)
		print("ipi: vCPU %u: %lu, expected %lu\n", i, received[i], expected[i]);
	return ok;
}

/* Logical ID of vCPU i: by the x2APIC rule, or one flat bit each (written by each vCPU). */
static uint32_t logical_id(uint32_t i)
{
	return guest_info()->x2apic ? (i >> 4) << 16 | 1u << (i & 15) : 1u << i;
}

static bool all_forms(void)
{
	uint64_t all = vcpus == 64 ? ~0ull : (1ull << vcpus) - 1;
	bool ok = true;

	for (uint32_t i = 0; i < vcpus; i++)
		ok &= ipi("physical", i, 0, 1ull << i);
	for (uint32_t i = 0; i < vcpus && i < 8; i++)
		ok &= ipi("logical", logical_id(i), ICR_LOGICAL, 1ull << i);
	if (vcpus >= 3 && vcpus <= 8)
		ok &= ipi("logical, two", logical_id(1) | logical_id(2), ICR_LOGICAL, 6);
	ok &= ipi("self", 0, ICR_SELF, 1);
	ok &= ipi("all", 0, ICR_ALL, all);
	ok &= ipi("others", 0, ICR_OTHERS, all & ~1ull);
	ok &= ipi("physical broadcast", guest_info()->x2apic ? ~0u : 0xff, 0, all);
	if (guest_info()->x2apic) {
		expected[0]++;
		apic_write(APIC_SELF_IPI, VEC_IPI);
		ok &= wait_until(as_expected, 0);
	}
	return ok;
}

static bool nmi_forms(void)
{
	uint64_t before = nmis[1];

	apic_ipi(1, ICR_NMI);
	return wait_for(&nmis[1], before + 1);
}

static void receive(uint32_t index)
{
	apic_set_logical_id(index);
	irq_enable();
	ready[index] = 1;
	while (!stop) {
		if (index & 1) {
			cpu_relax();
			continue;
		}
		irq_disable();
		irq_enable_and_halt();
	}
}

void program_ipi(uint32_t index)
{
	bool ok = true;

	if (index) {
		receive(index);
		return;
	}
	vcpus = guest_info()->vcpu_count;
	trap_handler(VEC_IPI, on_ipi);
	trap_handler(VEC_NMI, on_nmi);
	apic_set_logical_id(0);
	irq_enable();
	for (uint32_t i = 1; i < vcpus; i++)
		ok &= wait_for(&ready[i], 1);
	for (uint64_t n = args_number("count", 20); ok && n; n--)
		ok = all_forms();
	if (vcpus > 1 && args_number("nmi", 0))
		ok = nmi_forms() && ok;
	print("ipi: %u vCPUs, %lu received by vCPU 0\n", vcpus, received[0]);
	test_end("ipi", ok);
}
