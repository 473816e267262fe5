/* SPDX-License-Identifier: MIT */
/* Seam 4 of 4, host side: instructions of a simulated CPU. */
#ifndef HW_CPU_H
#define HW_CPU_H

#include "sim.h"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid hw_cpuid(uint32_t leaf, uint32_t subleaf)
{
	uint32_t out[4];

	sim_cpuid(leaf, subleaf, out);
	return (struct cpuid){ out[0], out[1], out[2], out[3] };
}

static inline uint64_t hw_rdmsr(uint32_t msr)
{
	sim_point();
	return sim_rdmsr(msr);
}

static inline void hw_wrmsr(uint32_t msr, uint64_t v)
{
	sim_point();
	sim_wrmsr(msr, v);
}

#define HOST_PORT(bits)                                                                            \
	static inline uint##bits##_t hw_in##bits(uint16_t port)                                    \
	{                                                                                          \
		return (uint##bits##_t)sim_in(port, bits / 8);                                     \
	}                                                                                          \
	static inline void hw_out##bits(uint16_t port, uint##bits##_t v)                           \
	{                                                                                          \
		sim_out(port, bits / 8, v);                                                        \
	}

HOST_PORT(8)
HOST_PORT(16)
HOST_PORT(32)

static inline uint64_t cpu_ticks(void)
{
	return sim_ticks();
}

static inline void cpu_pause(void)
{
	sim_point();
}

static inline void cpu_sleep(void)
{
	sim_point();
	sim_sleep();
}

static inline void cpu_take_interrupts(void)
{
	sim_point();
	sim_take_interrupts();
}

static inline struct cpu *this_cpu(void)
{
	return sim_cpu;
}

static inline void hw_vmsave(phys_t area)
{
	sim_vmsave(area.v);
}

struct guest_regs;
void svm_run(phys_t guest, struct guest_regs *regs, phys_t host);

static inline void hw_run_guest(phys_t guest, struct guest_regs *regs, phys_t host)
{
	svm_run(guest, regs, host);
}

static inline void hw_xsetbv(uint32_t index, uint64_t v)
{
	sim_xsetbv(index, v);
}

static inline void hw_xsave(void *area, uint64_t components)
{
	sim_fpu_save(area, components);
}

static inline void hw_xrstor(const void *area, uint64_t components)
{
	sim_fpu_load(area, components);
}

static inline void hw_fxsave(void *area)
{
	sim_fpu_save(area, 0);
}

static inline void hw_fxrstor(const void *area)
{
	sim_fpu_load(area, 0);
}

static inline void hw_read_breakpoints(uint64_t dr[4])
{
	for (int i = 0; i < 4; i++)
		dr[i] = sim_dr[i];
}

static inline void hw_write_breakpoints(const uint64_t dr[4])
{
	for (int i = 0; i < 4; i++)
		sim_dr[i] = dr[i];
}

struct hw_table_pointer {
	uint16_t last_byte;
	uint64_t base;
} __attribute__((packed));

#define HOST_CONTROL_REGISTER(n)                                                                   \
	static inline uint64_t hw_read_cr##n(void)                                                 \
	{                                                                                          \
		return sim_cr[n];                                                                  \
	}                                                                                          \
	static inline void hw_write_cr##n(uint64_t v)                                              \
	{                                                                                          \
		sim_cr[n] = v;                                                                     \
	}

HOST_CONTROL_REGISTER(0)
HOST_CONTROL_REGISTER(2)
HOST_CONTROL_REGISTER(3)
HOST_CONTROL_REGISTER(4)

static inline void hw_load_gdt(
	const struct hw_table_pointer *gdt, uint16_t code, uint16_t data, uint16_t task)
{
	sim_load_gdt(gdt->base, gdt->last_byte, code, data, task);
}

static inline void hw_invlpg(const void *page)
{
	sim_invlpg(page);
}

static inline void hw_load_idt(const struct hw_table_pointer *idt)
{
	sim_load_idt(idt->base, idt->last_byte);
}

static inline _Noreturn void hw_stop(void)
{
	sim_stop();
}

static inline void hw_doorbell(apicid_t target)
{
	sim_point();
	sim_doorbell(target);
}

#endif
