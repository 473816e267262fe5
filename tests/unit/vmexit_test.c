// SPDX-License-Identifier: MIT
/* sources: svm/vmexit.c */
#include "svm/svm.h"
#include "test.h"

static struct vmcb b;
static struct svm_vcpu s = { .vmcb = &b };

static struct vmexit exit_of(uint64_t code, uint64_t info1, uint64_t info2)
{
	b.exit_code = code;
	b.exit_info1 = info1;
	b.exit_info2 = info2;
	return vmexit_decode(&s);
}

/* 24593 rev 3.44, "SVM Intercept Exit Codes". */
TEST(kinds)
{
	static const struct {
		uint64_t code;
		enum vmexit_kind kind;
	} cases[] = {
		{ 0x00, VMEXIT_KIND_UNKNOWN },
		{ 0x41, VMEXIT_KIND_EXCEPTION },
		{ 0x5f, VMEXIT_KIND_EXCEPTION },
		{ 0x60, VMEXIT_KIND_INTR },
		{ 0x61, VMEXIT_KIND_NMI },
		{ 0x62, VMEXIT_KIND_NMI },
		{ 0x63, VMEXIT_KIND_INIT },
		{ 0x64, VMEXIT_KIND_VINTR },
		{ 0x6f, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x72, VMEXIT_KIND_CPUID },
		{ 0x76, VMEXIT_KIND_INVD },
		{ 0x20, VMEXIT_KIND_DR },
		{ 0x3f, VMEXIT_KIND_DR },
		{ 0x78, VMEXIT_KIND_HLT },
		{ 0x7a, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x7b, VMEXIT_KIND_IO },
		{ 0x7c, VMEXIT_KIND_MSR },
		{ 0x7f, VMEXIT_KIND_SHUTDOWN },
		{ 0x80, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x81, VMEXIT_KIND_HYPERCALL },
		{ 0x82, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x86, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x87, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x88, VMEXIT_KIND_UNKNOWN },
		{ 0x89, VMEXIT_KIND_INVD },
		{ 0x8a, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x8b, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x8c, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x8d, VMEXIT_KIND_XSETBV },
		{ 0x8e, VMEXIT_KIND_SVM_INSTRUCTION },
		{ 0x400, VMEXIT_KIND_NPF },
		{ 0x401, VMEXIT_KIND_AVIC_IPI },
		{ 0x402, VMEXIT_KIND_AVIC_NOACCEL },
		{ 0x403, VMEXIT_KIND_UNKNOWN },
		{ 0xffffffffffffffff, VMEXIT_KIND_INVALID },
		{ 0xffffffff, VMEXIT_KIND_UNKNOWN },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vmexit e = exit_of(cases[i].code, 1, 2);

		EXPECT_EQ(e.kind, cases[i].kind);
		EXPECT_EQ(e.code, cases[i].code);
		EXPECT_EQ(e.info1, 1);
		EXPECT_EQ(e.info2, 2);
		EXPECT(strcmp(vmexit_name(e.kind), "?"));
	}
	EXPECT(!strcmp(vmexit_name((enum vmexit_kind)99), "?"));
}

TEST(io)
{
	struct vmexit e = exit_of(0x7b, 0x03f80011, 0x1002);

	EXPECT_EQ(e.io.port, 0x3f8);
	EXPECT_EQ(e.io.bytes, 1);
	EXPECT(e.io.in && !e.io.string && !e.io.rep);
	EXPECT_EQ(e.io.next_rip, 0x1002);
	e = exit_of(0x7b, 0x0cf8004c, 0);
	EXPECT_EQ(e.io.port, 0xcf8);
	EXPECT_EQ(e.io.bytes, 4);
	EXPECT(!e.io.in && e.io.string && e.io.rep);
	EXPECT_EQ(exit_of(0x7b, 0x20, 0).io.bytes, 2);
}

TEST(msr)
{
	s.regs.rcx = 0xffffffffc0000080;
	EXPECT_EQ(exit_of(0x7c, 1, 0).msr.index, 0xc0000080);
	EXPECT(exit_of(0x7c, 1, 0).msr.write);
	EXPECT(!exit_of(0x7c, 0, 0).msr.write);
}

TEST(nested_page_fault)
{
	struct vmexit e = exit_of(0x400, 0x100000006, 0xfee000b0);

	EXPECT_EQ(e.npf.gpa.v, 0xfee000b0);
	EXPECT(e.npf.write && !e.npf.present && !e.npf.fetch && !e.npf.table_walk);
	e = exit_of(0x400, 0x200000015, 0);
	EXPECT(!e.npf.write && e.npf.present && e.npf.fetch && e.npf.table_walk);
}

TEST(avic)
{
	struct vmexit e = exit_of(0x401, 0x0000000500004031, 0x0000000100000005);

	EXPECT_EQ(e.ipi.icr, 0x0000000500004031);
	EXPECT_EQ(e.ipi.cause, 1);
	EXPECT_EQ(e.ipi.index, 5);
	e = exit_of(0x402, 0x1000000b0, 0x31);
	EXPECT_EQ(e.noaccel.offset, 0xb0);
	EXPECT(e.noaccel.write);
	EXPECT_EQ(e.noaccel.eoi_vector, 0x31);
	EXPECT(!exit_of(0x402, 0x390, 0).noaccel.write);
}

TEST(exception)
{
	struct vmexit e = exit_of(0x51, 0, 0x1234);

	EXPECT_EQ(e.exception.vector, 17);
	EXPECT_EQ(e.exception.address, 0x1234);
}
