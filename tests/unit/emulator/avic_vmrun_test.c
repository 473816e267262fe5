/* SPDX-License-Identifier: MIT */
/* What VMRUN refuses, and what strict mode reports as an error of the hypervisor. */
#include "avic_host.h"
#include "case.h"

#define AREA "AVIC: VMRUN"

static bool run(void)
{
	avic_vmexit(&core);
	strict_count = 0;
	return avic_vmrun(&core, &vmcb);
}

static void expect_strict(const char *text)
{
	EXPECT(run());
	EXPECT_EQ(strict_count, 1);
	EXPECT(strstr(strict_text, text));
}

static void invalid(void)
{
	CASE(APM, "VMRUN and #VMEXIT",
		"VMEXIT_INVALID: x2AVIC without AVIC; MAX_INDEX above 255 in xAVIC, above 511 in x2AVIC without x2AVIC_EXT, 4095 with it");

	start(false);
	vmcb.int_ctl = 0x41000000; /* x2AVIC without AVIC */
	EXPECT(!run());
	EXPECT(!core.on);
	start(false);
	vmcb.int_ctl = 0x01000000; /* neither: an ordinary VMCB */
	EXPECT(run());
	EXPECT(!core.on);
	EXPECT_EQ(strict_count, 0);

	start(false);
	vmcb.physical = PHYSICAL | 255;
	EXPECT(run());
	vmcb.physical = PHYSICAL | 256;
	EXPECT(!run());
	start(true);
	vmcb.physical = PHYSICAL | 511;
	EXPECT(run());
	EXPECT_EQ(core.max_index, 511);
	vmcb.physical = PHYSICAL | 512;
	EXPECT(!run());
	machine.opt.x2avic_ext = true;
	EXPECT(run());
	vmcb.physical = PHYSICAL | 4095;
	EXPECT(run());
	EXPECT_EQ(core.max_index, 4095);
}

static void ranges(void)
{
	ASSUMED(APM, "VMRUN and #VMEXIT",
		"each pointer beyond the physical address width: VMEXIT_INVALID (the manual promises an exit, not its code)");

	uint64_t *const pointers[] = { &vmcb.apic_bar, &vmcb.backing, &vmcb.logical,
		&vmcb.physical };

	for (unsigned i = 0; i < 4; i++) {
		start(false);
		*pointers[i] = 0x10000000000ull;
		EXPECT(!run());
		start(false);
		machine.opt.phys_bits = 41;
		*pointers[i] |= 0x10000000000ull;
		EXPECT(run());
	}
}

static void latched(void)
{
	CASE(APM, "VMRUN and #VMEXIT",
		"the mode, V_TPR, pointers and MAX_INDEX are taken from the VMCB");

	start(false);
	vmcb.int_ctl |= 7;
	put32(PAGE(0) + 0x80, 0x70);
	EXPECT(run());
	EXPECT_EQ(core.v_tpr, 7);
	EXPECT_EQ(core.apic_bar, BAR);
	EXPECT_EQ(core.backing, PAGE(0));
	EXPECT_EQ(core.logical, LOGICAL);
	EXPECT_EQ(core.physical, PHYSICAL);
	EXPECT_EQ(core.max_index, 254);
	EXPECT(!core.x2);
	EXPECT_EQ(strict_count, 0);
}

static void strict_errors(void)
{
	ASSUMED(APM, "VMRUN and #VMEXIT",
		"not checked, but errors of software: AVIC without nested paging or V_INTR_MASKING, CR8 or VINTR intercept, V_IRQ, reserved pointer bits, tables that are not memory");

	start(false);
	vmcb.np_enable = false;
	expect_strict("nested paging");
	start(false);
	vmcb.int_ctl &= ~0x01000000ull;
	expect_strict("V_INTR_MASKING");
	start(false);
	vmcb.cr_write = 1 << 8;
	expect_strict("CR8");
	start(false);
	vmcb.vintr = true;
	expect_strict("VINTR");
	start(false);
	vmcb.int_ctl |= 0x100;
	expect_strict("V_IRQ");
	start(false);
	vmcb.apic_bar |= 1 << 11; /* what APIC_BASE calls "enabled" */
	expect_strict("APIC_BAR");
	start(false);
	vmcb.backing |= 1;
	expect_strict("backing page pointer");
	start(false);
	vmcb.logical |= 1ull << 63;
	expect_strict("logical table pointer");
	start(false);
	vmcb.physical |= 1ull << 52;
	expect_strict("physical table pointer");
	start(false);
	vmcb.backing = 0xf0000000;
	expect_strict("backing page is not memory");
	start(false);
	vmcb.logical = 0xf0000000;
	expect_strict("logical table is not memory");
	start(false);
	vmcb.physical = 0xf0000000;
	expect_strict("physical table is not memory");
	start(true);
	machine.opt.x2avic_ext = true;
	vmcb.physical = (RAM_BYTES - 0x1000) | 1023; /* the second page is missing */
	expect_strict("physical table is not memory");
	start(false);
	vmcb.int_ctl |= 1;
	expect_strict("V_TPR");
}

static void running_elsewhere(void)
{
	ASSUMED(APM, "VMRUN and #VMEXIT",
		"an entry with IsRunning that names another core than the one that runs it is an error of software");

	start(false);
	put64(PHYSICAL, 0xc000000000000081ull | PAGE(0));
	expect_strict("another core");
	put64(PHYSICAL, 0x8000000000000081ull | PAGE(0)); /* not running: says nothing */
	EXPECT(run());
	EXPECT_EQ(strict_count, 0);
	put64(PHYSICAL, 0xc000000000000081ull | PAGE(1)); /* another vCPU's */
	EXPECT(run());
	EXPECT_EQ(strict_count, 0);
	/* The ID is in the top byte in xAVIC, and the whole register in x2AVIC. */
	start(true);
	put32(PAGE(0) + 0x20, 300);
	put64(PHYSICAL + 300 * 8, 0xc000000000000081ull | PAGE(0));
	expect_strict("another core");
	start(false);
	put32(PAGE(0) + 0x20, 3u << 24);
	put64(PHYSICAL + 3 * 8, 0xc000000000000081ull | PAGE(0));
	expect_strict("another core");
}

int main(void)
{
	invalid();
	ranges();
	latched();
	strict_errors();
	running_elsewhere();
	return summary();
}
