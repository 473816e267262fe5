/* SPDX-License-Identifier: MIT */
/* sources: vmm/trap.c */
#include "test.h"
#include "trap.h"
#include "assign.h"
#include "cpu.h"
#include "drivers/lapic.h"
#include "events.h"
#include "guest/vhpet.h"
#include "intx.h"
#include "panic.h"
#include "place.h"
#include "sched.h"
#include "wake.h"
#include "hw/sim.h"

const uint64_t trap_vectors[256] = { [2] = 0x1122334455667788, [0xd9] = 0xffffffff80001234 };
bool lapic_is_x2apic = true;
volatile uint8_t *lapic_mmio;

static struct cpu cpu;
static unsigned eois, inbox, ticks, galog, own, shared, events, obeyed, device, line, hpet;
static bool eoi_first;
static void *last_owner;

void sim_wrmsr(uint32_t msr, uint64_t v)
{
	EXPECT_EQ(v, 0);
	eois += msr == 0x80b;
}

/* Every handler runs after the EOI. */
static void handled(unsigned *count, struct cpu *on)
{
	EXPECT(on == &cpu);
	(*count)++;
	eoi_first = eoi_first && eois == 1;
}

void sched_inbox(struct cpu *on)
{
	handled(&inbox, on);
}

void sched_tick(struct cpu *on)
{
	handled(&ticks, on);
}

void wake_from_galog(struct cpu *on)
{
	handled(&galog, on);
}

void wake_from_gappi_own(struct cpu *on, struct vcpu *owner)
{
	last_owner = owner;
	handled(&own, on);
}

void wake_from_gappi_shared(struct cpu *on)
{
	handled(&shared, on);
}

void place_obey(struct cpu *on)
{
	handled(&obeyed, on);
}

void iommu_report_events(struct cpu *on)
{
	handled(&events, on);
}

void assign_host_interrupt(struct cpu *on, struct assigned_irq *irq)
{
	last_owner = irq;
	handled(&device, on);
}

void intx_interrupt(struct cpu *on, struct intx_line *of)
{
	last_owner = of;
	handled(&line, on);
}

void vhpet_interrupt(struct cpu *on, struct vhpet *of)
{
	last_owner = of;
	handled(&hpet, on);
}

void panic_trap(const struct trap_frame *frame)
{
	(void)frame;
	abort();
}

bool cpu_stopping(void)
{
	return false;
}

static unsigned total(void)
{
	return inbox + ticks + galog + own + shared + events + obeyed + device + line + hpet;
}

static void take(uint32_t vector)
{
	sim_cpu = &cpu;
	eois = inbox = ticks = galog = own = shared = events = obeyed = device = line = hpet = 0;
	eoi_first = true;
	cpu.stale_interrupts = 0;
	trap_interrupt(vector);
	EXPECT(eoi_first);
	EXPECT_EQ(total() + cpu.stale_interrupts, 1);
}

static const uint64_t *idt;

void sim_load_idt(uint64_t base, uint16_t last_byte)
{
	EXPECT_EQ(last_byte, 4095);
	idt = (const uint64_t *)base;
}

TEST(gates)
{
	trap_init_cpu();
	/* Interrupt gate, ring 0, code selector 8; NMI, #DF and #MC by IST 1, 2 and 3. */
	EXPECT_EQ(idt[2 * 2], 0x55668e0100087788);
	EXPECT_EQ(idt[2 * 2 + 1], 0x11223344);
	EXPECT_EQ(idt[8 * 2], 0x00008e0200080000);
	EXPECT_EQ(idt[18 * 2], 0x00008e0300080000);
	EXPECT_EQ(idt[0xd9 * 2], 0x80008e0000081234);
	EXPECT_EQ(idt[0xd9 * 2 + 1], 0xffffffff);
	trap_init_cpu();
	EXPECT_EQ(idt[2 * 2], 0x55668e0100087788);
}

TEST(fixed_vectors)
{
	take(0xe1);
	EXPECT_EQ(inbox, 1);
	take(0xe0);
	EXPECT_EQ(ticks, 1);
	take(0xd9);
	EXPECT_EQ(galog, 1);
	take(0xd0);
	EXPECT_EQ(shared, 1);
	take(0xd8);
	EXPECT_EQ(events, 1);
	take(0xe2);
	EXPECT_EQ(obeyed, 1);
}

TEST(dynamic_vectors)
{
	int owner;

	cpu.vectors[0x30] = (struct vector_use){ &owner, VECTOR_GAPPI };
	cpu.vectors[0xcf] = (struct vector_use){ &owner, VECTOR_DEVICE };
	take(0x30);
	EXPECT_EQ(own, 1);
	EXPECT(last_owner == &owner);
	take(0xcf);
	EXPECT_EQ(device, 1);
	EXPECT(last_owner == &owner);
	cpu.vectors[0x32] = (struct vector_use){ &owner, VECTOR_LINE };
	last_owner = NULL;
	take(0x32);
	EXPECT_EQ(line, 1);
	EXPECT(last_owner == &owner);
	cpu.vectors[0x33] = (struct vector_use){ &owner, VECTOR_HPET };
	last_owner = NULL;
	take(0x33);
	EXPECT_EQ(hpet, 1);
	EXPECT(last_owner == &owner);
	take(0x31); /* freed meanwhile: counted, EOI, harmless */
	EXPECT_EQ(cpu.stale_interrupts, 1);
	EXPECT_EQ(eois, 1);
}

TEST(vectors_of_nobody)
{
	cpu.interrupts = 0;
	for (uint32_t v = 0x20; v < 0x30; v++) {
		take(v); /* an 8259's spurious interrupt: no EOI */
		EXPECT_EQ(eois, 0);
	}
	take(0xff);
	EXPECT_EQ(eois, 0);
	take(0xf0);
	EXPECT_EQ(eois, 1);
	EXPECT_EQ(cpu.interrupts, 18);
}

TEST(an_nmi_of_nobody_returns)
{
	struct trap_frame f = { .vector = 2 };

	trap_exception(&f);
}
