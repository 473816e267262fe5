/* SPDX-License-Identifier: MIT */
/* What the programs of the built-in guest share: console, hypercalls, waiting. */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_info.h"
#include "hypercall.h"

#define GUEST_VCPUS 128

static inline const struct guest_info *guest_info(void)
{
	return (const struct guest_info *)(uintptr_t)GUEST_INFO_GPA;
}

/* Function and result in RAX (vmm/hypercall.h). A hypervisor whose VMMCALL is its own takes an OUT
 * instead, with the same registers. */
static inline int64_t hypercall(
	uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx, uint64_t rsi)
{
	if (guest_info()->hypercall_by_port)
		__asm__ volatile(
			"out %%eax, %[port]"
			: "+a"(rax)
			: [port] "i"(GUEST_HYPERCALL_PORT), "b"(rbx), "c"(rcx), "d"(rdx), "S"(rsi)
			: "memory");
	else
		__asm__ volatile("vmmcall"
				 : "+a"(rax)
				 : "b"(rbx), "c"(rcx), "d"(rdx), "S"(rsi)
				 : "memory");
	return (int64_t)rax;
}

/* PAUSE in every loop that waits for another CPU: under an emulator that runs the CPUs in turn it
 * is what lets the other one run. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

static inline uint64_t read_tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

/* Interrupts must be off; on afterwards. Nothing is taken between STI and HLT. */
static inline void irq_enable_and_halt(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}

/* %s %u %x (both 64 bits with l). At most 512 bytes go out. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "TEST name: ok" or "TEST name: FAIL ..." is what the integration tests look for. */
_Noreturn void test_end(const char *name, bool ok);
_Noreturn void vcpu_park_forever(void);

/* Waits until done(argument), or *word == value; gives up after some seconds (false). */
bool wait_until(bool (*done)(uint64_t argument), uint64_t argument);
bool wait_for(const volatile uint64_t *word, uint64_t value);
void pause_times(unsigned n);

/* The value of KEY= in the arguments, or fallback. */
uint64_t args_number(const char *key, uint64_t fallback);
/* Is the first word of the arguments this one? */
bool args_program(const char *name);
/* Does the argument KEY=text name this text? True as well when KEY is absent. */
bool args_selects(const char *key, const char *text);

/* Programs; each runs on every vCPU. */
void program_hello(uint32_t index);
void program_irq(uint32_t index);
void program_halt(uint32_t index);
void program_ipi(uint32_t index);
void program_apic_modes(uint32_t index);
void program_tpr(uint32_t index);
void program_timer(uint32_t index);
void program_migrate(uint32_t index);
void program_switch(uint32_t index);
void program_dma(uint32_t index);
void program_bad_msr(uint32_t index);
void program_triple_fault(uint32_t index);
void program_touch_memory(uint32_t index);
void program_touch_mmio(uint32_t index);
void program_bench(uint32_t index);
void program_exits(uint32_t index);
void program_fpu(uint32_t index);
void program_echo(uint32_t index);
void program_level(uint32_t index);
void program_intx(uint32_t index);
void program_soak(uint32_t index);
void program_soak_victim(uint32_t index);
void program_pci(uint32_t index);
void program_scrub(uint32_t index);
void program_wreck(uint32_t index);
void program_high(uint32_t index);
void program_greedy(uint32_t index);
void program_asleep(uint32_t index);
void program_latency(uint32_t index);
void program_share(uint32_t index);
void program_scan(uint32_t index);
void program_foreign(uint32_t index);
void program_startup_storm(uint32_t index);
void program_neighbour(uint32_t index);
void program_storm(uint32_t index);
void program_bystander(uint32_t index);
void program_forge(uint32_t index);
void program_copies(uint32_t index);

#endif
