/* SPDX-License-Identifier: MIT */
/* sources: avic/emulated.c avic/emulated_timer.c avic/inject.c avic/vapic.c svm/event.c */
#include "test.h"
#include "avic/avic.h"
#include "avic/emulated.h"
#include <hw/sim.h>

static struct avic_vm vm;
static struct avic_vcpu a;
static struct svm_vcpu svm;
static struct vmcb vmcb;
static struct vapic page __attribute__((aligned(4096)));
static uint64_t physical[512];
static struct emulated_vcpu e;
static uint64_t ticks;

uint64_t sim_ticks(void)
{
	return ticks;
}

#define WINDOW      (1u << 8) /* V_IRQ */
#define IGNORE_TPR  (1u << 20)
#define VINTR_EXITS (1u << 4)
#define IF          (1u << 9)

static void set_up(bool x2apic)
{
	ticks = 1000000;
	memset(&vmcb, 0, sizeof(vmcb));
	vmcb.int_control = 1u << 24;
	vmcb.rflags = IF;
	svm = (struct svm_vcpu){ .vmcb = &vmcb };
	vm = (struct avic_vm){ .physical = physical, .max_index = 7 };
	vm.mode[5] = x2apic ? VAPIC_X2APIC : VAPIC_XAPIC;
	vapic_reset(&page, 5, x2apic);
	a = (struct avic_vcpu){ .page = &page, .vm = &vm, .svm = &svm, .entry = &physical[5] };
	emulated_init(&e, &a, false);
}

static uint32_t reg(uint32_t offset)
{
	return page.reg[offset / 4];
}

static enum apic_action wr(uint32_t msr, uint64_t value)
{
	return emulated_msr_write(&e, msr, value).action;
}

static uint64_t rd(uint32_t msr)
{
	struct apic_result r = emulated_msr_read(&e, msr);

	EXPECT_EQ(r.action, APIC_DONE);
	return r.value;
}

TEST(init)
{
	set_up(true);
	EXPECT_EQ(emulated_apic_base(&e), 0xfee00c00);
	vm.mode[5] = VAPIC_XAPIC;
	emulated_init(&e, &a, true);
	EXPECT_EQ(emulated_apic_base(&e), 0xfee00900);
}

/* Which MSRs of 800h..8FFh can be read and written with 0, all others #GP; by hand from 24593 rev
 * 3.44, x2APIC register address space. */
TEST(msr_access_classes)
{
	static const uint16_t readable[] = { 0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, 0x828, 0x830,
		0x832, 0x833, 0x834, 0x835, 0x836, 0x837, 0x838, 0x839, 0x83e };
	static const uint16_t writable[] = { 0x808, 0x80b, 0x80f, 0x828, 0x830, 0x832, 0x833, 0x834,
		0x835, 0x836, 0x837, 0x838, 0x83e, 0x83f };

	for (uint32_t msr = 0x7ff; msr <= 0x900; msr++) {
		bool r = msr >= 0x810 && msr <= 0x827, w = false;

		for (unsigned i = 0; i < sizeof(readable) / 2; i++)
			r |= msr == readable[i];
		for (unsigned i = 0; i < sizeof(writable) / 2; i++)
			w |= msr == writable[i];
		set_up(true);
		EXPECT_EQ(emulated_msr_read(&e, msr).action == APIC_FAULT, !r);
		EXPECT_EQ(emulated_msr_write(&e, msr, 0).action == APIC_FAULT, !w);
		set_up(false);
		EXPECT_EQ(emulated_msr_read(&e, msr).action, APIC_FAULT);
		EXPECT_EQ(emulated_msr_write(&e, msr, 0).action, APIC_FAULT);
	}
}

