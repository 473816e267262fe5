/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stays translated across VMRUN and #VMEXIT, and what flushes it. */
#include "rom.h"

#define AREA   "SVM: translations"
#define TLB    "TLB Control"
#define TARGET 0x0fe00000ull /* a page of 2 MiB that nothing else uses */
#define SLOT   (TARGET >> 21)
#define OTHER  0x0fa00000ull
#define X_PF   0x4e

void g_look(void), g_reload(void);
__asm__("g_look: mov 0x0fe00123, %eax\n vmmcall\n hlt\n"
	"g_reload: mov %rax, %cr3\n mov 0x0fe00123, %eax\n vmmcall\n hlt\n");

static uint64_t look(unsigned tlb)
{
	put(V_RIP, (uintptr_t)g_look);
	put32(V_TLB, tlb);
	return guest_run();
}

/* The guest has looked at the page; then the nested entry goes, and nobody flushes. */
static void warm(void)
{
	guest_reset(g_look);
	check_eq("warm", guest_run(), X_VMMCALL);
	nested_pd[SLOT] = 0;
}

static void test_stale(void)
{
	ASSUMED("24593", TLB,
		"a nested entry that was taken away is used until a flush, by the same VMCB with the same ASID");
	warm();
	check_eq("no flush", look(0), X_VMMCALL);
	CASE("24593", TLB,
		"TLB_CONTROL 1, 3 and 7 flush, and so does another ASID: the entry is looked at again");
	check_eq("TLB_CONTROL 1", look(1), X_NPF);
	warm();
	check_eq("TLB_CONTROL 3", look(3), X_NPF);
	warm();
	check_eq("TLB_CONTROL 7", look(7), X_NPF);
	warm();
	put32(V_ASID, 2);
	check_eq("another ASID", look(0), X_NPF);
}

static void test_invlpga(void)
{
	CASE("24593", TLB, "INVLPGA drops the translation of one address of an ASID");
	warm();
	__asm__ volatile("invlpga" ::"a"(TARGET + 0x123), "c"(1) : "memory");
	check_eq("INVLPGA", look(0), X_NPF);
}

/* The same linear address leads the host to one page and the guest to another. */
static void test_sides(void)
{
	static PAGE uint64_t pml4[512], pdpt[512], pd[512];
	volatile uint32_t *host = (volatile uint32_t *)(TARGET + 0x123);
	volatile uint32_t *guest = (volatile uint32_t *)(OTHER + 0x123);

	CASE("24593", TLB,
		"the host's translations are not the guest's, nor the other way round, also of the same linear address");
	pml4[0] = (uintptr_t)pdpt | 7;
	pdpt[0] = (uintptr_t)pd | 7;
	for (unsigned i = 0; i < 512; i++)
		pd[i] = (uint64_t)i << 21 | 0x87;
	pd[SLOT] = OTHER | 0x87;
	guest_reset(g_look);
	put(V_CR3, (uintptr_t)pml4);
	for (unsigned i = 0; i < 3; i++) {
		*host = 0x100 + i;
		*guest = 0x200 + i;
		check_eq("both sides", look(0), X_VMMCALL);
		check_eq("the guest's page", get(V_RAX), 0x200 + i);
		check_eq("the host's page", *host, 0x100 + i);
	}
}

/* MOV CR3 of a guest, and another CR3 in the VMCB. */
static void test_cr3(void)
{
	static PAGE uint64_t pml4[512];

	CASE("24593", TLB, "the guest's MOV CR3 flushes its translations, not the host's");
	guest_reset(g_reload);
	nested_pd[SLOT] = OTHER | 0x87;
	*(volatile uint32_t *)(OTHER + 0x123) = 0x77;
	*(volatile uint32_t *)(TARGET + 0x123) = 0x88;
	put(V_RAX, get(V_CR3));
	check_eq("MOV CR3", guest_run(), X_VMMCALL);
	check_eq("MOV CR3", get(V_RAX), 0x77);
	check_eq("MOV CR3, host", *(volatile uint32_t *)(TARGET + 0x123), 0x88);
	ASSUMED("24593", TLB, "another CR3 in the VMCB is used at once");
	pml4[0] = 0;
	put(V_CR3, (uintptr_t)pml4);
	put32(V_EXCEPTIONS, 1u << 14);
	check_eq("another CR3", look(0), X_PF);
	put32(V_EXCEPTIONS, 0);
}

void test_tlb(void)
{
	test_stale();
	test_invlpga();
	test_sides();
	test_cr3();
}
