/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor of one page of code that tries AVIC on the machine it runs on: two CPUs,
 * two vCPUs, guest and host in one image, everything mapped one to one. It knows nothing
 * of Reveille: it is the emulator's test, and would run on a real box.
 */
#ifndef SMOKE_H
#define SMOKE_H

#include <stdbool.h>
#include <stdint.h>

#define APIC    0xfee00000u
#define CPUS    2
#define VCPUS   3     /* 0 on the first CPU, the others on the second */
#define HLT     0x78u /* exit codes */
#define VMMCALL 0x81u

struct vcpu {
	uint8_t vmcb[4096];
	uint8_t page[4096]; /* backing page */
	uint8_t stack[8192];
	uint64_t gprs[16];
	unsigned id;
	volatile bool running; /* on the second CPU */
	volatile bool woken;   /* by the sender's exit 401h */
	unsigned blocks;
	void (*volatile entry)(void);
} __attribute__((aligned(4096)));

extern struct vcpu vcpus[VCPUS];
extern uint64_t physical_table[512];
extern uint32_t logical_table[1024];
extern bool guest_x2;
extern volatile unsigned counts[VCPUS][256]; /* interrupts that the guests took */
extern volatile bool no_eoi;                 /* guest_interrupt() leaves the ISR alone */
extern volatile uint32_t host_apicid[CPUS];

/* host.c */
void print(const char *s);
void print_hex(uint64_t value);
void check(bool ok, const char *what);
/* A conformance case, by where it stands (tests/conformance/generate.py makes the table). */
void say_case(const char *status, const char *area, const char *file, const char *function,
	const char *section, const char *what);
#define CASE(section, what)    say_case("stated", AREA, __FILE__, __func__, section, what)
#define ASSUMED(section, what) say_case("assumed", AREA, __FILE__, __func__, section, what)
/* The next report of the emulator's strict mode must have this text; run.sh compares. */
void expect_strict(const char *text);
void setup(struct vcpu *v, void (*entry)(void));
uint64_t run(struct vcpu *v); /* one VMRUN; returns the exit code */
/* Until its VMMCALL, on the other CPU. */
void start_on_second(struct vcpu *v, void (*entry)(void));
void run_on_second(void (*entry)(void)); /* vCPU 1 */
void wait_second(void);
void set_running(unsigned index, unsigned n, bool running);
void post(struct vcpu *v, unsigned vector);
void doorbell(uint32_t apicid);
bool page_bit(const struct vcpu *v, unsigned base, unsigned vector);
void npt_deny(uint64_t page, bool deny);

/* tests.c */
void tests(void);
/* One VMRUN of vCPU 0 must end so; steps over a VMMCALL. */
void expect_exit(uint64_t code, uint64_t info1, uint64_t info2, const char *what);

/* reg_tests.c */
void registers(void);

/* ipi_tests.c */
void ipi_ways(void);
void doorbell_held(void);

/* icr_tests.c */
void icr_types(void);
void icr_vectors(void);
void icr_bad_page(void);
void icr_limits(void);
void icr_logical_unknown(void);

/* vmrun_tests.c */
void vmrun_checks(void);

/* state_tests.c */
void doorbell_other(void);
void doorbell_gif(void);
void interrupt_shadow(void);
void eoi_order(void);
void priorities(void);
void priorities_of_guest(void);

/* smp_tests.c */
void doorbell_wakes_busy(void);
void doorbell_wakes_halted(void);
void ping_pong(void);
void block_and_wake(void);

static inline uint64_t *field64(struct vcpu *v, unsigned offset)
{
	return (uint64_t *)(v->vmcb + offset);
}

static inline uint32_t page_get(const struct vcpu *v, unsigned offset)
{
	return *(volatile uint32_t *)(v->page + offset);
}

static inline void page_set(struct vcpu *v, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(v->page + offset) = value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline void mmio_write(uint32_t offset, uint32_t value)
{
	__asm__ volatile("movl %1, %0"
			 : "=m"(*(volatile uint32_t *)(uintptr_t)(APIC + offset))
			 : "r"(value)
			 : "memory");
}

static inline uint32_t mmio_read(uint32_t offset)
{
	uint32_t value;

	__asm__ volatile("movl %1, %0"
			 : "=r"(value)
			 : "m"(*(volatile uint32_t *)(uintptr_t)(APIC + offset)));
	return value;
}

/* The APIC of whoever calls: a guest's own registers by the interface of this run. */
static inline void apic_write(uint32_t offset, uint64_t value)
{
	if (guest_x2) {
		wrmsr(0x800 + (offset >> 4), value);
		return;
	}
	if (offset == 0x300)
		mmio_write(0x310, (uint32_t)(value >> 32) << 24);
	mmio_write(offset, (uint32_t)value);
}

static inline uint32_t apic_read(uint32_t offset)
{
	return guest_x2 ? (uint32_t)rdmsr(0x800 + (offset >> 4)) : mmio_read(offset);
}

static inline void pause(void)
{
	__asm__ volatile("pause");
}

static inline void vmmcall(void)
{
	__asm__ volatile("vmmcall" ::: "memory");
}

#endif
