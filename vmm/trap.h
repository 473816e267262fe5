/* SPDX-License-Identifier: MIT */
/* Host exceptions and interrupts. vectors.asm -> trap_interrupt()/trap_exception(). */
#ifndef VMM_TRAP_H
#define VMM_TRAP_H

#include "base/types.h"

struct cpu;

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Loads the IDT of this CPU. */
void trap_init_cpu(void);
/* Entry points from vectors.asm. Interrupt stubs save only the caller-saved registers, and
 * trap_interrupt() writes EOI itself: this is the wake path. */
void trap_interrupt(uint32_t vector);
void trap_exception(struct trap_frame *frame);

#endif
