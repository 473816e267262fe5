/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit codes, nRIP, and VMRUN's checks. */
#include "rom.h"

#define AREA "SVM: exits and VMRUN"

/* Each guest instruction that exits, with a label behind it. */
void g_vmmcall(void), g_vmmcall_end(void), g_cpuid(void), g_cpuid_end(void);
void g_rdmsr(void), g_rdmsr_end(void), g_out(void), g_out_end(void);
void g_hlt(void), g_hlt_end(void), g_cr0(void), g_cr0_end(void), g_load(void);
__asm__("g_vmmcall: vmmcall\n g_vmmcall_end: hlt\n"
	"g_cpuid: cpuid\n g_cpuid_end: hlt\n"
	"g_rdmsr: mov $0xc0000081, %ecx\n 1: rdmsr\n g_rdmsr_end: hlt\n"
	"g_out: out %al, $0x80\n g_out_end: hlt\n"
	"g_hlt: hlt\n g_hlt_end: hlt\n"
	"g_cr0: mov %cr0, %r9\n g_cr0_end: hlt\n"
	"g_load: mov 0x3ff00000, %eax\n hlt\n");

static void exit_with_nrip(const char *what, void (*start)(void), void (*end)(void), uint64_t code)
{
	guest_reset(start);
	put32(0, code == X_READ_CR0);
	check_eq(what, guest_run(), code);
	check_eq(what, get(V_NRIP), (uintptr_t)end);
}

void g_crw(void), g_crw_end(void), g_int(void), g_int_end(void), g_inv(void), g_inv_end(void);
__asm__("g_crw: mov %r10, %cr4\n g_crw_end: hlt\n"
	"g_int: int $0x99\n g_int_end: hlt\n"
	"g_inv: mov $0x123000, %ebx\n invlpg 0x45(%rbx)\n g_inv_end: hlt\n");

static void assisted(
	const char *what, void (*start)(void), void (*end)(void), uint64_t code, uint64_t info1)
{
	guest_reset(start);
	put32(0, 0x00100001); /* write CR4, read CR0 */
	put32(V_WORD3, get32(V_WORD3) | 1u << 21 | 1u << 25);
	check_eq(what, guest_run(), code);
	check_eq(what, get(V_NRIP), (uintptr_t)end);
	check_eq(what, get(V_INFO1), info1);
}

static void test_decode(void)
{
	CASE("24593", "Decode Assists",
		"MOV CR: register number; INTn: vector; INVLPG: address; nested page fault: instruction bytes, none for a fetch");
	assisted("read CR0, assisted", g_cr0, g_cr0_end, X_READ_CR0, 1ull << 63 | 9);
	assisted("write CR4, assisted", g_crw, g_crw_end, 0x14, 1ull << 63 | 10);
	assisted("INT 99h, assisted", g_int, g_int_end, 0x75, 0x99);
	assisted("INVLPG, assisted", g_inv, g_inv_end, 0x79, 0x123045);
	guest_reset(g_load);
	nested_pd[0x3ff00000 >> 21] = 0;
	check_eq("nested page fault, assisted", guest_run(), X_NPF);
	check_eq("nested page fault, bytes", get(V_INSN), 0x3ff0000025048b0f);
	guest_reset((void (*)(void))0x3ff00000);
	nested_pd[0x3ff00000 >> 21] = 0;
	check_eq("nested fault of a fetch", guest_run(), X_NPF);
	check_eq("nested fault of a fetch, bytes", get(V_INSN), 0);
}

void g_cr2(void), g_cr3(void), g_cr4(void), g_cr8(void);
__asm__("g_cr2: mov %cr2, %r9\n vmmcall\n"
	"g_cr3: mov %cr3, %r9\n vmmcall\n"
	"g_cr4: mov %cr4, %r9\n vmmcall\n"
	"g_cr8: mov %cr8, %r9\n vmmcall\n");

