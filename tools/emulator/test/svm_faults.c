/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions of a guest: error codes of its own page faults, and events on top of events. */
#include "rom.h"

#define AREA   "SVM: faults of a guest"
#define TARGET 0x0fe00000ull /* a page of 2 MiB that nothing else uses */
#define SLOT   (TARGET >> 21)
#define P      1u
#define W      2u
#define U      4u
#define RSV    8u
#define FETCH  16u
#define NX     (1ull << 63)
#define NXE    (1ull << 11)
#define WP     (1ull << 16)
#define X_GP   0x4d
#define X_PF   0x4e

void g_get(void), g_set(void), g_go(void), g_nothing(void);
__asm__("g_get: mov 0x0fe00123, %eax\n vmmcall\n hlt\n"
	"g_set: movl %eax, 0x0fe00123\n vmmcall\n hlt\n"
	"g_go: mov $0x0fe00000, %eax\n jmp *%rax\n"
	"g_nothing: nop\n vmmcall\n hlt\n");

static PAGE uint64_t pml4[512], pdpt[512], pd[512];

static void prepare(void (*entry)(void), uint64_t entry_bits)
{
	guest_reset(entry);
	pml4[0] = (uintptr_t)pdpt | 7;
	pdpt[0] = (uintptr_t)pd | 7;
	for (unsigned i = 0; i < 512; i++)
		pd[i] = (uint64_t)i << 21 | 0x87;
	pd[SLOT] = entry_bits ? TARGET | 0x80 | entry_bits : 0;
	put(V_CR3, (uintptr_t)pml4);
	put32(V_EXCEPTIONS, 1u << 14);
}

static void page_fault(const char *what, void (*entry)(void), uint64_t bits, uint64_t code)
{
	prepare(entry, bits);
	put(V_CR0, get(V_CR0) | WP);
	put(V_EFER, get(V_EFER) | NXE);
	check_eq(what, guest_run(), X_PF);
	check_eq(what, get(V_INFO1), code);
	check_eq(what, get(V_INFO2) & ~0xfffull, TARGET);
}

static void test_codes(void)
{
	CASE("24593", "Page-Fault Error Code",
		"the guest's own tables: not present 0, write W, read-only P and W, NX P and I/D");
	page_fault("read, not present", g_get, 0, 0);
	page_fault("write, not present", g_set, 0, W);
	page_fault("write, read-only", g_set, P, P | W);
	page_fault("fetch, NX", g_go, P | W | NX, P | FETCH);
	CASE("24593", "Page-Fault Error Code",
		"a reserved bit in the guest's entry: RSV, and P with it; also for a write");
	page_fault("read, reserved bit 51", g_get, P | W | 1ull << 51, P | RSV);
	page_fault("write, reserved bit 51", g_set, P | W | 1ull << 51, P | W | RSV);
	page_fault("read, reserved bit 13 of a large page", g_get, P | W | 1ull << 13, P | RSV);
	CASE("24593", "Page-Fault Error Code",
		"EFER.NXE = 0 of the guest: bit 63 of its entry is reserved");
	prepare(g_get, P | W | NX);
	put(V_EFER, get(V_EFER) & ~NXE);
	check_eq("NX without NXE", guest_run(), X_PF);
	check_eq("NX without NXE", get(V_INFO1), P | RSV);
	CASE("24593", "Page-Fault Error Code",
		"CR0.WP = 0 of the guest: its supervisor writes to a read-only page");
	prepare(g_set, P);
	put(V_CR0, get(V_CR0) & ~WP);
	check_eq("CR0.WP = 0", guest_run(), X_VMMCALL);
	put32(V_EXCEPTIONS, 0);
}

/* What is injected meets an intercepted exception before its handler starts. */
static void test_injection(void)
{
	uint64_t lo = guest_idt[0x44].lo;

	CASE("24593", "Event Injection",
		"an intercepted exception in the delivery of an injected interrupt: its exit, EXITINTINFO has the interrupt");
	guest_reset(g_nothing);
	guest_idt[0x44].lo = lo & ~(1ull << 47); /* not present: #NP, vector 11 */
	put32(V_EXCEPTIONS, 1u << 11);
	put(V_EVENTINJ, 1u << 31 | 0x44);
	check_eq("#NP in a delivery", guest_run(), 0x4b);
	check_eq("#NP in a delivery: EXITINTINFO", get(V_EXITINT), 1u << 31 | 0x44);
	/* Bit 0, EXT, is left out: QEMU never sets it (docs/emulator.md). */
	check_eq("#NP in a delivery: error code", get(V_INFO1) & ~1ull, 0x44 * 8 + 2);
	check_eq("#NP in a delivery: RIP", get(V_RIP), (uintptr_t)g_nothing);
	guest_idt[0x44].lo = lo;
	CASE("24593", "Event Injection",
		"an injected exception has its error code in EXITINTINFO when a nested page fault interrupts it");
	guest_reset(g_nothing);
	nested_pd[(uintptr_t)guest_idt >> 21] = 0;
	put(V_EVENTINJ, 1u << 31 | 1u << 11 | 3u << 8 | 13 | 0x1238ull << 32);
	check_eq("#GP injected", guest_run(), X_NPF);
	check_eq("#GP injected: EXITINTINFO", get(V_EXITINT),
		1u << 31 | 1u << 11 | 3u << 8 | 13 | 0x1238ull << 32);
	put32(V_EXCEPTIONS, 0);
	CASE("24593", "Event Injection", "an injected NMI reaches the handler of vector 2");
	guest_reset(g_nothing);
	put(V_EVENTINJ, 1u << 31 | 2u << 8 | 2);
	check_eq("NMI injected", guest_run(), X_VMMCALL);
	check_eq("NMI injected: RIP", get(V_RIP) != (uintptr_t)g_nothing + 1, 1);
}

void test_faults(void)
{
	test_codes();
	test_injection();
}