TEST(msr_reserved_bits)
{
	static const struct {
		uint16_t msr;
		uint64_t good, bad;
	} c[] = {
		{ 0x808, 0xff, 0x100 },
		{ 0x80b, 0, 1 },
		{ 0x80f, 0x3ff, 0x400 },
		{ 0x828, 0, 1 },
		{ 0x832, 0x710ff, 0x80000 },
		{ 0x832, 0x31030, 0x100 },
		{ 0x833, 0x117ff, 0x20000 },
		{ 0x834, 0x117ff, 0x800 },
		{ 0x835, 0x1f7ff, 0x20000 },
		{ 0x836, 0x1f7ff, 0x800 },
		{ 0x837, 0x117ff, 0x2000 },
		{ 0x838, 0xffffffff, 0x100000000 },
		{ 0x83e, 0xb, 4 },
		{ 0x83f, 0xff, 0x100 },
		{ 0x830, 0xffffffff000cdfff, 0x2000 },
		{ 0x830, 0x1000, 0x10000 },
		{ 0x830, 0x800, 0x100000 },
	};

	for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		set_up(true);
		EXPECT(wr(c[i].msr, c[i].good) != APIC_FAULT);
		EXPECT_EQ(wr(c[i].msr, c[i].bad), APIC_FAULT);
		if (c[i].msr != 0x830)
			EXPECT_EQ(wr(c[i].msr, 1ull << 32 | c[i].good), APIC_FAULT);
	}
}

TEST(identity_reads)
{
	set_up(true);
	EXPECT_EQ(rd(0x802), 5);
	EXPECT_EQ(rd(0x803), 0x50010);
	EXPECT_EQ(rd(0x80d), 0x20);
	set_up(false);
	EXPECT_EQ(emulated_mmio_read(&e, 0x20).value, 0x05000000);
	EXPECT_EQ(emulated_mmio_read(&e, 0xe0).value, 0xffffffff);
}

TEST(tpr_reaches_v_tpr_and_ppr)
{
	set_up(true);
	EXPECT_EQ(wr(0x808, 0x63), APIC_EVALUATE);
	EXPECT_EQ(vmcb.int_control & 0xff, 6);
	EXPECT_EQ(rd(0x808), 0x63);
	EXPECT_EQ(rd(0x80a), 0x63);
	/* CR8 afterwards: seen at the exit, and only when it changed. */
	emulated_exit(&e);
	EXPECT_EQ(rd(0x808), 0x63);
	vmcb.int_control = (vmcb.int_control & ~0xffull) | 9;
	emulated_exit(&e);
	EXPECT_EQ(rd(0x808), 0x90);
	EXPECT_EQ(reg(0xa0), 0x90);
}

TEST(eoi)
{
	struct apic_result r;

	set_up(true);
	EXPECT_EQ(wr(0x80b, 0), APIC_EVALUATE);
	vapic_set_irr(&page, 0x71);
	vapic_accept(&page);
	EXPECT_EQ(wr(0x80b, 0), APIC_EVALUATE);
	EXPECT_EQ(reg(0x130), 0);
	vapic_set_irr(&page, 0x72);
	vapic_accept(&page);
	page.reg[0x1b0 / 4] = 1u << 18;
	r = emulated_msr_write(&e, 0x80b, 0);
	EXPECT_EQ(r.action, APIC_LEVEL_EOI);
	EXPECT_EQ(r.eoi_vector, 0x72);
}

TEST(icr)
{
	struct apic_result r;

	set_up(true);
	r = emulated_msr_write(&e, 0x830, 0x0000000300001041);
	EXPECT_EQ(r.action, APIC_SEND_IPI);
	EXPECT_EQ(r.value, 0x0000000300000041); /* delivery status is no bit of software's */
	EXPECT_EQ(rd(0x830), 0x0000000300000041);
	EXPECT_EQ(reg(0x300), 0x41);
	EXPECT_EQ(reg(0x310), 3);
	r = emulated_msr_write(&e, 0x83f, 0x42);
	EXPECT_EQ(r.action, APIC_SEND_IPI);
	EXPECT_EQ(r.value, 0x40042);
	EXPECT_EQ(rd(0x830), 0x0000000300000041);
	set_up(false);
	EXPECT_EQ(emulated_mmio_write(&e, 0x310, 0x03ffffff).action, APIC_DONE);
	EXPECT_EQ(emulated_mmio_read(&e, 0x310).value, 0x03000000);
	r = emulated_mmio_write(&e, 0x300, 0x41);
	EXPECT_EQ(r.action, APIC_SEND_IPI);
	EXPECT_EQ(r.value, 0x0300000000000041);
	EXPECT_EQ(emulated_mmio_read(&e, 0x300).value, 0x41);
}

