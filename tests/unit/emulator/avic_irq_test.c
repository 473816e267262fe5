/* SPDX-License-Identifier: MIT */
/* Priorities, acceptance, EOI, TPR and CR8, and when a core looks at the IRR at all. */
#include "avic_host.h"
#include "case.h"

#define AREA "AVIC: delivery"

#define ISR 0x100
#define TMR 0x180
#define IRR 0x200

static uint32_t ppr(void)
{
	return get32(PAGE(0) + 0xa0);
}

static void accept_in_order(void)
{
	CASE(APM, "Virtual APIC Backing Page",
		"the highest class above PPR is taken; equal class waits for the EOI; IRR to ISR");
	CASE(APM, "Doorbell Mechanism", "an IRR bit without a doorbell is not noticed");

	start(false);
	set_vector(0, IRR, 0x31);
	set_vector(0, IRR, 0x3f);
	set_vector(0, IRR, 0x80);
	EXPECT(!core.recognised); /* nobody rang */
	avic_ring(&core);
	EXPECT(core.recognised);
	EXPECT_EQ(avic_accept(&core), 0x80);
	EXPECT(!vector_set(0, IRR, 0x80));
	EXPECT(vector_set(0, ISR, 0x80));
	EXPECT_EQ(ppr(), 0x80);
	EXPECT(!core.recognised);
	EXPECT_EQ(virq_count, 1);
	/* A higher class goes in between. */
	set_vector(0, IRR, 0x91);
	avic_ring(&core);
	EXPECT_EQ(avic_accept(&core), 0x91);
	EXPECT_EQ(ppr(), 0x90);
	EXPECT_EQ(avic_page_write(&core, 0xb0, 4, 0), AVIC_DONE);
	EXPECT(!vector_set(0, ISR, 0x91));
	EXPECT_EQ(ppr(), 0x80);
	EXPECT(!core.recognised);
	EXPECT_EQ(avic_page_write(&core, 0xb0, 4, 0), AVIC_DONE);
	EXPECT_EQ(ppr(), 0);
	EXPECT(core.recognised);
	EXPECT_EQ(avic_accept(&core), 0x3f);
	/* The same class waits. */
	EXPECT(!core.recognised);
	EXPECT_EQ(avic_accept(&core), -1);
	avic_page_write(&core, 0xb0, 4, 0);
	EXPECT_EQ(avic_accept(&core), 0x31);
	avic_page_write(&core, 0xb0, 4, 0);
	EXPECT_EQ(avic_accept(&core), -1);
	/* EOI with nothing in service. */
	EXPECT_EQ(avic_page_write(&core, 0xb0, 4, 0), AVIC_DONE);
	EXPECT_EQ(virq_count, 4);
}

static void every_vector(void)
{
	CASE(APM, "Virtual APIC Backing Page",
		"vectors 16 to 255 are taken and ended by EOI; PPR is the class in service");

	for (unsigned vector = 16; vector < 256; vector++) {
		start(true);
		set_vector(0, IRR, vector);
		avic_ring(&core);
		EXPECT_EQ(avic_accept(&core), (int)vector);
		EXPECT(vector_set(0, ISR, vector));
		EXPECT(!vector_set(0, IRR, vector));
		EXPECT_EQ(ppr(), vector & 0xf0);
		EXPECT_EQ(avic_msr_write(&core, 0x80b, 0), AVIC_DONE);
		EXPECT(!vector_set(0, ISR, vector));
		EXPECT_EQ(ppr(), 0);
	}
}

static void level_eoi(void)
{
	CASE(APM, "Virtual APIC Register Accesses",
		"EOI, TMR = 0: ISR bit cleared, no exit; TMR = 1: trap with the vector in EXITINFO2");
	ASSUMED(APM, "Virtual APIC Register Accesses",
		"the trap leaves the ISR bit set (x-avic-eoi-clears-isr: cleared)");

	start(false);
	set_vector(0, ISR, 0x62);
	set_vector(0, TMR, 0x62);
	set_vector(0, ISR, 0x51);
	set_vector(0, TMR, 0x70);
	EXPECT_EQ(avic_page_write(&core, 0xb0, 4, 0), AVIC_TRAP);
	EXPECT_EQ(core.exit.code, 0x402);
	EXPECT_EQ(core.exit.info1, 0x1000000b0ull);
	EXPECT_EQ(core.exit.info2, 0x62);
	EXPECT(vector_set(0, ISR, 0x62));
	machine.opt.eoi_clears_isr = true;
	EXPECT_EQ(avic_page_write(&core, 0xb0, 4, 0), AVIC_TRAP);
	EXPECT_EQ(core.exit.info2, 0x62);
	EXPECT(!vector_set(0, ISR, 0x62));
	start(true);
	set_vector(0, ISR, 0xfe);
	set_vector(0, TMR, 0xfe);
	EXPECT_EQ(avic_msr_write(&core, 0x80b, 0), AVIC_TRAP);
	EXPECT_EQ(core.exit.info1, 0x1000000b0ull);
	EXPECT_EQ(core.exit.info2, 0xfe);
	EXPECT(vector_set(0, ISR, 0xfe));
}

