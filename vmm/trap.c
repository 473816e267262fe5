/* SPDX-License-Identifier: MIT */
#include "trap.h"
#include "assign.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "drivers/lapic.h"
#include "events.h"
#include "guest/vhpet.h"
#include "intx.h"
#include "panic.h"
#include "place.h"
#include "sched.h"
#include "vectors.h"
#include "wake.h"
#include <base/count.h>
#include <hw/cpu.h>
#include <trace.h>

enum { EXCEPTION_NMI = 2, EXCEPTION_DOUBLE_FAULT = 8, EXCEPTION_MACHINE_CHECK = 18 };

/* 24593 rev 3.44, "Interrupt-Gate and Trap-Gate Descriptors" in long mode. */
struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "24593, long mode gate descriptor");

#define DYNAMIC_COUNT (VEC_DYNAMIC_LAST - VEC_DYNAMIC_FIRST + 1u)

#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts stay off */

extern const uint64_t trap_vectors[256]; /* vectors.asm */

static struct gate idt[256]; /* the same on all CPUs; written by the boot CPU */

static void set_gate(unsigned vector, uint8_t ist)
{
	uint64_t to = trap_vectors[vector];

	idt[vector] = (struct gate){ .offset_low = (uint16_t)to,
		.selector = SELECTOR_CODE,
		.ist = ist,
		.type = GATE_INTERRUPT,
		.offset_middle = (uint16_t)(to >> 16),
		.offset_high = (uint32_t)(to >> 32) };
}

void trap_init_cpu(void)
{
	const struct hw_table_pointer pointer = { sizeof(idt) - 1, (uint64_t)idt };

	if (!idt[0].type) {
		for (unsigned v = 0; v < 256; v++)
			set_gate(v, 0);
		set_gate(EXCEPTION_NMI, IST_NMI);
		set_gate(EXCEPTION_DOUBLE_FAULT, IST_DOUBLE_FAULT);
		set_gate(EXCEPTION_MACHINE_CHECK, IST_MACHINE_CHECK);
	}
	hw_load_idt(&pointer);
}

/* A vector that the allocator hands out: its owner says who is meant. */
static inline void dynamic_interrupt(struct cpu *cpu, const struct vector_use *use)
{
	/* A GAPPI vector of its own is the vCPU: nothing is looked up. */
	if (__builtin_expect(use->kind == VECTOR_GAPPI, 1))
		wake_from_gappi_own(cpu, use->owner);
	else if (use->kind == VECTOR_DEVICE)
		assign_host_interrupt(cpu, use->owner);
	else if (use->kind == VECTOR_LINE)
		intx_interrupt(cpu, use->owner);
	else if (use->kind == VECTOR_HPET)
		vhpet_interrupt(cpu, use->owner);
	else
		cpu->stale_interrupts++;
}

static __attribute__((noinline)) void fixed_interrupt(struct cpu *cpu, uint32_t vector)
{
	lapic_eoi();
	switch (vector) {
	case VEC_KICK:
		sched_inbox(cpu);
		break;
	case VEC_TIMER:
		sched_tick(cpu);
		break;
	case VEC_GAPPI_SHARED:
		wake_from_gappi_shared(cpu);
		break;
	case VEC_IOMMU_EVENT:
		iommu_report_events(cpu);
		break;
	case VEC_GALOG_MOVE:
		place_obey(cpu);
		break;
	default:
		cpu->stale_interrupts++;
	}
}

/* [irq-path 3] A host interrupt: GA log, GAPPI, or one of the others. It comes inside cpu_sleep()
 * or cpu_take_interrupts() (the latter right after an exit for INTR), on the stack of the loop. */
void trap_interrupt(uint32_t vector)
{
	struct cpu *cpu = this_cpu();

	COUNT(cpu->interrupts);
	trace_interrupt(cpu, vector);
	/* EOI before the work: another of the same vector is latched meanwhile, not lost. */
	if (__builtin_expect(vector - VEC_DYNAMIC_FIRST < DYNAMIC_COUNT, 1)) {
		lapic_eoi();
		dynamic_interrupt(cpu, &cpu->vectors[vector]);
	} else if (vector == VEC_GALOG) {
		lapic_eoi();
		wake_from_galog(cpu);
	} else if (vector == VEC_SPURIOUS || vector < VEC_DYNAMIC_FIRST) {
		/* The local APIC's spurious interrupt has no ISR bit, nor has one of the 8259s. */
		cpu->stale_interrupts++;
	} else {
		fixed_interrupt(cpu, vector);
	}
}

void trap_exception(struct trap_frame *frame)
{
	if (frame->vector == EXCEPTION_NMI) {
		if (cpu_stopping())
			hw_stop();
		return; /* nobody else sends one that matters */
	}
	panic_trap(frame);
}
