/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMRUN's consistency checks, one by one: VMEXIT_INVALID, and a good neighbour that runs. */
#include "rom.h"

#define AREA  "SVM: VMRUN's checks"
#define VMRUN "VMRUN and #VMEXIT"

#define CR0_PE  1ull
#define CR0_NW  (1ull << 29)
#define CR0_CD  (1ull << 30)
#define CR0_PG  (1ull << 31)
#define CR4_PAE (1ull << 5)
#define LME     (1ull << 8)
#define SVME    (1ull << 12)
#define BEYOND  (1ull << 52) /* of every physical address there is */

void g_here(void);
__asm__("g_here: vmmcall\n hlt\n");

struct check {
	const char *what;
	unsigned field;
	uint64_t set, clear;
};

/* 24593 rev 3.44, "VMRUN and #VMEXIT": the list under canonicalization and checks. */
static const struct check bad[] = {
	{ "EFER.SVME = 0", V_EFER, 0, SVME },
	{ "CR0.CD = 0 and NW = 1", V_CR0, CR0_NW, CR0_CD },
	{ "CR0, bit 32", V_CR0, 1ull << 32, 0 },
	{ "CR0, bit 63", V_CR0, 1ull << 63, 0 },
	{ "CR3 beyond the physical address width", V_CR3, BEYOND, 0 },
	{ "CR4, reserved bit 15", V_CR4, 1ull << 15, 0 },
	{ "CR4, reserved bit 63", V_CR4, 1ull << 63, 0 },
	{ "DR6, bit 32", V_DR6, 1ull << 32, 0 },
	{ "DR6, bit 63", V_DR6, 1ull << 63, 0 },
	{ "DR7, bit 32", V_DR7, 1ull << 32, 0 },
	{ "DR7, bit 63", V_DR7, 1ull << 63, 0 },
	{ "EFER, reserved bit 9", V_EFER, 1ull << 9, 0 },
	{ "EFER, reserved bit 63", V_EFER, 1ull << 63, 0 },
	{ "EFER.LME and CR0.PG without CR4.PAE", V_CR4, 0, CR4_PAE },
	{ "EFER.LME and CR0.PG without CR0.PE", V_CR0, 0, CR0_PE },
	{ "long mode, CS.L and CS.D", V_CS, 1ull << (16 + 10), 0 },
	{ "VMRUN not intercepted", V_WORD4, 0, 1 },
	{ "IOPM beyond the physical address width", V_IOPM, BEYOND, 0 },
	{ "MSRPM beyond the physical address width", V_MSRPM, BEYOND, 0 },
	{ "ASID 0", V_ASID, 0, 0xffffffff },
	{ "nCR3 beyond the physical address width", V_NCR3, BEYOND, 0 },
	{ "G_PAT, type 2 in the first entry", V_G_PAT, 2, 7 },
	{ "G_PAT, type 3 in the last entry", V_G_PAT, 3ull << 56, 7ull << 56 },
	{ "G_PAT, type 8", V_G_PAT, 8, 7 },
	{ "EVENTINJ, type 1", V_EVENTINJ, 1u << 31 | 1u << 8 | 0x40, 0 },
	{ "EVENTINJ, type 5", V_EVENTINJ, 1u << 31 | 5u << 8 | 0x40, 0 },
	{ "EVENTINJ, type 7", V_EVENTINJ, 1u << 31 | 7u << 8 | 0x40, 0 },
	{ "EVENTINJ, exception 2", V_EVENTINJ, 1u << 31 | 3u << 8 | 2, 0 },
	{ "EVENTINJ, exception 32", V_EVENTINJ, 1u << 31 | 3u << 8 | 32, 0 },
};

/* Next to the ones above, and legal. */
static const struct check good[] = {
	{ "CR0.CD = 1 and NW = 1", V_CR0, CR0_CD | CR0_NW, 0 },
	{ "CR0.CD = 1 and NW = 0", V_CR0, CR0_CD, CR0_NW },
	{ "no paging: EFER.LME without CR0.PG", V_CR0, 0, CR0_PG },
	{ "G_PAT, all uncached", V_G_PAT, 0, ~0ull },
	{ "EVENTINJ with V = 0", V_EVENTINJ, 1u << 8 | 0x40, 0 },
};

static void change(const struct check *c)
{
	guest_reset(g_here);
	put(c->field, (get(c->field) & ~c->clear) | c->set);
}

static void test_bad(void)
{
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CASE("24593", VMRUN, bad[i].what);
		change(&bad[i]);
		check_eq(bad[i].what, guest_run(), X_INVALID);
		check_eq(bad[i].what, get(V_RIP), (uintptr_t)g_here);
	}
}

static void test_good(void)
{
	CASE("24593", VMRUN,
		"no VMEXIT_INVALID for CD with or without NW, LME without PG, PAT types 0, EVENTINJ with V = 0");
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		change(&good[i]);
		if (good[i].field == V_CR0 && (good[i].clear & CR0_PG)) {
			put(V_EFER, get(V_EFER) & ~(1ull << 10)); /* LMA */
			put(V_CS, (get(V_CS) & ~(1ull << (16 + 9))) | 1ull << (16 + 10));
		}
		check_eq(good[i].what, guest_run(), X_VMMCALL);
	}
}

volatile uint64_t vmrun_gps;
void h_vmrun_gp(void);
/* Over VMRUN, which has three bytes. */
__asm__("h_vmrun_gp: incq vmrun_gps\n add $8, %rsp\n addq $3, (%rsp)\n iretq\n");

static uint64_t vmrun_faults(uint64_t rax)
{
	uint64_t before = vmrun_gps;

	idt_set(host_idt, 13, h_vmrun_gp);
	__asm__ volatile("clgi; vmrun; stgi"
			 : "+a"(rax)
			 :
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	return vmrun_gps - before;
}

static void test_address(void)
{
	CASE("24593", VMRUN, "RAX not at a page, or beyond the width: #GP before the intercept");
	check_eq("VMRUN at 8 bytes", vmrun_faults((uintptr_t)vmcb + 8), 1);
	check_eq("VMRUN beyond", vmrun_faults((uintptr_t)vmcb | BEYOND), 1);
	guest_reset(g_here);
	check_eq("VMRUN of a good one", vmrun_faults((uintptr_t)vmcb), 0);
}

void test_checks(void)
{
	test_bad();
	test_good();
	test_address();
}