static void test_cr_reads(void)
{
	static const struct {
		const char *what;
		void (*start)(void);
		unsigned number;
	} reads[] = {
		{ "read CR2", g_cr2, 2 },
		{ "read CR3", g_cr3, 3 },
		{ "read CR4", g_cr4, 4 },
		{ "read CR8", g_cr8, 8 },
	};

	CASE("24593", "SVM Intercept Codes",
		"each control register's read has its own intercept and code; that of CR0 stops no other");
	for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		guest_reset(reads[i].start);
		put32(0, 1u << reads[i].number);
		check_eq(reads[i].what, guest_run(), reads[i].number);
		guest_reset(reads[i].start);
		put32(0, 0x1ffu & ~(1u << reads[i].number));
		check_eq(reads[i].what, guest_run(), X_VMMCALL);
	}
}

static void test_nrip(void)
{
	CASE("24593", "State Saved on Exit",
		"nRIP is behind the instruction for VMMCALL, CPUID, RDMSR, OUT, HLT, MOV CR; 0 for a nested page fault");
	exit_with_nrip("VMMCALL", g_vmmcall, g_vmmcall_end, X_VMMCALL);
	exit_with_nrip("CPUID", g_cpuid, g_cpuid_end, X_CPUID);
	exit_with_nrip("RDMSR", g_rdmsr, g_rdmsr_end, X_MSR);
	exit_with_nrip("OUT", g_out, g_out_end, X_IOIO);
	check_eq("OUT, EXITINFO2", get(V_INFO2), (uintptr_t)g_out_end);
	exit_with_nrip("HLT", g_hlt, g_hlt_end, X_HLT);
	exit_with_nrip("read CR0", g_cr0, g_cr0_end, X_READ_CR0);
	guest_reset(g_load);
	nested_pd[0x3ff00000 >> 21] = 0;
	check_eq("nested page fault", guest_run(), X_NPF);
	check_eq("nested page fault, address", get(V_INFO2), 0x3ff00000);
	check_eq("nested page fault, nRIP", get(V_NRIP), 0);
}

/* A failed VMRUN leaves the save area alone; marks in it must survive. */
static void invalid(const char *what)
{
	put(V_RAX, 0x1122334455667788);
	put(V_RSP, 0x8877665544332210);
	check_eq(what, guest_run(), X_INVALID);
	check_eq(what, get(V_RIP), (uintptr_t)g_vmmcall);
	check_eq(what, get(V_RAX), 0x1122334455667788);
	check_eq(what, get(V_RSP), 0x8877665544332210);
	check_eq(what, get(V_CR0), 0x80010033);
	guest_reset(g_vmmcall);
}

static void test_invalid(void)
{
	CASE("24593", "VMRUN and #VMEXIT",
		"VMEXIT_INVALID for ASID 0 or beyond the last, G_PAT, EVENTINJ, nCR3, VMRUN not intercepted");
	ASSUMED("24593", "VMRUN and #VMEXIT", "VMEXIT_INVALID leaves the save area alone");
	guest_reset(g_vmmcall);
	put32(V_ASID, 0);
	invalid("ASID 0");
	put32(V_ASID, 32768);
	invalid("ASID beyond the last");
	put(V_G_PAT, 0x0007040600070402);
	invalid("reserved type in G_PAT");
	put(V_EVENTINJ, 1u << 31 | 1u << 8 | 0x40);
	invalid("EVENTINJ of type 1");
	put(V_EVENTINJ, 1u << 31 | 3u << 8 | 2);
	invalid("EVENTINJ of exception 2");
	put(V_EVENTINJ, 1u << 31 | 3u << 8 | 32);
	invalid("EVENTINJ of exception 32");
	put(V_NCR3, 1ull << 50);
	invalid("nCR3 beyond physical memory");
	put32(V_WORD4, 2);
	invalid("VMRUN not intercepted");
	check_eq("a good VMCB again", guest_run(), X_VMMCALL);
}

static void test_host_save(void)
{
	uint64_t hsave = rdmsr(0xc0010117);

	ASSUMED("24593", "VM_HSAVE_PA MSR", "VMRUN while VM_HSAVE_PA is 0 is an error of software");
	wrmsr(0xc0010117, 0);
	guest_reset(g_vmmcall);
	expect_strict("VMRUN while VM_HSAVE_PA is 0");
	guest_run();
	wrmsr(0xc0010117, hsave);
}

void test_exits(void)
{
	test_nrip();
	test_cr_reads();
	test_decode();
	test_invalid();
	test_host_save();
}
