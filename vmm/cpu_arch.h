/* SPDX-License-Identifier: MIT */
/* One CPU's descriptor tables, stacks and control registers; between cpu.c, smp.c and panic.c. */
#ifndef VMM_CPU_ARCH_H
#define VMM_CPU_ARCH_H

#include "base/types.h"

struct cpu;

/* Interrupt stack table slots: exceptions that may come on a bad stack, or on any. */
enum { IST_NMI = 1, IST_DOUBLE_FAULT = 2, IST_MACHINE_CHECK = 3 };

#define SELECTOR_CODE 0x08

/* On the CPU itself: everything but its local APIC. The same on all. */
void cpu_arch_init(struct cpu *cpu);
/* The byte after the top of CPU index's stack. */
uint8_t *cpu_stack_top(uint32_t index);
/* Is p on one of CPU index's stacks, and how many bytes are above it? 0: no. */
size_t cpu_stack_bytes_above(uint32_t index, const void *p);
/* The identity map is for starting CPUs only; afterwards NULL faults. */
void cpu_drop_identity_map(void);

/* cpu.c: the slot of the next CPU; it counts once cpu_add() is called. NULL: all are taken. */
struct cpu *cpu_next_slot(apicid_t apicid);
void cpu_add(struct cpu *cpu);

#endif
