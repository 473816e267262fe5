/* SPDX-License-Identifier: MIT */
/* Interrupts and exceptions of the built-in guest. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include <stdint.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Called with interrupts off; the EOI follows. vcpu is the one that was interrupted. */
typedef void interrupt_handler(uint32_t vcpu, uint8_t vector);

/* vCPU 0 builds the table, the others load it. Also tells this vCPU its index. */
void trap_init(uint32_t index);
void trap_handler(uint8_t vector, interrupt_handler *handler);
/* This vCPU's index, from anywhere. */
uint32_t vcpu_index(void);

#endif
