// SPDX-License-Identifier: MIT
/* sources: */
/* Offsets and bits typed from 24593 rev 3.44, "Layout of VMCB", as bytes of the page. */
#include "svm/vmcb.h"
#include "test.h"

static struct vmcb b;

static uint64_t at(unsigned offset, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)&b + offset, bytes);
	return v;
}

static void fresh(void)
{
	memset(&b, 0, sizeof(b));
	b.clean = 0x1fff;
}

TEST(asid)
{
	fresh();
	vmcb_set_asid(&b, 7);
	EXPECT_EQ(at(0x58, 4), 7);
	EXPECT_EQ(at(0xc0, 4), 0x1fff & ~0x4);
}

TEST(intercepts)
{
	fresh();
	vmcb_set_intercept3(&b, INTERCEPT3_INTR | INTERCEPT3_HLT | INTERCEPT3_SHUTDOWN);
	EXPECT_EQ(at(0x0c, 4), 0x81000001);
	EXPECT_EQ(at(0xc0, 4), 0x1ffe);
	vmcb_set_tsc_offset(&b, 0x1122334455667788);
	EXPECT_EQ(at(0x50, 8), 0x1122334455667788);
}

TEST(interrupt_control)
{
	fresh();
	vmcb_set_int_control(&b, VIC_AVIC | VIC_X2AVIC | VIC_INTR_MASKING | VIC_IRQ | VIC_IGN_TPR);
	EXPECT_EQ(at(0x60, 8), 0xc1100100);
	EXPECT_EQ(at(0xc0, 4), 0x1fff & ~0x808);
	b.clean = 0x1fff;
	vmcb_set_tpr_class(&b, 0xa);
	EXPECT_EQ(at(0x60, 8), 0xc110010a);
	EXPECT_EQ(vmcb_tpr_class(&b), 0xa);
	EXPECT_EQ(at(0xc0, 4), 0x1ff7);
}

TEST(avic_tables)
{
	fresh();
	vmcb_set_avic_tables(&b, GPA(0xfee00000), PHYS(0x11000), PHYS(0x22000), PHYS(0x33000), 511);
	EXPECT_EQ(at(0x98, 8), 0xfee00000);
	EXPECT_EQ(at(0xe0, 8), 0x11000);
	EXPECT_EQ(at(0xf0, 8), 0x22000);
	EXPECT_EQ(at(0xf8, 8), 0x331ff);
	EXPECT_EQ(at(0xc0, 4), 0x17ff);
}

TEST(control_registers)
{
	fresh();
	vmcb_set_crx(&b, 0x80000011, 0x1000, 0x20, 0x1500);
	EXPECT_EQ(at(0x558, 8), 0x80000011);
	EXPECT_EQ(at(0x550, 8), 0x1000);
	EXPECT_EQ(at(0x548, 8), 0x20);
	EXPECT_EQ(at(0x4d0, 8), 0x1500);
	EXPECT_EQ(at(0xc0, 4), 0x1fdf);
	b.clean = 0x1fff;
	vmcb_set_efer(&b, 0x1d01);
	EXPECT_EQ(at(0x4d0, 8), 0x1d01);
	EXPECT_EQ(at(0xc0, 4), 0x1fdf);
	b.clean = 0x1fff;
	vmcb_set_pat(&b, 0x0007040600070406);
	EXPECT_EQ(at(0x668, 8), 0x0007040600070406);
	EXPECT_EQ(at(0xc0, 4), 0x1fef);
	b.clean = 0x1fff;
	vmcb_set_msrpm(&b, PHYS(0x44000));
	EXPECT_EQ(at(0x48, 8), 0x44000);
	EXPECT_EQ(at(0xc0, 4), 0x1ffd);
}

TEST(event_bits)
{
	EXPECT_EQ(EVENT_VALID, 0x80000000);
	EXPECT_EQ(EVENT_ERROR_VALID, 0x800);
	EXPECT_EQ(EVENT_TYPE, 0x700);
	EXPECT_EQ(EVENT_ERROR, 0xffffffff00000000);
	EXPECT_EQ(EVENT_NMI, 2);
	EXPECT_EQ(EVENT_EXCEPTION, 3);
	EXPECT_EQ(EVENT_SOFTWARE, 4);
}

/* Bit n of word 3 is exit code 60h + n, of word 4 80h + n. */
TEST(intercept_positions)
{
	EXPECT_EQ(INTERCEPT3_VINTR, 1u << (0x64 - 0x60));
	EXPECT_EQ(INTERCEPT3_RDPMC, 1u << (0x6f - 0x60));
	EXPECT_EQ(INTERCEPT3_CPUID, 1u << (0x72 - 0x60));
	EXPECT_EQ(INTERCEPT3_INVD, 1u << (0x76 - 0x60));
	EXPECT_EQ(INTERCEPT3_HLT, 1u << (0x78 - 0x60));
	EXPECT_EQ(INTERCEPT3_INVLPGA, 1u << (0x7a - 0x60));
	EXPECT_EQ(INTERCEPT3_IOIO, 1u << (0x7b - 0x60));
	EXPECT_EQ(INTERCEPT3_MSR, 1u << (0x7c - 0x60));
	EXPECT_EQ(INTERCEPT3_SHUTDOWN, 1u << (0x7f - 0x60));
	EXPECT_EQ(INTERCEPT4_VMMCALL, 1u << (0x81 - 0x80));
	EXPECT_EQ(INTERCEPT4_SKINIT, 1u << (0x86 - 0x80));
	EXPECT_EQ(INTERCEPT4_RDTSCP, 1u << (0x87 - 0x80));
	EXPECT_EQ(INTERCEPT4_WBINVD, 1u << (0x89 - 0x80));
	EXPECT_EQ(INTERCEPT4_MONITOR, 1u << (0x8a - 0x80));
	EXPECT_EQ(INTERCEPT4_MWAIT, 1u << (0x8b - 0x80));
	EXPECT_EQ(INTERCEPT4_XSETBV, 1u << (0x8d - 0x80));
	EXPECT_EQ(INTERCEPT4_RDPRU, 1u << (0x8e - 0x80));
}