TEST(xapic_has_more_registers)
{
	set_up(false);
	EXPECT_EQ(emulated_mmio_write(&e, 0xd0, 0x02345678).action, APIC_LOGICAL);
	EXPECT_EQ(reg(0xd0), 0x02000000);
	EXPECT_EQ(emulated_mmio_write(&e, 0xe0, 0x00000000).action, APIC_LOGICAL);
	EXPECT_EQ(reg(0xe0), 0x0fffffff);
	EXPECT_EQ(emulated_mmio_read(&e, 0x90).value, 0);
	EXPECT_EQ(emulated_mmio_read(&e, 0xc0).value, 0);
	/* Read-only, between registers, or no register: dropped. */
	EXPECT_EQ(emulated_mmio_write(&e, 0x20, 0x09000000).action, APIC_DONE);
	EXPECT_EQ(reg(0x20), 0x05000000);
	EXPECT_EQ(emulated_mmio_write(&e, 0x84, 0x77).action, APIC_DONE);
	EXPECT_EQ(reg(0x80), 0);
	EXPECT_EQ(emulated_mmio_read(&e, 0x24).value, 0);
	EXPECT_EQ(emulated_mmio_read(&e, 0xb0).value, 0);
	EXPECT_EQ(e.esr_pending, 0);
	EXPECT_EQ(emulated_mmio_write(&e, 0x400, 1).action, APIC_DONE);
	EXPECT_EQ(e.esr_pending, 1u << 7);
	EXPECT_EQ(emulated_mmio_read(&e, 0x2f0).value, 0);
	EXPECT_EQ(emulated_mmio_write(&e, 0x80, 0x77).action, APIC_EVALUATE);
	EXPECT_EQ(emulated_mmio_read(&e, 0x80).value, 0x77);
}

TEST(esr)
{
	set_up(true);
	wr(0x80f, 0x1ff);
	wr(0x837, 0xfe);
	emulated_esr(&e, 1u << 5);
	EXPECT(vapic_irr_any(&page));
	EXPECT_EQ(rd(0x828), 0);
	EXPECT_EQ(wr(0x828, 0), APIC_DONE);
	EXPECT_EQ(rd(0x828), 1u << 5);
	EXPECT_EQ(wr(0x828, 0), APIC_DONE);
	EXPECT_EQ(rd(0x828), 0);
}

TEST(soft_disable_masks_every_lvt)
{
	set_up(true);
	EXPECT_EQ(wr(0x832, 0x40), APIC_DONE);
	EXPECT_EQ(rd(0x832), 0x10040); /* disabled after reset: stays masked */
	EXPECT_EQ(wr(0x80f, 0x1ff), APIC_DONE);
	EXPECT_EQ(wr(0x832, 0x1040), APIC_DONE);
	EXPECT_EQ(rd(0x832), 0x40);
	EXPECT_EQ(wr(0x80f, 0xff), APIC_DONE);
	EXPECT_EQ(rd(0x832), 0x10040);
	EXPECT_EQ(rd(0x837), 0x10000);
}

static void timer_on(uint32_t lvt, uint32_t divide, uint32_t count)
{
	wr(0x80f, 0x1ff);
	wr(0x832, lvt);
	wr(0x83e, divide);
	EXPECT_EQ(wr(0x838, count), APIC_TIMER);
}

TEST(timer_divides)
{
	static const struct {
		uint8_t code, divide;
	} c[] = { { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 },
		{ 11, 1 } };

	for (unsigned i = 0; i < 8; i++) {
		set_up(true);
		timer_on(0x40, c[i].code, 100000);
		EXPECT_EQ(e.timer_deadline, 1000000 + 100000ull * c[i].divide);
		ticks += 1000ull * c[i].divide;
		EXPECT_EQ(rd(0x839), 99000);
	}
}

TEST(timer_one_shot)
{
	set_up(true);
	timer_on(0x40, 0xb, 5000);
	EXPECT(!emulated_timer(&e, 1004999));
	EXPECT(emulated_timer(&e, 1005000));
	EXPECT_EQ(reg(0x220), 1);
	EXPECT_EQ(e.timer_deadline, 0);
	EXPECT(!emulated_timer(&e, 1005001));
	EXPECT_EQ(rd(0x839), 0);
	EXPECT_EQ(wr(0x838, 10), APIC_TIMER);
	EXPECT(e.timer_deadline != 0);
	EXPECT_EQ(wr(0x838, 0), APIC_TIMER);
	EXPECT_EQ(e.timer_deadline, 0);
}

