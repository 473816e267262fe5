/* SPDX-License-Identifier: MIT */
#include "vmexit.h"
#include "svm.h"
#include "base/bits.h"

/* 24593 rev 3.44, "SVM Intercept Exit Codes". */
enum exit_code {
	EXIT_DR_FIRST = 0x20, /* reads of 16, then writes */
	EXIT_DR_LAST = 0x3f,
	EXIT_EXCEPTION_FIRST = 0x40,
	EXIT_EXCEPTION_LAST = 0x5f,
	EXIT_INTR = 0x60,
	EXIT_NMI = 0x61,
	EXIT_SMI = 0x62,
	EXIT_INIT = 0x63,
	EXIT_VINTR = 0x64,
	EXIT_RDPMC = 0x6f,
	EXIT_CPUID = 0x72,
	EXIT_IRET = 0x74,
	EXIT_INVD = 0x76,
	EXIT_HLT = 0x78,
	EXIT_INVLPGA = 0x7a,
	EXIT_IOIO = 0x7b,
	EXIT_MSR = 0x7c,
	EXIT_SHUTDOWN = 0x7f,
	EXIT_VMRUN = 0x80,
	EXIT_VMMCALL = 0x81,
	EXIT_VMLOAD = 0x82,
	EXIT_SKINIT = 0x86,
	EXIT_RDTSCP = 0x87,
	EXIT_WBINVD = 0x89,
	EXIT_MONITOR = 0x8a,
	EXIT_MWAIT_ARMED = 0x8c,
	EXIT_XSETBV = 0x8d,
	EXIT_RDPRU = 0x8e,
	EXIT_NPF = 0x400,
	EXIT_AVIC_INCOMPLETE_IPI = 0x401,
	EXIT_AVIC_NOACCEL = 0x402,
};

#define IO_IN       BIT(0)
#define IO_STRING   BIT(2)
#define IO_REP      BIT(3)
#define IO_BYTES    FIELD(6, 4) /* one bit each for 1, 2 and 4: the value is the size */
#define IO_PORT     FIELD(31, 16)
#define NPF_PRESENT BIT(0)
#define NPF_WRITE   BIT(1)
#define NPF_FETCH   BIT(4)
#define NPF_TABLE   BIT(33)
#define IPI_CAUSE   FIELD(63, 32)
#define IPI_INDEX   FIELD(11, 0)
#define APIC_WRITE  BIT(32)
#define APIC_OFFSET FIELD(11, 4)
#define APIC_VECTOR FIELD(7, 0)

static enum vmexit_kind kind_of(uint64_t code)
{
	switch (code) {
	case EXIT_DR_FIRST ... EXIT_DR_LAST:
		return VMEXIT_KIND_DR;
	case EXIT_EXCEPTION_FIRST ... EXIT_EXCEPTION_LAST:
		return VMEXIT_KIND_EXCEPTION;
	case EXIT_INTR:
		return VMEXIT_KIND_INTR;
	case EXIT_NMI:
	case EXIT_SMI: /* likewise pending, and gone after STGI */
		return VMEXIT_KIND_NMI;
	case EXIT_INIT:
		return VMEXIT_KIND_INIT;
	case EXIT_VINTR:
		return VMEXIT_KIND_VINTR;
	case EXIT_CPUID:
		return VMEXIT_KIND_CPUID;
	case EXIT_IRET:
		return VMEXIT_KIND_IRET;
	case EXIT_INVD:
	case EXIT_WBINVD:
		return VMEXIT_KIND_INVD;
	case EXIT_HLT:
		return VMEXIT_KIND_HLT;
	case EXIT_IOIO:
		return VMEXIT_KIND_IO;
	case EXIT_MSR:
		return VMEXIT_KIND_MSR;
	case EXIT_SHUTDOWN:
		return VMEXIT_KIND_SHUTDOWN;
	case EXIT_VMMCALL:
		return VMEXIT_KIND_HYPERCALL;
	case EXIT_RDPMC:
	case EXIT_INVLPGA:
	case EXIT_VMRUN:
	case EXIT_VMLOAD ... EXIT_SKINIT:
	case EXIT_RDTSCP:
	case EXIT_MONITOR ... EXIT_MWAIT_ARMED:
	case EXIT_RDPRU:
		return VMEXIT_KIND_SVM_INSTRUCTION;
	case EXIT_XSETBV:
		return VMEXIT_KIND_XSETBV;
	case EXIT_NPF:
		return VMEXIT_KIND_NPF;
	case EXIT_AVIC_INCOMPLETE_IPI:
		return VMEXIT_KIND_AVIC_IPI;
	case EXIT_AVIC_NOACCEL:
		return VMEXIT_KIND_AVIC_NOACCEL;
	case ~0ull:
		return VMEXIT_KIND_INVALID;
	default:
		return VMEXIT_KIND_UNKNOWN;
	}
}

