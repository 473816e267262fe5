/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's scheduler and vCPU states on threads of this machine, for ThreadSanitizer: a
 * thread is a pCPU, another one the device with its IOMMU. Everything that two of them share must
 * go through locks or the seam's atomic accesses, or the sanitizer says so.
 */
#ifndef TSAN_MACHINE_H
#define TSAN_MACHINE_H

#include "vmm/cpu.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/wake.h"

#define T_CPUS     3
#define T_VCPUS    12
#define T_MESSAGES 24 /* two for each vCPU: one posted by the device, one sent by a vCPU */

struct message {
	uint32_t sent; /* atomic; by whom sends, once it is seen */
	uint32_t seen; /* atomic; by the vCPU */
};

extern struct cpu t_cpu[T_CPUS];
extern struct vcpu t_vcpu[T_VCPUS];
extern struct vm t_vm;
extern struct message t_message[T_MESSAGES];
extern uint32_t t_stop;                /* atomic: the device sends no more */
extern uint32_t t_twice, t_migrations; /* atomic */

/* Message m of vCPU m / 2; the odd ones are sent by vCPUs. */
static inline uint8_t t_vector(uint32_t m)
{
	return (uint8_t)(0x40 + m);
}

/* hardware.c: what a pCPU has pending, and a post by the device. */
void t_interrupt(uint32_t cpu, uint8_t vector);
bool t_interrupt_pending(uint32_t cpu);
void t_doorbell_reset(uint32_t cpu);
bool t_doorbell_taken(uint32_t cpu);
void t_post(uint32_t m);
void t_thread_of(struct cpu *cpu); /* the calling thread is this pCPU */
void t_hardware_init(enum wake_mechanism mechanism);

#endif
