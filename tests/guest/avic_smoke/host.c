/* SPDX-License-Identifier: MIT */
/* The machine's side: serial line, second CPU, VMCBs, tables, one VMRUN. */
#include "smoke.h"

extern char ap_start[], ap_end[], guest_stubs[], host_stubs[], pml4[];
void enter_guest(uint64_t vmcb, uint64_t *gprs);

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, zero;
};

struct vcpu vcpus[VCPUS];
uint64_t physical_table[512] __attribute__((aligned(4096)));
uint32_t logical_table[1024] __attribute__((aligned(4096)));
bool guest_x2;
volatile unsigned counts[VCPUS][256];
volatile bool no_eoi;
volatile uint32_t host_apicid[CPUS];

static struct gate guest_idt[256], host_idt[256];
static uint8_t hsave[CPUS][4096] __attribute__((aligned(4096)));
static uint8_t iopm[3 * 4096] __attribute__((aligned(4096)));
static uint8_t msrpm[2 * 4096] __attribute__((aligned(4096)));
static uint64_t npt[6][512] __attribute__((aligned(4096)));
static uint64_t npt_low[512] __attribute__((aligned(4096))); /* one 2 MB page, split */
static volatile bool ap_up;
static unsigned passed, failed;

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void print(const char *s)
{
	for (; *s; s++) {
		while (!(inb(0x3f8 + 5) & 0x20))
			pause();
		outb(0x3f8, *s);
	}
}

void print_hex(uint64_t value)
{
	char text[19] = "0x";

	for (int i = 0; i < 16; i++)
		text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
	print(text);
}

void check(bool ok, const char *what)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	print("FAILED: ");
	print(what);
	print("\n");
}

void expect_strict(const char *text)
{
	print("EXPECT ");
	print(text);
	print("\n");
}

void say_case(const char *status, const char *area, const char *file, const char *function,
	const char *section, const char *what)
{
	print("case\t");
	print(status);
	print("\t");
	print(area);
	print("\t");
	print(file);
	print(":");
	print(function);
	print("\t24593\t");
	print(section);
	print(guest_x2 ? "\tx2AVIC: " : "\txAVIC: ");
	print(what);
	print("\n");
}

void host_trap(uint64_t vector, uint64_t a, uint64_t b)
{
	print("FAILED: host exception ");
	print_hex(vector);
	print_hex(a);
	print_hex(b);
	print("\n");
	outb(0xf4, 1);
	for (;;)
		__asm__ volatile("hlt");
}

/* In the guest; exceptions are intercepted and do not come here. */
void guest_interrupt(uint64_t vector)
{
	unsigned id = guest_x2 ? apic_read(0x20) : apic_read(0x20) >> 24;

	counts[id][vector]++;
	if (!no_eoi)
		apic_write(0xb0, 0);
}

static void fill_idt(struct gate *idt, char *stubs)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t at = (uint64_t)stubs + 16 * i;

		idt[i] = (struct gate){ at, 8, 0, 0x8e, at >> 16, at >> 32, 0 };
	}
}

static void load_idt(struct gate *idt)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(host_idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" ::"m"(idtr));
}

static void start_cpu(unsigned n)
{
	load_idt(host_idt);
	wrmsr(0xc0010117, (uint64_t)hsave[n]);
	host_apicid[n] = mmio_read(0x20) >> 24;
}

/* One to one below 4 GB; the 2 MB that hold this image in pages of 4 KB. */
static void fill_npt(void)
{
	npt[0][0] = (uint64_t)npt[1] | 7;
	for (unsigned i = 0; i < 4; i++)
		npt[1][i] = (uint64_t)npt[2 + i] | 7;
	for (unsigned i = 0; i < 2048; i++)
		npt[2 + i / 512][i % 512] = (uint64_t)i << 21 | 0x87;
	for (unsigned i = 0; i < 512; i++)
		npt_low[i] = (uint64_t)i << 12 | 7;
	npt[2][0] = (uint64_t)npt_low | 7;
}

void npt_deny(uint64_t page, bool deny)
{
	npt_low[page >> 12] = deny ? 0 : (page & ~0xfffull) | 7;
}

static void segment(struct vcpu *v, unsigned offset, uint16_t selector, uint16_t attributes)
{
	*(uint16_t *)(v->vmcb + 0x400 + offset) = selector;
	*(uint16_t *)(v->vmcb + 0x402 + offset) = attributes;
	*(uint32_t *)(v->vmcb + 0x404 + offset) = 0xffffffff;
}

