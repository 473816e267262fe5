/* SPDX-License-Identifier: MIT */
/* Seam 4 of 4: instructions of this CPU. */
#ifndef HW_CPU_H
#define HW_CPU_H

#include "base/types.h"

struct cpu;

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid hw_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t hw_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void hw_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint8_t hw_in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t hw_in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t hw_in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void hw_out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline void hw_out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static inline void hw_out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

/* Time stamp counter: ticks; drivers/clock.h converts. */
static inline uint64_t cpu_ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void cpu_pause(void)
{
	__builtin_ia32_pause();
}

/* Interrupt entry (vmm/vectors.asm) saves no registers: it only happens inside the two functions
 * below, and they leave to the compiler what has to be saved. */
#define HW_INTERRUPT_CLOBBERS                                                                      \
	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory"

/* [model pcpu:sleep] Sleeps until an interrupt, and takes it. Interrupts are off before and
 * after. The STI shadow covers HLT, so nothing can slip between the caller's last look and the
 * sleep. */
static inline void cpu_sleep(void)
{
	__asm__ volatile("sti; hlt; cli" ::: HW_INTERRUPT_CLOBBERS);
}

/* Takes what is pending and goes on. NOP ends the STI shadow. */
static inline void cpu_take_interrupts(void)
{
	__asm__ volatile("sti; nop; cli" ::: HW_INTERRUPT_CLOBBERS);
}

/* The CPU this runs on. Only entry points call it; logic takes a struct cpu *. */
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}

/* FS, GS, TR, LDTR, KernelGsBase and the SYSCALL and SYSENTER MSRs of this CPU into the area. */
static inline void hw_vmsave(phys_t area)
{
	__asm__ volatile("vmsave %0" ::"a"(area.v) : "memory");
}

struct guest_regs;

/* svm/vmrun.asm: VMRUN until the next #VMEXIT. RBX and RBP are kept, for
 * the CPU and the vCPU; what else must be is left to the compiler. */
static inline void hw_run_guest(phys_t guest, struct guest_regs *regs, phys_t host)
{
	__asm__ volatile("call svm_run"
			 : "+a"(guest.v), "+S"(regs), "+d"(host.v)
			 :
			 : "rcx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
			 "memory");
}

static inline void hw_xsetbv(uint32_t index, uint64_t v)
{
	__asm__ volatile("xsetbv" ::"c"(index), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline void hw_xsave(void *area, uint64_t components)
{
	__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((uint32_t)components),
			 "d"((uint32_t)(components >> 32))
			 : "memory");
}

static inline void hw_xrstor(const void *area, uint64_t components)
{
	__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((uint32_t)components),
			 "d"((uint32_t)(components >> 32))
			 : "memory");
}

static inline void hw_fxsave(void *area)
{
	__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static inline void hw_fxrstor(const void *area)
{
	__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

/* DR0-DR3. */
static inline void hw_read_breakpoints(uint64_t dr[4])
{
	__asm__ volatile("mov %%dr0, %0" : "=r"(dr[0]));
	__asm__ volatile("mov %%dr1, %0" : "=r"(dr[1]));
	__asm__ volatile("mov %%dr2, %0" : "=r"(dr[2]));
	__asm__ volatile("mov %%dr3, %0" : "=r"(dr[3]));
}

static inline void hw_write_breakpoints(const uint64_t dr[4])
{
	__asm__ volatile("mov %0, %%dr0" ::"r"(dr[0]));
	__asm__ volatile("mov %0, %%dr1" ::"r"(dr[1]));
	__asm__ volatile("mov %0, %%dr2" ::"r"(dr[2]));
	__asm__ volatile("mov %0, %%dr3" ::"r"(dr[3]));
}

/* AVIC_DOORBELL (24593 rev 3.44, "AVIC Doorbell"): the core with this host APIC ID looks at
 * its vAPIC page again, if it is in guest mode. Not serialising: the IRR must have been
 * written by a locked operation before. */
static inline void hw_doorbell(apicid_t target)
{
	hw_wrmsr(0xc001011b, target);
}

/* Control registers, descriptor tables: bring-up only (vmm/cpu_arch.c, vmm/smp.c). */
#define HW_CONTROL_REGISTER(n)                                                                     \
	static inline uint64_t hw_read_cr##n(void)                                                 \
	{                                                                                          \
		uint64_t v;                                                                        \
                                                                                                   \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline void hw_write_cr##n(uint64_t v)                                              \
	{                                                                                          \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory");                           \
	}

HW_CONTROL_REGISTER(0)
HW_CONTROL_REGISTER(2)
HW_CONTROL_REGISTER(3)
HW_CONTROL_REGISTER(4)

struct hw_table_pointer {
	uint16_t last_byte;
	uint64_t base;
} __attribute__((packed));

/* Loads the GDT and reloads every segment register from it. */
static inline void hw_load_gdt(
	const struct hw_table_pointer *gdt, uint16_t code, uint16_t data, uint16_t task)
{
	uint64_t selector = code;

	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\t"
			 "lea 1f(%%rip), %1\n\t"
			 "push %1\n\t"
			 "lretq\n"
			 "1:\tmov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 "lldt %w3\n\t"
			 "ltr %w4"
			 : "+m"(*(struct hw_table_pointer *)gdt), "+r"(selector)
			 : "r"((uint32_t)data), "r"(0), "r"((uint32_t)task)
			 : "memory");
}

static inline void hw_load_idt(const struct hw_table_pointer *idt)
{
	__asm__ volatile("lidt %0" ::"m"(*idt));
}

static inline void hw_invlpg(const void *page)
{
	__asm__ volatile("invlpg (%0)" ::"r"(page) : "memory");
}

/* This CPU is done, until reset. */
static inline _Noreturn void hw_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

#endif
