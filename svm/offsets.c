/* SPDX-License-Identifier: MIT */
/* Offsets for vmrun.asm. Each becomes an assembler comment that the Makefile turns into a %define.
 */
#include "svm.h"

#define OFFSET(name, type, member)                                                                 \
	__asm__ volatile("# \"#define " #name " %0\"" ::"i"(offsetof(type, member)))

void svm_offsets(void);
void svm_offsets(void)
{
	OFFSET(REGS_RBX, struct guest_regs, rbx);
	OFFSET(REGS_RCX, struct guest_regs, rcx);
	OFFSET(REGS_RDX, struct guest_regs, rdx);
	OFFSET(REGS_RSI, struct guest_regs, rsi);
	OFFSET(REGS_RDI, struct guest_regs, rdi);
	OFFSET(REGS_RBP, struct guest_regs, rbp);
	OFFSET(REGS_R8, struct guest_regs, r8);
	OFFSET(REGS_R9, struct guest_regs, r9);
	OFFSET(REGS_R10, struct guest_regs, r10);
	OFFSET(REGS_R11, struct guest_regs, r11);
	OFFSET(REGS_R12, struct guest_regs, r12);
	OFFSET(REGS_R13, struct guest_regs, r13);
	OFFSET(REGS_R14, struct guest_regs, r14);
	OFFSET(REGS_R15, struct guest_regs, r15);
}