static uint64_t read_cr(unsigned n)
{
	uint64_t value;

	if (n == 0)
		__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	else if (n == 3)
		__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	else
		__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void setup_avic(struct vcpu *v)
{
	*field64(v, 0x60) = 0x81000000ull | (guest_x2 ? 0x40000000ull : 0);
	*field64(v, 0x98) = guest_x2 ? 0 : APIC;
	*field64(v, 0xe0) = (uint64_t)v->page;
	*field64(v, 0xf0) = guest_x2 ? 0 : (uint64_t)logical_table;
	*field64(v, 0xf8) = (uint64_t)physical_table | (guest_x2 ? 511 : 254);
	page_set(v, 0x20, guest_x2 ? v->id : v->id << 24);
	page_set(v, 0x30, 0x80050010);
	page_set(v, 0xe0, 0xffffffff);
}

void setup(struct vcpu *v, void (*entry)(void))
{
	__builtin_memset(v->vmcb, 0, sizeof(v->vmcb));
	__builtin_memset(v->page, 0, sizeof(v->page));
	__builtin_memset(v->gprs, 0, sizeof(v->gprs));
	v->id = v - vcpus;
	for (unsigned i = 0; i < 256; i++)
		counts[v->id][i] = 0;
	*(uint32_t *)(v->vmcb + 0x08) = 0xffffffff; /* all exceptions */
	*(uint32_t *)(v->vmcb + 0x0c) = 0x90000001; /* INTR, MSR, SHUTDOWN */
	*(uint32_t *)(v->vmcb + 0x10) = 0x00000003; /* VMRUN, VMMCALL */
	*field64(v, 0x40) = (uint64_t)iopm;
	*field64(v, 0x48) = (uint64_t)msrpm;
	*(uint32_t *)(v->vmcb + 0x58) = 1 + v->id;
	v->vmcb[0x5c] = 1; /* flush: everything, always */
	*field64(v, 0x90) = 1;
	*field64(v, 0xb0) = (uint64_t)npt[0];
	setup_avic(v);
	segment(v, 0x00, 16, 0xc93);
	segment(v, 0x10, 8, 0xa9b);
	segment(v, 0x20, 16, 0xc93);
	segment(v, 0x30, 16, 0xc93);
	*(uint32_t *)(v->vmcb + 0x484) = sizeof(guest_idt) - 1;
	*field64(v, 0x488) = (uint64_t)guest_idt;
	__asm__ volatile("sgdt %0" : "=m"(*(char(*)[10])(v->vmcb + 0x3f0)));
	*(uint32_t *)(v->vmcb + 0x464) = *(uint16_t *)(v->vmcb + 0x3f0);
	*field64(v, 0x468) = *(uint64_t *)(v->vmcb + 0x3f2);
	*field64(v, 0x4d0) = rdmsr(0xc0000080);
	*field64(v, 0x548) = read_cr(4);
	*field64(v, 0x550) = read_cr(3);
	*field64(v, 0x558) = read_cr(0);
	*field64(v, 0x560) = 0x400;
	*field64(v, 0x568) = 0xffff0ff0;
	*field64(v, 0x570) = 2;
	*field64(v, 0x578) = (uint64_t)entry;
	*field64(v, 0x5d8) = (uint64_t)v->stack + sizeof(v->stack) - 8;
	*field64(v, 0x668) = 0x0007040600070406ull;
}

uint64_t run(struct vcpu *v)
{
	enter_guest((uint64_t)v->vmcb, v->gprs);
	return *field64(v, 0x70);
}

/*
 * The vCPU waits in the host: IsRunning off, a fence, one last look at the IRR; from then
 * on the sender's exit 401h is what wakes it. A wake-up may be left from the last time.
 */
static void block(struct vcpu *v)
{
	bool any = false;

	set_running(v->id, v->id, false);
	for (unsigned i = 0; i < 8; i++)
		any |= page_get(v, 0x200 + 16 * i) != 0;
	while (!any && !v->woken)
		pause();
	v->woken = false;
	v->blocks++;
	set_running(v->id, v->id, true);
	*field64(v, 0x578) += 1;
	*field64(v, 0x68) = 0; /* the shadow of STI ends with the HLT */
}

static void run_second(struct vcpu *v)
{
	uint64_t code = run(v);

	if (code == HLT) {
		block(v);
		return;
	}
	check(code == VMMCALL, "second CPU: exit is VMMCALL");
	if (code != VMMCALL)
		print_hex(code);
	v->running = false;
}

void ap_main(void)
{
	start_cpu(1);
	ap_up = true;
	for (;;) {
		for (unsigned n = 1; n < VCPUS; n++)
			if (vcpus[n].running)
				run_second(&vcpus[n]);
		pause();
	}
}

void start_on_second(struct vcpu *v, void (*entry)(void))
{
	setup(v, entry);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	v->running = true;
}

void run_on_second(void (*entry)(void))
{
	start_on_second(&vcpus[1], entry);
}

void wait_second(void)
{
	for (unsigned n = 1; n < VCPUS; n++)
		while (vcpus[n].running)
			pause();
}

void set_running(unsigned index, unsigned n, bool running)
{
	__atomic_store_n(&physical_table[index],
		1ull << 63 | (running ? 1ull << 62 : 0) | (uint64_t)vcpus[n].page |
			host_apicid[n ? 1 : 0],
		__ATOMIC_SEQ_CST);
}

void post(struct vcpu *v, unsigned vector)
{
	__atomic_fetch_or((uint32_t *)(v->page + 0x200 + vector / 32 * 16), 1u << vector % 32,
		__ATOMIC_SEQ_CST);
}

void doorbell(uint32_t apicid)
{
	wrmsr(0xc001011b, apicid);
}

bool page_bit(const struct vcpu *v, unsigned base, unsigned vector)
{
	return page_get(v, base + vector / 32 * 16) >> vector % 32 & 1;
}

static void start_second_cpu(void)
{
	for (char *s = ap_start, *d = (char *)0x8000; s < ap_end; s++, d++)
		*(volatile char *)d = *s;
	mmio_write(0x310, 0);
	mmio_write(0x300, 0x000c4500);
	for (volatile int i = 0; i < 200000; i++)
		;
	mmio_write(0x300, 0x000c4608);
	while (!ap_up)
		pause();
}

void main(void)
{
	fill_idt(host_idt, host_stubs);
	fill_idt(guest_idt, guest_stubs);
	fill_npt();
	mmio_write(0xf0, 0x1ff);
	start_cpu(0);
	start_second_cpu();
	for (int x2 = 0; x2 < 2; x2++) {
		guest_x2 = x2;
		print(x2 ? "x2AVIC\n" : "AVIC\n");
		tests();
	}
	print(failed ? "SMOKE FAILED\n" : "SMOKE PASSED\n");
	outb(0xf4, failed ? 1 : 0);
	for (;;)
		__asm__ volatile("hlt");
}
