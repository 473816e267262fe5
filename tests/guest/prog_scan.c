/* SPDX-License-Identifier: MIT */
/*
 * A guest that tries everything that it can name: MSRs, ports, CPUID leaves, hypercalls. vCPU 0
 * only, interrupts off throughout: what it does to its own APIC must not hit itself. It ends well
 * when it is still there.
 * part=msr,port,cpuid,hypercall; count=N random ones of what has no end.
 */
#include "apic.h"
#include "guest.h"

#define MSR_X2APIC_FIRST 0x800
#define MSR_X2APIC_LAST  0x8ff
#define MSR_GS_BASE      0xc0000101 /* who the vCPU is: trap.c */

bool probe_rdmsr(uint32_t msr);
bool probe_wrmsr(uint32_t msr, uint64_t value);

static uint64_t tried, through;

static uint64_t random64(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* The APIC's ICR has a program of its own: prog_foreign.c. */
static bool own_business(uint32_t msr)
{
	return msr == MSR_GS_BASE || msr == MSR_X2APIC_FIRST + APIC_ICR / 16;
}

static void try_msr(uint32_t msr)
{
	const uint64_t values[] = { 0, random64(), random64() & 0xffff, ~0ull };

	tried++;
	through += probe_rdmsr(msr);
	for (unsigned i = 0; i < 4 && !own_business(msr); i++) {
		tried++;
		through += probe_wrmsr(msr, values[i]);
	}
}

static void try_msrs(uint32_t first, uint32_t last)
{
	uint64_t tried_before = tried, through_before = through;

	for (uint32_t msr = first; msr <= last; msr++)
		try_msr(msr);
	print("scan: MSRs %x to %x: %lu accesses, %lu without #GP\n", first, last,
		tried - tried_before, through - through_before);
}

static bool scan_msrs(void)
{
	uint64_t before = through;

	try_msrs(0, 0x1fff);
	try_msrs(0x40000000, 0x400000ff);
	try_msrs(0x4b564d00, 0x4b564dff);
	try_msrs(0xc0000000, 0xc0001fff);
	try_msrs(0xc0010000, 0xc0011fff);
	before = through;
	for (uint64_t n = args_number("count", 2000); n; n--) {
		uint32_t msr = (uint32_t)random64();

		if (msr > 0x1fff && msr < 0xc0000000 && msr >> 8 != 0x4b564d)
			try_msr(msr);
	}
	print("scan: %lu accesses to other MSRs without #GP\n", through - before);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_init();
	return through == before;
}

static uint32_t port_in(uint16_t port, unsigned bytes)
{
	uint32_t v = ~0u;

	if (bytes == 1)
		__asm__ volatile("inb %%dx, %%al" : "+a"(v) : "d"(port));
	else if (bytes == 2)
		__asm__ volatile("inw %%dx, %%ax" : "+a"(v) : "d"(port));
	else
		__asm__ volatile("inl %%dx, %%eax" : "=a"(v) : "d"(port));
	return v;
}

static void port_out(uint16_t port, unsigned bytes, uint32_t v)
{
	if (bytes == 1)
		__asm__ volatile("outb %%al, %%dx" ::"a"(v), "d"(port));
	else if (bytes == 2)
		__asm__ volatile("outw %%ax, %%dx" ::"a"(v), "d"(port));
	else
		__asm__ volatile("outl %%eax, %%dx" ::"a"(v), "d"(port));
}

static bool scan_ports(void)
{
	uint64_t answers = 0;

	for (uint32_t port = 0; port < 0x10000; port++)
		for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
			answers += port_in((uint16_t)port, bytes) != ~0u;
			port_out((uint16_t)port, bytes, (uint32_t)random64());
			answers += port_in((uint16_t)port, bytes) != ~0u;
		}
	print("scan: 65536 ports, %lu answers\n", answers);
	return answers == 0;
}

static void cpuid(uint32_t leaf, uint32_t subleaf)
{
	uint32_t a = leaf, b, c = subleaf, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	tried++;
}

static void scan_cpuid(void)
{
	static const uint32_t bases[] = { 0, 0x40000000, 0x80000000, 0x8fffff00, 0xffffff00 };

	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		for (uint32_t leaf = 0; leaf < 256; leaf++)
			for (uint32_t subleaf = 0; subleaf < 8; subleaf++)
				cpuid(bases[i] + leaf, subleaf);
	for (uint64_t n = args_number("count", 2000); n; n--)
		cpuid((uint32_t)random64(), (uint32_t)random64());
}

/* Not those that end it, or that stop this vCPU until another lets it go on; text only from where
 * it has no memory. */
static bool harmless(uint32_t function)
{
	return function != HC_EXIT && function != HC_PARK;
}

static uint64_t argument(uint32_t function)
{
	uint64_t memory = guest_info()->memory_bytes;
	uint64_t r = random64();

	if (function == HC_PUTS || function == HC_COUNTERS || function == HC_RESULT)
		return memory + (r >> (r & 63));
	return r & 1 ? r : r >> (r & 63);
}

static void scan_hypercalls(void)
{
	uint64_t refused = 0;

	for (uint64_t n = args_number("count", 2000); n; n--) {
		uint32_t function = random64() & 1 ? HC_PUTS + (uint32_t)(random64() & 31)
						   : (uint32_t)random64();

		if (!harmless(function))
			continue;
		refused += hypercall(function | random64() << 32, argument(function),
				   random64() >> (random64() & 63), random64(), random64()) < 0;
	}
	print("scan: %lu hypercalls refused\n", refused);
}

void program_scan(uint32_t index)
{
	bool ok = true;

	if (index)
		return;
	if (args_selects("part", "msr"))
		ok = scan_msrs() && ok;
	if (args_selects("part", "port"))
		ok = scan_ports() && ok;
	if (args_selects("part", "cpuid"))
		scan_cpuid();
	if (args_selects("part", "hypercall"))
		scan_hypercalls();
	test_end("scan", ok);
}
