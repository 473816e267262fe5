/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt shadow, V_INTR_MASKING and the host's IF, single steps. */
#include "rom.h"

#define AREA    "SVM: interrupts and steps"
#define V_IRQ   (1u << 8)
#define PRIO(n) ((n) << 16)
#define MASKING (1u << 24)
#define IF      0x200u
#define TF      0x100u
#define X_DB    0x41
#define VECTOR  0x50u
#define APIC(n) (*(volatile uint32_t *)(0xfee00000ull + (n)))

volatile uint64_t irq_count, step_count, step_rip;

void g_sti(void), g_sti_end(void), g_two(void), g_second(void), g_return(void), g_slow(void);
void h_irq(void), h_step(void), after_vmrun(void);
__asm__("g_sti: sti\n g_sti_end: cpuid\n hlt\n"
	"g_two: nop\n g_second: nop\n vmmcall\n hlt\n"
	"g_return: mov (%rsp), %rax\n vmmcall\n hlt\n"
	"g_slow: mov $1000, %ecx\n 1: loop 1b\n vmmcall\n hlt\n"
	"h_irq: incq irq_count\n push %rax\n mov $0xfee000b0, %eax\n"
	"movl $0, (%rax)\n pop %rax\n iretq\n"
	"h_step: incq step_count\n push %rax\n mov 8(%rsp), %rax\n mov %rax, step_rip\n"
	"pop %rax\n andq $~0x100, 16(%rsp)\n iretq\n");

static void virtual_irq(void (*entry)(void), uint64_t shadow)
{
	guest_reset(entry);
	idt_set(guest_idt, 0x43, g_return);
	put(V_RFLAGS, 2 | IF);
	put32(V_INT_CTL, MASKING | V_IRQ | PRIO(5));
	put32(V_VECTOR, 0x43);
	put(V_SHADOW, shadow);
	check_eq("V_IRQ", guest_run(), X_VMMCALL);
}

static void test_shadow(void)
{
	CASE("24593", "Virtual Interrupts",
		"INTERRUPT_SHADOW = 1 at VMRUN holds V_IRQ for one instruction");
	virtual_irq(g_two, 0);
	check_eq("no shadow: before the first instruction", get(V_RAX), (uintptr_t)g_two);
	virtual_irq(g_two, 1);
	check_eq("shadow: behind the first instruction", get(V_RAX), (uintptr_t)g_second);
	CASE("24593", "State Saved on Exit",
		"an exit in the shadow of STI saves INTERRUPT_SHADOW = 1");
	guest_reset(g_sti);
	check_eq("exit behind STI", guest_run(), X_CPUID);
	check_eq("exit behind STI: RIP", get(V_RIP), (uintptr_t)g_sti_end);
	check_eq("exit behind STI: shadow", get(V_SHADOW) & 1, 1);
	CASE("24593", "Event Injection", "EVENTINJ is taken in spite of the shadow and of IF = 0");
	guest_reset(g_two);
	put(V_SHADOW, 1);
	put(V_EVENTINJ, 1u << 31 | 0x43);
	check_eq("injected in a shadow", guest_run(), X_VMMCALL);
	check_eq("injected in a shadow: return address", get(V_RAX), (uintptr_t)g_two);
	CASE("24593", "Event Injection", "an injected exception is not intercepted");
	guest_reset(g_two);
	put32(V_EXCEPTIONS, 1u << 6);
	put(V_EVENTINJ, 1u << 31 | 3u << 8 | 6);
	check_eq("injected #UD with its intercept", guest_run(), X_VMMCALL);
	put32(V_EXCEPTIONS, 0);
}

/* A physical interrupt is pending when VMRUN starts, and is taken when all is over. */
static uint64_t masked(uint32_t int_ctl, uint32_t guest_if, unsigned host_if)
{
	uint64_t before = irq_count, code;

	guest_reset(g_slow);
	put32(V_INT_CTL, int_ctl);
	put(V_RFLAGS, 2 | guest_if);
	APIC(0x300) = 0x40000 | VECTOR;
	if (host_if) {
		code = guest_run();
	} else {
		__asm__ volatile(
			"clgi; cli; vmrun; stgi" ::"a"(vmcb)
			: "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
		code = get(V_EXITCODE);
	}
	check_eq("the interrupt waits for the host", irq_count, before);
	__asm__ volatile("sti; nop; cli" ::: "memory");
	check_eq("and is there then", irq_count, before + 1);
	return code;
}

static void test_masking(void)
{
	APIC(0xf0) = 0x1ff;
	idt_set(host_idt, VECTOR, h_irq);
	CASE("24593", "Virtual Interrupts",
		"V_INTR_MASKING = 1: the host's IF at VMRUN masks physical interrupts, the guest's does not");
	check_eq("masking, host IF, guest IF", masked(MASKING, IF, 1), X_INTR);
	check_eq("masking, host IF, no guest IF", masked(MASKING, 0, 1), X_INTR);
	ASSUMED("24593", "Virtual Interrupts",
		"V_INTR_MASKING = 1 and host IF = 0: no exit although INTR is intercepted");
	check_eq("masking, no host IF, guest IF", masked(MASKING, IF, 0), X_VMMCALL);
	CASE("24593", "Virtual Interrupts",
		"V_INTR_MASKING = 0: the guest's IF masks physical interrupts");
	check_eq("no masking, guest IF", masked(0, IF, 0), X_INTR);
	check_eq("no masking, no guest IF", masked(0, 0, 1), X_VMMCALL);
}

static void test_guest_step(void)
{
	CASE("24593", "VMRUN and #VMEXIT",
		"guest RFLAGS.TF = 1: #DB behind the guest's first instruction, none for VMRUN");
	guest_reset(g_two);
	put32(V_EXCEPTIONS, 1u << 1);
	put(V_RFLAGS, 2 | TF);
	check_eq("guest TF", guest_run(), X_DB);
	check_eq("guest TF: RIP", get(V_RIP), (uintptr_t)g_second);
	check_eq("guest TF: DR6.BS", get(V_DR6) >> 14 & 1, 1);
	check_eq("guest TF stays", get(V_RFLAGS) & TF, TF);
	put32(V_EXCEPTIONS, 0);
	CASE("24593", "VMRUN and #VMEXIT",
		"guest TF = 1 and an intercepted instruction: its exit, and no #DB");
	guest_reset(g_sti_end);
	put(V_RFLAGS, 2 | TF);
	put32(V_EXCEPTIONS, 1u << 1);
	check_eq("guest TF at CPUID", guest_run(), X_CPUID);
	put32(V_EXCEPTIONS, 0);
}

/* The handler clears TF in what it returns to. */
static void test_host_step(void)
{
	idt_set(host_idt, 1, h_step);
	guest_reset(g_two);
	step_count = 0;
	CASE("24593", "VMRUN and #VMEXIT",
		"host RFLAGS.TF = 1 at VMRUN: the guest is not stepped, one #DB behind VMRUN after #VMEXIT");
	/* POPF sets TF; the first instruction behind it is stepped, and that is VMRUN. */
	__asm__ volatile("pushf\n orl $0x100, (%%rsp)\n popf\n vmrun\n after_vmrun: nop\n"
			 :
			 : "a"(vmcb)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	check_eq("host TF: exit", get(V_EXITCODE), X_VMMCALL);
	check_eq("host TF: #DB", step_count, 1);
	check_eq("host TF: where", step_rip, (uintptr_t)after_vmrun);
}

void test_state(void)
{
	test_shadow();
	test_masking();
	test_guest_step();
	test_host_step();
}