static void tpr_gates(void)
{
	CASE(APM, "TPR Access",
		"a TPR write sets V_TPR and PPR, a CR8 write sets TPR and PPR; raising holds back, lowering lets go");

	start(false);
	set_vector(0, IRR, 0x55);
	EXPECT_EQ(avic_page_write(&core, 0x80, 4, 0x53), AVIC_DONE);
	EXPECT_EQ(core.v_tpr, 5);
	EXPECT_EQ(get32(PAGE(0) + 0x80), 0x53);
	EXPECT_EQ(ppr(), 0x53);
	EXPECT(!core.recognised);
	avic_ring(&core);
	EXPECT(!core.recognised);
	avic_write_cr8(&core, 4);
	EXPECT_EQ(core.v_tpr, 4);
	EXPECT_EQ(get32(PAGE(0) + 0x80), 0x40);
	EXPECT_EQ(ppr(), 0x40);
	EXPECT(core.recognised);
	avic_write_cr8(&core, 15);
	EXPECT(!core.recognised);
	EXPECT_EQ(avic_accept(&core), -1);
	EXPECT_EQ(avic_page_write(&core, 0x80, 4, 0xffffff00), AVIC_DONE);
	EXPECT_EQ(get32(PAGE(0) + 0x80), 0);
	EXPECT(core.recognised);
	start(true);
	set_vector(0, IRR, 0x55);
	EXPECT_EQ(avic_msr_write(&core, 0x808, 0x60), AVIC_DONE);
	EXPECT_EQ(core.v_tpr, 6);
	EXPECT(!core.recognised);
	EXPECT_EQ(avic_msr_write(&core, 0x808, 0x100), AVIC_GP);
	EXPECT_EQ(core.v_tpr, 6);
}

/* PPR is the TPR where its class is not below that of the highest in service. */
static void ppr_rule(void)
{
	CASE(APM, "TPR Access",
		"PPR is the TPR if its class is not below that in service, else the class in service");

	static const uint8_t rows[][3] = {
		{ 0x00, 0x31, 0x30 },
		{ 0x2f, 0x31, 0x30 },
		{ 0x30, 0x31, 0x30 },
		{ 0x35, 0x31, 0x35 },
		{ 0x41, 0x31, 0x41 },
		{ 0x00, 0x00, 0x00 },
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(false);
		if (rows[i][1])
			set_vector(0, ISR, rows[i][1]);
		avic_page_write(&core, 0x80, 4, rows[i][0]);
		EXPECT_EQ(ppr(), rows[i][2]);
	}
}

static void when_it_looks(void)
{
	CASE(APM, "Doorbell Mechanism", "VMRUN looks at the IRR");
	ASSUMED(APM, "Doorbell Mechanism", "a doorbell that comes in host mode is lost");
	ASSUMED(APM, "VMRUN and #VMEXIT",
		"VMRUN takes the priority from V_TPR (x-avic-page-tpr: from the page)");
	CASE(APM, "Virtual APIC Backing Page",
		"an IRR bit that is gone when the interrupt is taken: nothing is taken");

	/* VMRUN looks. */
	start(false);
	set_vector(0, IRR, 0x40);
	avic_vmexit(&core);
	EXPECT(!core.on && !core.recognised);
	/* In host mode a doorbell is lost. */
	avic_ring(&core);
	EXPECT(!core.recognised);
	EXPECT(avic_vmrun(&core, &vmcb));
	EXPECT(core.recognised);
	/* VMRUN uses V_TPR of the VMCB. */
	vmcb.int_ctl |= 4;
	put32(PAGE(0) + 0x80, 0x40);
	EXPECT(avic_vmrun(&core, &vmcb));
	EXPECT(!core.recognised);
	EXPECT_EQ(strict_count, 0);
	machine.opt.page_tpr = true;
	put32(PAGE(0) + 0x80, 0x30);
	EXPECT(avic_vmrun(&core, &vmcb));
	EXPECT_EQ(core.v_tpr, 3);
	EXPECT(core.recognised);
	/* Accesses without a side effect on priorities don't look. */
	start(false);
	set_vector(0, IRR, 0x40);
	uint64_t value;

	avic_page_read(&core, 0x220, 4, &value);
	EXPECT_EQ(value, 1);
	avic_page_write(&core, 0x310, 4, 0);
	EXPECT(!core.recognised);
	/* What was recognised can be gone. */
	avic_ring(&core);
	EXPECT(core.recognised);
	put32(PAGE(0) + 0x220, 0);
	EXPECT_EQ(avic_accept(&core), -1);
	EXPECT(!core.recognised);
	EXPECT_EQ(virq_count, 0);
}

static void doorbell_msr(void)
{
	ASSUMED(APM, "AVIC Doorbell", "C001_011Bh takes an ID of 32 bits; more is a #GP");

	start(false);
	EXPECT(avic_write_doorbell(&core, 0x12345678));
	EXPECT_EQ(doorbells[0], 0x12345678);
	EXPECT(!avic_write_doorbell(&core, 0x100000000ull));
	EXPECT_EQ(doorbell_count, 1);
}

int main(void)
{
	accept_in_order();
	every_vector();
	level_eoi();
	tpr_gates();
	ppr_rule();
	when_it_looks();
	doorbell_msr();
	return summary();
}