static void decode_io(struct vmexit *e)
{
	e->io.port = field_get(IO_PORT, e->info1);
	e->io.bytes = field_get(IO_BYTES, e->info1);
	e->io.in = e->info1 & IO_IN;
	e->io.string = e->info1 & IO_STRING;
	e->io.rep = e->info1 & IO_REP;
	e->io.next_rip = e->info2;
}

static void decode_npf(struct vmexit *e)
{
	e->npf.gpa = GPA(e->info2);
	e->npf.present = e->info1 & NPF_PRESENT;
	e->npf.write = e->info1 & NPF_WRITE;
	e->npf.fetch = e->info1 & NPF_FETCH;
	e->npf.table_walk = e->info1 & NPF_TABLE;
}

struct vmexit vmexit_decode(const struct svm_vcpu *s)
{
	const struct vmcb *b = s->vmcb;
	struct vmexit e = {
		.kind = kind_of(b->exit_code),
		.code = b->exit_code,
		.info1 = b->exit_info1,
		.info2 = b->exit_info2,
	};

	switch (e.kind) {
	case VMEXIT_KIND_IO:
		decode_io(&e);
		break;
	case VMEXIT_KIND_MSR:
		e.msr.index = (uint32_t)s->regs.rcx;
		e.msr.write = e.info1 & 1;
		break;
	case VMEXIT_KIND_NPF:
		decode_npf(&e);
		break;
	case VMEXIT_KIND_AVIC_IPI:
		e.ipi.icr = e.info1;
		e.ipi.cause = field_get(IPI_CAUSE, e.info2);
		e.ipi.index = field_get(IPI_INDEX, e.info2);
		break;
	case VMEXIT_KIND_AVIC_NOACCEL:
		e.noaccel.offset = e.info1 & APIC_OFFSET;
		e.noaccel.write = e.info1 & APIC_WRITE;
		e.noaccel.eoi_vector = field_get(APIC_VECTOR, e.info2);
		break;
	case VMEXIT_KIND_EXCEPTION:
		e.exception.vector = e.code - EXIT_EXCEPTION_FIRST;
		e.exception.error = (uint32_t)e.info1;
		e.exception.address = e.info2;
		break;
	default:
		break;
	}
	return e;
}

const char *vmexit_name(enum vmexit_kind kind)
{
	static const char *const names[SVM_EXIT_KINDS] = {
		[VMEXIT_KIND_UNKNOWN] = "unknown",
		[VMEXIT_KIND_INTR] = "intr",
		[VMEXIT_KIND_NMI] = "nmi",
		[VMEXIT_KIND_VINTR] = "vintr",
		[VMEXIT_KIND_CPUID] = "cpuid",
		[VMEXIT_KIND_HLT] = "hlt",
		[VMEXIT_KIND_IO] = "io",
		[VMEXIT_KIND_MSR] = "msr",
		[VMEXIT_KIND_HYPERCALL] = "hypercall",
		[VMEXIT_KIND_NPF] = "npf",
		[VMEXIT_KIND_AVIC_IPI] = "avic-ipi",
		[VMEXIT_KIND_AVIC_NOACCEL] = "avic-noaccel",
		[VMEXIT_KIND_SHUTDOWN] = "shutdown",
		[VMEXIT_KIND_SVM_INSTRUCTION] = "svm-instruction",
		[VMEXIT_KIND_XSETBV] = "xsetbv",
		[VMEXIT_KIND_INVD] = "invd",
		[VMEXIT_KIND_DR] = "dr",
		[VMEXIT_KIND_EXCEPTION] = "exception",
		[VMEXIT_KIND_INIT] = "init",
		[VMEXIT_KIND_IRET] = "iret",
		[VMEXIT_KIND_INVALID] = "invalid",
	};

	return (unsigned)kind < SVM_EXIT_KINDS ? names[kind] : "?";
}