TEST(timer_deadline)
{
	set_up(true);
	emulated_deadline_write(&e, 2000000); /* not in that mode */
	EXPECT_EQ(e.timer_deadline, 0);
	timer_on(0x40, 0xb, 5000);
	EXPECT_EQ(wr(0x832, 0x40040), APIC_TIMER); /* the count ends */
	EXPECT_EQ(e.timer_deadline, 0);
	vmcb.tsc_offset = -500000ull; /* the guest's TSC is behind */
	emulated_deadline_write(&e, 600000);
	EXPECT_EQ(e.timer_deadline, 1100000);
	EXPECT_EQ(emulated_deadline_read(&e), 600000);
	wr(0x838, 10); /* no effect, nor can it be read */
	EXPECT_EQ(e.timer_deadline, 1100000);
	EXPECT_EQ(rd(0x839), 0);
	EXPECT(!emulated_timer(&e, 1099999));
	EXPECT(emulated_timer(&e, 1100000));
	EXPECT_EQ(e.timer_deadline, 0);
	EXPECT_EQ(emulated_deadline_read(&e), 0);
	emulated_deadline_write(&e, 1); /* over: at once */
	EXPECT(emulated_timer(&e, 1000000));
	emulated_deadline_write(&e, 600000);
	emulated_deadline_write(&e, 0);
	EXPECT_EQ(e.timer_deadline, 0);
	emulated_deadline_write(&e, 600000);
	EXPECT_EQ(wr(0x832, 0x40), APIC_TIMER);
	EXPECT_EQ(e.timer_deadline, 0);
	vmcb.tsc_offset = 0;
}

TEST(timer_periodic)
{
	set_up(true);
	timer_on(0x20040, 0xb, 100000);
	EXPECT(emulated_timer(&e, 1100001));
	EXPECT_EQ(e.timer_deadline, 1200000);
	/* Three periods late: one interrupt, and the phase stays. */
	EXPECT(emulated_timer(&e, 1450000));
	EXPECT_EQ(e.timer_deadline, 1500000);
	/* A guest can't have it shorter than 16384 ticks. */
	wr(0x838, 1);
	EXPECT_EQ(e.timer_deadline, 1016384);
	EXPECT(emulated_timer(&e, 1016384));
	EXPECT_EQ(e.timer_deadline, 1032768);
	/* A one-shot that becomes periodic on its way. */
	wr(0x832, 0x40);
	wr(0x838, 10);
	wr(0x832, 0x20040);
	EXPECT(emulated_timer(&e, 1000010));
	EXPECT_EQ(e.timer_deadline, 1016394);
}

TEST(timer_masked_or_illegal)
{
	set_up(true);
	timer_on(0x10040, 0xb, 5000);
	EXPECT(!emulated_timer(&e, 2000000));
	EXPECT(!vapic_irr_any(&page));
	timer_on(0x0f, 0xb, 5000);
	EXPECT(!emulated_timer(&e, 2000000));
	EXPECT(!vapic_irr_any(&page));
	EXPECT_EQ(e.esr_pending, 1u << 6);
}

TEST(divide_changes_while_it_runs)
{
	set_up(true);
	timer_on(0x40, 0xb, 100000);
	ticks += 40000;
	EXPECT_EQ(wr(0x83e, 0), APIC_TIMER);
	EXPECT_EQ(e.timer_deadline, 1040000 + 120000);
	EXPECT_EQ(rd(0x839), 60000);
}

static enum apic_action trap(uint32_t offset, uint32_t value)
{
	page.reg[offset / 4] = value; /* AVIC has stored it already */
	return emulated_after_trap(&e, offset, 0).action;
}

