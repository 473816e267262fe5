/* SPDX-License-Identifier: MIT */
#include "apic.h"
#include "guest.h"
#include "trap.h"

#define MSR_GS_BASE     0xc0000101
#define EXCEPTIONS      32
#define STUB_BYTES      16
#define GATE_INTERRUPT  0x8e00
#define CODE_SELECTOR   8
#define VECTOR_GP       13
#define VECTOR_NMI      2
#define VECTOR_SPURIOUS 0xff

struct gate {
	uint16_t offset_15_0, selector, attributes, offset_31_16;
	uint32_t offset_63_32, reserved;
};

struct __attribute__((packed)) table_pointer {
	uint16_t limit;
	const void *base;
};

extern char trap_stubs[], probe_at_rdmsr[], probe_at_wrmsr[], probe_failed[];
void trap_entry(struct trap_frame *f);

static struct gate idt[256];
static volatile uint32_t idt_ready;
static interrupt_handler *handlers[256];

/* GS base is not an address here but the index itself: nothing is ever read through it. */
static void set_index(uint32_t index)
{
	__asm__ volatile("wrmsr" ::"c"(MSR_GS_BASE), "a"(index), "d"(0));
}

uint32_t vcpu_index(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_GS_BASE));
	return lo;
}

void trap_init(uint32_t index)
{
	struct table_pointer pointer = { sizeof(idt) - 1, idt };

	for (uint32_t v = 0; index == 0 && v < 256; v++) {
		uint64_t entry = (uintptr_t)trap_stubs + v * STUB_BYTES;

		idt[v] = (struct gate){ .offset_15_0 = (uint16_t)entry,
			.selector = CODE_SELECTOR,
			.attributes = GATE_INTERRUPT,
			.offset_31_16 = (uint16_t)(entry >> 16),
			.offset_63_32 = (uint32_t)(entry >> 32) };
	}
	if (index == 0)
		idt_ready = 1;
	while (!idt_ready)
		cpu_relax();
	__asm__ volatile("lidt %0" ::"m"(pointer));
	set_index(index);
	apic_init();
}

void trap_handler(uint8_t vector, interrupt_handler *handler)
{
	handlers[vector] = handler;
}

static _Noreturn void trap_exception(const struct trap_frame *f)
{
	uint64_t cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	print("guest: vCPU %u: exception %lu error %lx rip %lx cr2 %lx\n", vcpu_index(), f->vector,
		f->error, f->rip, cr2);
	test_end("exception", false);
}

void trap_entry(struct trap_frame *f)
{
	interrupt_handler *handler = handlers[f->vector];

	if (f->vector == VECTOR_GP &&
		(f->rip == (uintptr_t)probe_at_rdmsr || f->rip == (uintptr_t)probe_at_wrmsr)) {
		f->rip = (uintptr_t)probe_failed;
		return;
	}
	if (!handler && f->vector < EXCEPTIONS)
		trap_exception(f);
	if (handler)
		handler(vcpu_index(), (uint8_t)f->vector);
	else if (f->vector != VECTOR_SPURIOUS)
		print("guest: vCPU %u: stray vector %lx\n", vcpu_index(), f->vector);
	if (f->vector >= EXCEPTIONS && f->vector != VECTOR_SPURIOUS)
		apic_eoi();
}
