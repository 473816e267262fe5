/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nested paging: permissions, and what EXITINFO1 says of a fault. */
#include "rom.h"

#define AREA    "SVM: nested paging"
#define NESTED  "Nested Paging"
#define TARGET  0x0fe00000ull /* a page of 2 MiB that nothing else uses */
#define SLOT    (TARGET >> 21)
#define TABLES  0x0fc00000ull /* of the guest, in a page of their own */
#define EFER    0xc0000080
#define NXE     (1u << 11)
#define NX      (1ull << 63)
#define P       1u
#define W       2u
#define U       4u
#define RSV     8u
#define FETCH   16u
#define FINAL   (1ull << 32)
#define OF_WALK (1ull << 33)

void g_read(void), g_write(void), g_jump(void), g_there(void);
__asm__("g_read: mov 0x0fe00123, %eax\n vmmcall\n hlt\n"
	"g_write: movl %eax, 0x0fe00123\n vmmcall\n hlt\n"
	"g_jump: mov $0x0fe00000, %eax\n jmp *%rax\n"
	"g_there: vmmcall\n hlt\n");

static void fault(const char *what, void (*entry)(void), uint64_t flags, uint64_t info1)
{
	guest_reset(entry);
	nested_pd[SLOT] = flags ? TARGET | flags | 0x80 : 0;
	check_eq(what, guest_run(), X_NPF);
	check_eq(what, get(V_INFO1), info1);
	check_eq(what, get(V_INFO2) & ~0xfffull, TARGET);
	check_eq(what, get(V_EXITINT), 0);
}

static void allowed(const char *what, void (*entry)(void), uint64_t flags)
{
	guest_reset(entry);
	nested_pd[SLOT] = TARGET | flags | 0x80;
	check_eq(what, guest_run(), X_VMMCALL);
}

static void test_data(void)
{
	CASE("24593", NESTED, "not present: EXITINFO1 has U, W for a write, bit 32");
	fault("read, not present", g_read, 0, U | FINAL);
	check_eq("read, address", get(V_INFO2), TARGET + 0x123);
	fault("write, not present", g_write, 0, U | W | FINAL);
	CASE("24593", NESTED, "RW = 0: reads pass, writes fault with P, W and U");
	allowed("read, read-only", g_read, P | U);
	fault("write, read-only", g_write, P | U, P | W | U | FINAL);
	CASE("24593", NESTED, "CR0.WP of the guest makes no difference to RW = 0");
	guest_reset(g_write);
	nested_pd[SLOT] = TARGET | P | U | 0x80;
	put(V_CR0, get(V_CR0) & ~0x10000ull);
	check_eq("write, read-only, CR0.WP = 0", guest_run(), X_NPF);
	CASE("24593", NESTED,
		"U/S = 0: every access is a user access, also of guest CPL 0, and faults");
	fault("read, supervisor page", g_read, P | W, P | U | FINAL);
	fault("write, supervisor page", g_write, P | W, P | W | U | FINAL);
	allowed("write, user page", g_write, P | W | U);
}

static void test_fetch(void)
{
	uint64_t efer = rdmsr(EFER);

	for (unsigned i = 0; i < 4; i++)
		((volatile uint8_t *)TARGET)[i] = ((uint8_t *)g_there)[i];
	CASE("24593", NESTED,
		"NX by the host's EFER.NXE, whatever the guest's: fetches fault with I/D");
	wrmsr(EFER, efer | NXE);
	allowed("fetch, executable", g_jump, P | W | U);
	fault("fetch, NX", g_jump, P | W | U | NX, P | U | FETCH | FINAL);
	allowed("read, NX", g_read, P | W | U | NX);
	CASE("24593", NESTED,
		"host EFER.NXE = 0: bit 63 is reserved, every access faults with RSV");
	wrmsr(EFER, efer & ~NXE);
	fault("read, reserved bit 63", g_read, P | W | U | NX, P | U | RSV | FINAL);
	wrmsr(EFER, efer);
	fault("fetch, not present", g_jump, 0, U | (efer & NXE ? FETCH : 0) | FINAL);
}

/* The guest's topmost table is moved away; what it leads to stays. */
static void walk(const char *what, uint64_t flags, uint64_t code)
{
	uint64_t *pml4 = (uint64_t *)TABLES;

	guest_reset(g_read);
	pml4[0] = *(uint64_t *)get(V_CR3);
	put(V_CR3, TABLES);
	nested_pd[TABLES >> 21] = flags ? TABLES | flags | 0x80 : 0;
	check_eq(what, guest_run(), code);
}

static void test_walk(void)
{
	CASE("24593", NESTED,
		"an access to the guest's own tables is a user write: bit 33, not 32");
	walk("table, not present", 0, X_NPF);
	check_eq("table, not present", get(V_INFO1), U | W | OF_WALK);
	walk("table, read-only", P | U, X_NPF);
	check_eq("table, read-only", get(V_INFO1), P | U | W | OF_WALK);
	check_eq("table, read-only, address", get(V_INFO2) & ~0xfffull, TABLES);
	walk("table, writable", P | W | U, X_VMMCALL);
}

void test_npt(void)
{
	test_data();
	test_fetch();
	test_walk();
}
