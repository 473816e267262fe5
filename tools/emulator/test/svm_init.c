/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INIT while GIF is 0 and under VM_CR.R_INIT, and what VM_CR refuses. */
#include "rom.h"

#define AREA "SVM: INIT and VM_CR"

#define VM_CR        0xc0010114
#define VM_CR_R_INIT 2
#define VM_CR_SVMDIS 16
#define ICR_INIT     0x4500 /* INIT, assert, physical destination */

volatile uint64_t sx_count, sx_error, gp_count;

void h_sx(void), h_gp(void), g_idle(void);
__asm__("h_sx: incq sx_count\n pushq %rax\n mov 8(%rsp), %rax\n mov %rax, sx_error\n"
	"popq %rax\n add $8, %rsp\n iretq\n"
	"h_gp: incq gp_count\n add $8, %rsp\n addq $2, (%rsp)\n iretq\n" /* over WRMSR */
	"g_idle: nop\n jmp g_idle\n");

static void init_self(void)
{
	*(volatile uint32_t *)0xfee00310 = 0;
	*(volatile uint32_t *)0xfee00300 = ICR_INIT;
}

void test_init(void)
{
	CASE("24593", "VM_CR MSR", "SVMDIS while SVME is set, and reserved bits, are a #GP");
	CASE("24593", "VM_CR MSR",
		"R_INIT = 1: INIT is #SX with error code 1, held while GIF is 0, and exit 63h in a guest");
	idt_set(host_idt, 30, h_sx);
	idt_set(host_idt, 13, h_gp);
	wrmsr(VM_CR, VM_CR_SVMDIS);
	check_eq("SVMDIS while SVME is set", gp_count, 1);
	wrmsr(VM_CR, 1u << 5);
	check_eq("reserved bit of VM_CR", gp_count, 2);
	wrmsr(VM_CR, VM_CR_R_INIT);
	check_eq("VM_CR", rdmsr(VM_CR), VM_CR_R_INIT);

	__asm__ volatile("clgi");
	init_self();
	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("nop");
	check_eq("INIT is held while GIF is 0", sx_count, 0);
	__asm__ volatile("stgi; nop");
	check_eq("INIT becomes #SX", sx_count, 1);
	check_eq("error code of #SX", sx_error, 1);

	guest_reset(g_idle);
	__asm__ volatile("clgi");
	init_self();
	check_eq("INIT in a guest", guest_run(), X_INIT);
	check_eq("and #SX after STGI", sx_count, 2);
}
