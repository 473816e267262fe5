/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rom.h"

#define EFER_SVME (1u << 12)

extern uint64_t gdt[];

PAGE uint8_t vmcb[4096];
static PAGE uint8_t hsave[2][4096], msrpm[8192], iopm[12288];
static PAGE uint64_t npt_pml4[512], npt_pdpt[512];
PAGE uint64_t nested_pd[2048]; /* 4 GiB in pages of 2 MiB */
PAGE struct idt_gate host_idt[256];
/* In a nested page of its own: test_events takes it away. */
__attribute__((aligned(2 << 20), section(".bss.idt"))) struct idt_gate guest_idt[256];
static PAGE uint8_t guest_stack[4096];
static void (*volatile ap_task)(void);
static unsigned failed;

void say(const char *text)
{
	while (*text)
		outb(0xe9, *text++);
}

static void say_hex(uint64_t v)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		outb(0xe9, "0123456789abcdef"[v >> shift & 15]);
}

void check_eq(const char *what, uint64_t got, uint64_t wanted)
{
	if (got == wanted)
		return;
	failed++;
	say("FAILED ");
	say(what);
	say(": got ");
	say_hex(got);
	say(", wanted ");
	say_hex(wanted);
	say("\n");
}

void say_case(const char *status, const char *area, const char *file, const char *function,
	const char *document, const char *section, const char *what)
{
	const char *const words[] = { status, area, file, ":", function, document, section, what };

	say("case");
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (i != 3 && i != 4)
			say("\t");
		say(words[i]);
	}
	say("\n");
}

void expect_strict(const char *text)
{
	say("EXPECT ");
	say(text);
	say("\n");
}

void idt_set(struct idt_gate *idt, unsigned vector, void (*handler)(void))
{
	uint64_t a = (uintptr_t)handler;

	idt[vector].lo = (a & 0xffff) | 24u << 16 | 0x8eull << 40 | (a >> 16 & 0xffff) << 48;
	idt[vector].hi = a >> 32;
}

static void segment(unsigned offset, uint16_t selector, uint16_t attributes)
{
	put(offset, selector | (uint32_t)attributes << 16 | 0xffffffffull << 32);
	put(offset + 8, 0);
}

void guest_reset(void (*entry)(void))
{
	uint64_t cr3;

	for (unsigned i = 0; i < sizeof(vmcb); i += 8)
		put(i, 0);
	put32(V_WORD3,
		1u << 0 | 1u << 1 | 1u << 3 | 1u << 18 | 1u << 24 | 1u << 27 | 1u << 28 | 1u << 31);
	put32(V_WORD4, 1u << 0 | 1u << 1);
	put(V_IOPM, (uintptr_t)iopm);
	put(V_MSRPM, (uintptr_t)msrpm);
	put32(V_ASID, 1);
	put32(V_TLB, 1);
	put32(V_INT_CTL, 1u << 24);
	put(V_NP, 1);
	put(V_NCR3, (uintptr_t)npt_pml4);
	segment(V_CS, 24, 0xa9b);
	segment(V_SS, 16, 0xc93);
	segment(V_DS, 16, 0xc93);
	segment(V_ES, 16, 0xc93);
	put(V_GDTR, 31ull << 32);
	put(V_GDTR + 8, (uintptr_t)gdt);
	put(V_IDTR, 4095ull << 32);
	put(V_IDTR + 8, (uintptr_t)guest_idt);
	put(V_EFER, 0x500 | EFER_SVME);
	__asm__("mov %%cr3, %0" : "=r"(cr3));
	put(V_CR3, cr3);
	put(V_CR4, 0x6a0);
	put(V_CR0, 0x80010033);
	put(V_DR6, 0xffff0ff0);
	put(V_DR7, 0x400);
	put(V_RFLAGS, 2);
	put(V_RIP, (uintptr_t)entry);
	put(V_RSP, (uintptr_t)guest_stack + sizeof(guest_stack) - 8);
	put(V_G_PAT, 0x0007040600070406);
	for (unsigned i = 0; i < 2048; i++)
		nested_pd[i] = (uint64_t)i << 21 | 0x87;
}

uint64_t guest_run(void)
{
	__asm__ volatile("clgi; sti; vmrun; cli; stgi" ::"a"(vmcb)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	put32(V_TLB, 0);
	return get(V_EXITCODE);
}

static void svm_on(unsigned cpu)
{
	wrmsr(0xc0000080, rdmsr(0xc0000080) | EFER_SVME);
	wrmsr(0xc0010117, (uintptr_t)hsave[cpu]);
}

static void maps_init(void)
{
	npt_pml4[0] = (uintptr_t)npt_pdpt | 7;
	for (unsigned i = 0; i < 4; i++)
		npt_pdpt[i] = (uintptr_t)(nested_pd + 512 * i) | 7;
	for (unsigned i = 0; i < sizeof(msrpm); i++)
		msrpm[i] = 0xff;
	for (unsigned i = 0; i < sizeof(iopm); i++)
		iopm[i] = 0xff;
}

void rom_main(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 4095, (uintptr_t)host_idt };

	__asm__ volatile("lidt %0" ::"m"(idtr));
	svm_on(0);
	maps_init();
	test_exits();
	test_events();
	test_clean();
	test_init();
	test_npt();
	test_state();
	test_tlb();
	test_checks();
	test_faults();
	test_mended();
	say(failed ? "RESULT failed\n" : "RESULT passed\n");
	outb(0xf4, failed ? 1 : 0);
}

/* 24593 rev 3.44, "Local APIC Initialization": INIT, then a start-up IPI to 8000h. */
void on_second_cpu(void (*task)(void))
{
	volatile uint32_t *icr = (volatile uint32_t *)0xfee00300;

	ap_task = task;
	icr[4] = 1u << 24;
	icr[0] = 0x4500;
	icr[0] = 0x4608;
	while (ap_task)
		__asm__ volatile("pause");
}

void ap_main(void)
{
	svm_on(1);
	ap_task();
	ap_task = NULL;
	for (;;)
		__asm__ volatile("cli; hlt");
}
