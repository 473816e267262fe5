/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clean bits and ASIDs: what must be reported, and what must not. */
#include "rom.h"

#define AREA "SVM: clean bits and ASIDs"

#define ALL_CLEAN 0xbff

void g_asks(void);
__asm__("g_asks: cpuid\n vmmcall\n hlt\n");

static PAGE uint64_t other_pml4[512];

static void test_bits(void)
{
	uint32_t word3;

	ASSUMED("24593", "VMCB Clean Field",
		"a field that changed while its bit was set keeps its old value, and is an error of software");
	/* As a hypervisor should: all clean, RIP is never cached. */
	guest_reset(g_asks);
	check_eq("first run", guest_run(), X_CPUID);
	put32(V_CLEAN, ALL_CLEAN);
	put(V_RIP, (uintptr_t)g_asks);
	check_eq("run with clean bits", guest_run(), X_CPUID);

	/* Without telling, the CPUID intercept goes: the processor still has it. */
	word3 = get32(V_WORD3);
	put32(V_WORD3, word3 & ~(1u << 18));
	expect_strict("intercepts changed while clean bit 0 is set");
	check_eq("stale intercepts are used", guest_run(), X_CPUID);
	check_eq("the VMCB keeps the new value", get32(V_WORD3), word3 & ~(1u << 18));
	put32(V_CLEAN, ALL_CLEAN & ~1u);
	check_eq("the bit cleared", guest_run(), X_VMMCALL);

	put(V_CR0, get(V_CR0) | 8);
	expect_strict("CR4, CR3, CR0 changed while clean bit 5 is set");
	put32(V_CLEAN, ALL_CLEAN);
	guest_run();
	check_eq("stale CR0 comes back", get(V_CR0) & 8, 0);
}

static void test_asid(void)
{
	CASE("24593", "TLB Control",
		"an ASID that comes back with another nCR3 needs a flush; TLB_CONTROL 2 is reserved");
	guest_reset(g_asks);
	guest_run();
	for (unsigned i = 0; i < 512; i++)
		other_pml4[i] = *((uint64_t *)get(V_NCR3) + i);
	put(V_RIP, (uintptr_t)g_asks);
	put(V_NCR3, (uintptr_t)other_pml4);
	expect_strict("without a flush");
	check_eq("another nCR3", guest_run(), X_CPUID);
	guest_reset(g_asks);
	put32(V_TLB, 3);
	check_eq("another nCR3 and a flush by ASID", guest_run(), X_CPUID);
	put(V_RIP, (uintptr_t)g_asks);
	put(V_NCR3, (uintptr_t)other_pml4);
	put32(V_ASID, 2);
	check_eq("another nCR3 and another ASID", guest_run(), X_CPUID);
	put(V_RIP, (uintptr_t)g_asks);
	put32(V_TLB, 2);
	expect_strict("TLB_CONTROL 2");
	guest_run();
}

static uint64_t there;

static void run_there(void)
{
	there = guest_run();
}

static void again(const char *what)
{
	put(V_RIP, (uintptr_t)g_asks);
	check_eq(what, guest_run(), X_CPUID);
}

static void test_moved(void)
{
	CASE("24593", "TLB Control",
		"a VMCB that was on another core needs a flush when it is back");
	guest_reset(g_asks);
	guest_run();
	put(V_RIP, (uintptr_t)g_asks);
	on_second_cpu(run_there);
	check_eq("on another core", there, X_CPUID);
	expect_strict("is back from another core with the tag of its last visit");
	again("back without a flush");
	put32(V_CLEAN, ALL_CLEAN);
	again("clean bits while it stays");
}

void test_clean(void)
{
	test_bits();
	test_asid();
	test_moved();
}
