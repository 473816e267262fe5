/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tiny machine to test the emulator's CPU with: no firmware, one guest, one VMCB. */
#ifndef ROM_H
#define ROM_H

#include <stddef.h>
#include <stdint.h>

#define PAGE __attribute__((aligned(4096)))

/* Where control-area and save-area fields are (24593 rev 3.44, "VMCB Layout"). */
enum {
	V_EXCEPTIONS = 0x008,
	V_WORD3 = 0x00c,
	V_WORD4 = 0x010,
	V_IOPM = 0x040,
	V_MSRPM = 0x048,
	V_TSC_OFFSET = 0x050,
	V_ASID = 0x058,
	V_TLB = 0x05c,
	V_INT_CTL = 0x060,
	V_VECTOR = 0x064,
	V_SHADOW = 0x068,
	V_EXITCODE = 0x070,
	V_INFO1 = 0x078,
	V_INFO2 = 0x080,
	V_EXITINT = 0x088,
	V_NP = 0x090,
	V_EVENTINJ = 0x0a8,
	V_NCR3 = 0x0b0,
	V_CLEAN = 0x0c0,
	V_NRIP = 0x0c8,
	V_INSN = 0x0d0,
	V_ES = 0x400,
	V_CS = 0x410,
	V_SS = 0x420,
	V_DS = 0x430,
	V_GDTR = 0x460,
	V_IDTR = 0x480,
	V_CPL = 0x4cb,
	V_EFER = 0x4d0,
	V_CR4 = 0x548,
	V_CR3 = 0x550,
	V_CR0 = 0x558,
	V_DR7 = 0x560,
	V_DR6 = 0x568,
	V_RFLAGS = 0x570,
	V_RIP = 0x578,
	V_RSP = 0x5d8,
	V_RAX = 0x5f8,
	V_G_PAT = 0x668,
};

enum {
	X_READ_CR0 = 0,
	X_INTR = 0x60,
	X_INIT = 0x63,
	X_CPUID = 0x72,
	X_HLT = 0x78,
	X_IOIO = 0x7b,
	X_MSR = 0x7c,
	X_VMMCALL = 0x81,
	X_NPF = 0x400
};
#define X_INVALID (~0ull)

extern uint8_t vmcb[4096];
extern uint64_t nested_pd[2048]; /* 4 GiB in pages of 2 MiB */

static inline uint64_t get(unsigned offset)
{
	return *(volatile uint64_t *)(vmcb + offset);
}
static inline void put(unsigned offset, uint64_t v)
{
	*(volatile uint64_t *)(vmcb + offset) = v;
}
static inline uint32_t get32(unsigned offset)
{
	return *(volatile uint32_t *)(vmcb + offset);
}
static inline void put32(unsigned offset, uint32_t v)
{
	*(volatile uint32_t *)(vmcb + offset) = v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

void say(const char *text);
void check_eq(const char *what, uint64_t got, uint64_t wanted);
/* A conformance case, by where it stands (tests/conformance/generate.py makes the table). */
void say_case(const char *status, const char *area, const char *file, const char *function,
	const char *document, const char *section, const char *what);
#define CASE(doc, section, what) say_case("stated", AREA, __FILE__, __func__, doc, section, what)
#define ASSUMED(doc, section, what)                                                                \
	say_case("assumed", AREA, __FILE__, __func__, doc, section, what)

/* The next strict report must contain this text; the test's runner compares. */
void expect_strict(const char *text);

/* A guest that starts at entry; everything else as a fresh long-mode guest. */
void guest_reset(void (*entry)(void));
uint64_t guest_run(void); /* one VMRUN with host interrupts on; EXITCODE */

void on_second_cpu(void (*task)(void)); /* runs it there, once, and waits */

struct idt_gate {
	uint64_t lo, hi;
};
void idt_set(struct idt_gate *idt, unsigned vector, void (*handler)(void));
extern struct idt_gate guest_idt[256], host_idt[256];

void test_exits(void);
void test_events(void);
void test_clean(void);
void test_init(void);
void test_npt(void);
void test_state(void);
void test_tlb(void);
void test_checks(void);
void test_faults(void);
void test_mended(void);

#endif
