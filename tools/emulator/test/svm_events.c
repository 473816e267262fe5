/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Injected and virtual interrupts, and what a nested page fault on the way leaves. */
#include "rom.h"

#define AREA "SVM: events"

#define V_IRQ       (1u << 8)
#define PRIO(n)     ((n) << 16)
#define MASKING     (1u << 24)
#define EVENT(t, v) (1u << 31 | (t) << 8 | (v))

void g_handler(void), g_pushed(void), g_code(void), g_end(void), g_cr8(void), g_cr8_end(void);
__asm__("g_handler: vmmcall\n hlt\n"
	"g_pushed: mov (%rsp), %rax\n vmmcall\n hlt\n"
	"g_code: nop\n nop\n g_end: vmmcall\n hlt\n"
	"g_cr8: xor %eax, %eax\n mov %rax, %cr8\n nop\n g_cr8_end: vmmcall\n hlt\n");

static unsigned idt_page(void)
{
	return (uintptr_t)guest_idt >> 21;
}

static void reached(const char *what, void (*where)(void))
{
	check_eq(what, guest_run(), X_VMMCALL);
	check_eq(what, get(V_RIP), (uintptr_t)where);
}

static void test_injection(void)
{
	CASE("24593", "Event Injection",
		"an interrupt, an exception and INTn reach the guest's handler; V is cleared; INTn returns to nRIP");
	guest_reset(g_code);
	put(V_EVENTINJ, EVENT(0, 0x40));
	reached("inject an interrupt", g_handler);
	check_eq("EVENTINJ after delivery", get32(V_EVENTINJ) >> 31, 0);
	guest_reset(g_code);
	put(V_EVENTINJ, EVENT(3, 31));
	reached("inject exception 31", g_handler);
	guest_reset(g_code);
	put(V_EVENTINJ, EVENT(4, 0x42));
	put(V_NRIP, (uintptr_t)g_end);
	check_eq("inject INTn", guest_run(), X_VMMCALL);
	check_eq("inject INTn: return address", get(V_RAX), (uintptr_t)g_end);
}

/* The guest's IDT is not there: what was under way is in EXITINTINFO, and can go back. */
static void test_interrupted_delivery(void)
{
	CASE("24593", "Event Injection",
		"a nested page fault in the delivery of an injected or a virtual interrupt: EXITINTINFO has it, and it can be injected");
	CASE("24593", "Virtual Interrupts", "V_IRQ is consumed when its delivery starts");
	guest_reset(g_code);
	nested_pd[idt_page()] = 0;
	put(V_EVENTINJ, EVENT(0, 0x40));
	check_eq("injection without IDT", guest_run(), X_NPF);
	check_eq("EXITINTINFO of an injection", get(V_EXITINT), EVENT(0, 0x40));

	guest_reset(g_code);
	nested_pd[idt_page()] = 0;
	put(V_RFLAGS, 0x202);
	put32(V_INT_CTL, MASKING | V_IRQ | PRIO(4));
	put32(V_VECTOR, 0x41);
	check_eq("V_IRQ without IDT", guest_run(), X_NPF);
	check_eq("EXITINTINFO of V_IRQ", get(V_EXITINT), EVENT(0, 0x41));
	check_eq("V_IRQ is consumed", get32(V_INT_CTL) & V_IRQ, 0);
	nested_pd[idt_page()] = (uint64_t)idt_page() << 21 | 0x87;
	put(V_EVENTINJ, get(V_EXITINT));
	reached("what EXITINTINFO says can be injected", g_handler);
}

static void test_virtual(void)
{
	CASE("24593", "Virtual Interrupts",
		"V_IRQ is taken if V_INTR_PRIO is above V_TPR, also when CR8 falls; not when equal");
	guest_reset(g_code);
	put(V_RFLAGS, 0x202);
	put32(V_INT_CTL, MASKING | V_IRQ | PRIO(4) | 4);
	put32(V_VECTOR, 0x40);
	reached("V_IRQ of the priority of V_TPR", g_end);
	check_eq("V_IRQ stays", get32(V_INT_CTL) & V_IRQ, V_IRQ);
	put(V_RIP, (uintptr_t)g_code);
	put32(V_INT_CTL, MASKING | V_IRQ | PRIO(5) | 4);
	reached("V_IRQ above V_TPR", g_handler);
	guest_reset(g_cr8);
	put(V_RFLAGS, 0x202);
	put32(V_INT_CTL, MASKING | V_IRQ | PRIO(4) | 8);
	put32(V_VECTOR, 0x40);
	reached("V_IRQ after the guest lowered CR8", g_handler);
}

void test_events(void)
{
	for (unsigned v = 0; v < 256; v++)
		idt_set(guest_idt, v, g_handler);
	idt_set(guest_idt, 0x42, g_pushed);
	test_injection();
	test_interrupted_delivery();
	test_virtual();
}
