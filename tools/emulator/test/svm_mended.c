/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU had wrong and no other test comes by: see the list in docs/emulator.md. */
#include "rom.h"

#define AREA      "SVM: mended in QEMU"
#define VM_CR     0xc0010114
#define VM_SVMDIS 16
#define EFER      0xc0000080
#define SVME      (1ull << 12)
#define X_GP      0x4d
#define VECTOR    0x45u
#define ROUNDS    10000u

#define STORES 3000u

volatile uint64_t gps, taken, left;

void g_count(void), g_cr3(void), g_cr4(void), h_gp_skip(void), g_stop(void), h_timer(void);
__asm__("g_count: mov $taken, %eax\n incq (%rax)\n vmmcall\n hlt\n"
	"g_cr3: mov %rax, %cr3\n hlt\n"
	"g_cr4: mov %rax, %cr4\n hlt\n"
	"g_stop: vmmcall\n hlt\n"
	/* Over a MOV to CRn (three bytes) or, where RCX names a register, WRMSR (two). */
	"h_gp_skip: incq gps\n add $8, %rsp\n push %rax\n mov 8(%rsp), %rax\n cmpb $0x30, 1(%rax)\n"
	"pop %rax\n je 1f\n incq (%rsp)\n 1: addq $2, (%rsp)\n iretq\n"
	"h_timer: incq taken\n mov %rcx, left\n push %rax\n push %rcx\n push %rdx\n"
	"mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n"
	"pop %rdx\n pop %rcx\n pop %rax\n iretq\n");

static void test_dr6(void)
{
	uint64_t dr6;

	CASE("24593", "VMRUN and #VMEXIT",
		"#VMEXIT does not load the host's DR6: the guest's is left");
	__asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ull));
	guest_reset(g_stop);
	put(V_DR6, 0xffff4ff5);
	check_eq("DR6, exit", guest_run(), X_VMMCALL);
	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	check_eq("DR6 after #VMEXIT", dr6, 0xffff4ff5);
	__asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ull));
}

static void guest_gp(const char *what, void (*entry)(void), uint64_t value)
{
	guest_reset(entry);
	put(V_RAX, value);
	put32(V_EXCEPTIONS, 1u << 13);
	check_eq(what, guest_run(), X_GP);
	check_eq(what, get(V_RIP), (uintptr_t)entry);
	put32(V_EXCEPTIONS, 0);
}

static void test_reserved(void)
{
	uint64_t before = gps, word = get(V_EXITCODE), cr4;

	CASE("24593", "CR3 Register",
		"reserved bits of CR3 and CR4 are a #GP, in a host and in a guest");
	idt_set(host_idt, 13, h_gp_skip);
	__asm__ volatile("mov %0, %%cr3" ::"a"(1ull << 60));
	check_eq("host CR3", gps, before + 1);
	__asm__("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" ::"a"(cr4 | 1ull << 15));
	check_eq("host CR4", gps, before + 2);
	check_eq("the VMCB is left alone", get(V_EXITCODE), word);
	guest_gp("guest CR3", g_cr3, 1ull << 60);
	guest_gp("guest CR4", g_cr4, cr4 | 1ull << 15);
}

static void test_svmdis(void)
{
	uint64_t efer = rdmsr(EFER), before = gps;

	CASE("24593", "VM_CR MSR", "SVME cannot be set while SVMDIS is: #GP");
	idt_set(host_idt, 13, h_gp_skip);
	wrmsr(EFER, efer & ~SVME);
	wrmsr(VM_CR, VM_SVMDIS);
	check_eq("SVMDIS while SVME is clear", gps, before);
	wrmsr(EFER, efer);
	check_eq("SVME while SVMDIS is set", gps, before + 1);
	wrmsr(VM_CR, 0);
	wrmsr(EFER, efer);
	check_eq("SVME again", rdmsr(EFER), efer);
}

/* QEMU left the vector where the end of a time slice delivered it once more. */
static void test_once(void)
{
	CASE("24593", "Event Injection",
		"ten thousand injected interrupts: each is delivered once");
	guest_reset(g_stop);
	idt_set(guest_idt, VECTOR, g_count);
	taken = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t rsp = get(V_RSP);

		put(V_RIP, (uintptr_t)g_stop);
		put(V_EVENTINJ, 1u << 31 | VECTOR);
		if (guest_run() != X_VMMCALL)
			break;
		put(V_RSP, rsp);
	}
	check_eq("injected and taken", taken, ROUNDS);
}

static void test_bus(void)
{
	check_eq("a read that nobody answers", *(volatile uint32_t *)0xfeb00000ull, 0xffffffff);
}

/* With counted instructions QEMU refused to read a clock there. Last: the APIC stays so. */
static void test_clock(void)
{
	uint64_t first, second;

	wrmsr(0x1b, rdmsr(0x1b) | 1u << 10); /* x2APIC */
	wrmsr(0x832, 1u << 16 | VECTOR);     /* masked */
	wrmsr(0x83e, 0xb);
	wrmsr(0x838, 0xffffffff);
	first = rdmsr(0x839);
	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("nop");
	second = rdmsr(0x839);
	check_eq("the timer counts down", second < first && second, 1);
}

static volatile uint8_t stored[STORES];

static void store(uint64_t count)
{
	volatile uint8_t *to = stored;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(1) : "memory");
}

/* Ticks of the timer, which are instructions here. */
static __attribute__((noinline)) uint64_t stores_take(uint64_t count)
{
	uint64_t first = rdmsr(0x839);

	store(count);
	return first - rdmsr(0x839);
}

/* A string instruction's repetitions are chained (rep.hook): each counts, and may be interrupted.
 */
static void test_repetitions(void)
{
	unsigned n = 0;

	check_eq("each repetition is an instruction", stores_take(STORES) - stores_take(1000),
		STORES - 1000);
	idt_set(host_idt, VECTOR, h_timer);
	for (unsigned i = 0; i < STORES; i++)
		stored[i] = 0;
	taken = left = 0;
	wrmsr(0x80f, 1u << 8 | 0xff);
	wrmsr(0x832, VECTOR);
	wrmsr(0x838, STORES / 2);
	__asm__ volatile("sti");
	store(STORES);
	__asm__ volatile("cli");
	check_eq("an interrupt comes between two", taken == 1 && left > 0 && left < STORES, 1);
	for (unsigned i = 0; i < STORES; i++)
		n += stored[i];
	check_eq("and the others follow it", n, STORES);
}

void test_mended(void)
{
	test_dr6();
	test_reserved();
	test_svmdis();
	test_once();
	test_bus();
	test_clock();
	test_repetitions();
}
