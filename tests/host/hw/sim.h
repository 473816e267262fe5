/* SPDX-License-Identifier: MIT */
/*
 * What stands behind the host's seam. Every crossing calls sim_point() first, so that a test
 * can let a device fire exactly there. tests/host/seam.c has weak defaults (registers are plain
 * memory, MSRs and ports read 0); a test defines its own to take a function over.
 */
#ifndef HOST_SIM_H
#define HOST_SIM_H

#include "base/types.h"

struct cpu;

void sim_point(void);
void sim_spin(void); /* waiting for a lock: tests/sim/spin.h */
/* The CPU's store buffer: a plain store of so many bytes is about to be done, which others may see
 * late; a locked operation or a fence makes everybody see all of them. */
void sim_store(void *p, unsigned bytes);
void sim_drain(void);
uint64_t sim_mmio_read(const volatile void *p, unsigned bytes);
void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v);
uint64_t sim_rdmsr(uint32_t msr);
void sim_wrmsr(uint32_t msr, uint64_t v);
uint32_t sim_in(uint16_t port, unsigned bytes);
void sim_out(uint16_t port, unsigned bytes, uint32_t v);
void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
uint64_t sim_ticks(void); /* counts up by SIM_TICKS_A_LOOK with each look */
void sim_sleep(void);     /* cpu_sleep() */
void sim_take_interrupts(void);
void sim_doorbell(uint32_t apicid);
void sim_load_idt(uint64_t base, uint16_t last_byte);
void sim_load_gdt(uint64_t base, uint16_t last_byte, uint16_t code, uint16_t data, uint16_t task);
void sim_invlpg(const void *page);
_Noreturn void sim_stop(void); /* aborts; a test's own may leave by longjmp() */
void sim_vmsave(uint64_t area);
void sim_xsetbv(uint32_t index, uint64_t v);
void sim_fpu_save(void *area, uint64_t components); /* components 0: FXSAVE */
void sim_fpu_load(const void *area, uint64_t components);
extern uint64_t sim_dr[4];  /* DR0-DR3 */
extern uint64_t sim_cr[5];  /* CR0-CR4 */
extern struct cpu *sim_cpu; /* this_cpu() */

#define SIM_TICKS_A_LOOK 100

#endif