TEST(traps)
{
	struct apic_result r;

	set_up(false);
	EXPECT_EQ(trap(0x20, 0x77000000), APIC_DONE);
	EXPECT_EQ(reg(0x20), 0x05000000);
	EXPECT_EQ(trap(0xc0, 0x77000000), APIC_DONE);
	EXPECT_EQ(reg(0xc0), 0);
	EXPECT_EQ(trap(0xd0, 0x20ffffff), APIC_LOGICAL);
	EXPECT_EQ(reg(0xd0), 0x20000000);
	EXPECT_EQ(trap(0xe0, 0), APIC_LOGICAL);
	EXPECT_EQ(reg(0xe0), 0x0fffffff);
	EXPECT_EQ(trap(0xf0, 0xfffff1ff), APIC_DONE);
	EXPECT_EQ(reg(0xf0), 0x1ff);
	e.esr_pending = 0x20;
	EXPECT_EQ(trap(0x280, 0xffffffff), APIC_DONE);
	EXPECT_EQ(reg(0x280), 0x20);
	EXPECT_EQ(trap(0x320, 0xfffb1041), APIC_DONE);
	EXPECT_EQ(reg(0x320), 0x30041);
	EXPECT_EQ(trap(0x3e0, 0xb), APIC_TIMER);
	EXPECT_EQ(trap(0x380, 1u << 20), APIC_TIMER);
	EXPECT_EQ(e.timer_deadline, 1000000 + (1u << 20));
	/* Level EOI: hardware left ISR alone. */
	vapic_set_irr(&page, 0x91);
	vapic_accept(&page);
	r = emulated_after_trap(&e, 0xb0, 0x91);
	EXPECT_EQ(r.action, APIC_LEVEL_EOI);
	EXPECT_EQ(r.eoi_vector, 0x91);
	EXPECT_EQ(vapic_highest_isr(&page), -1);
	/* If it had cleared it, the next one in service is not ours to end. */
	vapic_set_irr(&page, 0x41);
	vapic_accept(&page);
	r = emulated_after_trap(&e, 0xb0, 0x91);
	EXPECT_EQ(r.eoi_vector, 0x91);
	EXPECT_EQ(vapic_highest_isr(&page), 0x41);
	set_up(true);
	EXPECT_EQ(trap(0x20, 0x77), APIC_DONE);
	EXPECT_EQ(reg(0x20), 5);
}

/* EVENTINJ: valid 31, type 10:8 = 0, vector. */
TEST(inject_at_once)
{
	set_up(true);
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0);
	EXPECT_EQ(vmcb.int_control & WINDOW, 0);
	vapic_set_irr(&page, 0x51);
	vapic_set_irr(&page, 0x31);
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0x80000051);
	EXPECT_EQ(reg(0x120), 1u << 17);
	EXPECT_EQ(reg(0xa0), 0x50);
	/* 31h waits for the EOI, which exits: no window. */
	EXPECT_EQ(vmcb.int_control & WINDOW, 0);
	vmcb.event_inj = 0;
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0);
	EXPECT_EQ(vmcb.int_control & WINDOW, 0);
	wr(0x80b, 0);
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0x80000031);
}

TEST(window)
{
	set_up(true);
	vapic_set_irr(&page, 0x51);
	vmcb.rflags = 0;
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0);
	EXPECT(vmcb.int_control & WINDOW);
	EXPECT(vmcb.int_control & IGNORE_TPR);
	EXPECT(vmcb.intercept3 & VINTR_EXITS);
	vmcb.rflags = IF;
	vmcb.int_state = 1; /* shadow of STI */
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0);
	EXPECT(vmcb.int_control & WINDOW);
	vmcb.int_state = 0;
	vmcb.event_inj = 0x80000b0e; /* #PF on its way */
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0x80000b0e);
	vmcb.event_inj = 0;
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0x80000051);
	EXPECT_EQ(vmcb.int_control & (WINDOW | IGNORE_TPR), 0);
	EXPECT_EQ(vmcb.intercept3 & VINTR_EXITS, 0);
}

/* Masked by CR8: hardware opens the window when the guest lowers it, at the vector's class. */
TEST(window_when_tpr_comes_down)
{
	set_up(true);
	vmcb.int_control |= 8;
	vapic_set_irr(&page, 0x51);
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0);
	EXPECT(vmcb.int_control & WINDOW);
	EXPECT_EQ(vmcb.int_control & IGNORE_TPR, 0);
	EXPECT_EQ(vmcb.int_control >> 16 & 0xf, 5);
	EXPECT(vmcb.intercept3 & VINTR_EXITS);
	vmcb.int_control &= ~0xffull;
	vmcb.int_control |= 4;
	emulated_enter(&e);
	EXPECT_EQ(vmcb.event_inj, 0x80000051);
}
