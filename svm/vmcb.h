/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine control block (24593 rev 3.44, "Layout of VMCB"): facts and the setters that
 * keep a field and its clean bit together. Hardware caches what a clean bit covers, so such a field
 * is never assigned directly outside this header and svm_vcpu_init().
 */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include "base/bits.h"
#include "base/types.h"

/* Attributes as in descriptor bits 55:52 and 47:40, packed: type 3:0, S 4, DPL 6:5, P 7, AVL 8,
 * L 9, D/B 10, G 11. */
struct vmcb_segment {
	uint16_t selector, attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint16_t cr_read, cr_write, dr_read, dr_write; /* CLEAN_INTERCEPTS */
	uint32_t exceptions;                           /* CLEAN_INTERCEPTS */
	uint32_t intercept3, intercept4, intercept5;   /* CLEAN_INTERCEPTS */
	uint8_t reserved_18[0x24];
	uint16_t pause_threshold, pause_count; /* CLEAN_INTERCEPTS */
	uint64_t iopm, msrpm;                  /* CLEAN_PERM */
	uint64_t tsc_offset;                   /* CLEAN_INTERCEPTS */
	uint32_t asid;                         /* CLEAN_ASID */
	uint8_t tlb_control;                   /* enum tlb_control; software returns it to 0 */
	uint8_t reserved_5d[3];
	uint64_t int_control; /* CLEAN_INT_CONTROL; VIC_* */
	uint64_t int_state;   /* INT_STATE_SHADOW */
	uint64_t exit_code, exit_info1, exit_info2;
	uint64_t exit_int_info; /* EVENT_* */
	uint64_t np_control;    /* CLEAN_NP */
	uint64_t apic_bar;      /* CLEAN_AVIC; guest physical */
	uint64_t ghcb;
	uint64_t event_inj; /* EVENT_* */
	uint64_t ncr3;      /* CLEAN_NP */
	uint64_t virt_ext;
	uint32_t clean; /* CLEAN_*: 1 says unchanged since the last exit on this core */
	uint32_t reserved_c4;
	uint64_t nrip;
	uint8_t insn_bytes;
	uint8_t insn[15];
	uint64_t avic_backing; /* CLEAN_AVIC */
	uint64_t reserved_e8;
	uint64_t avic_logical;  /* CLEAN_AVIC */
	uint64_t avic_physical; /* CLEAN_AVIC; highest index in the low bits */
	uint8_t reserved_100[0x300];

	struct vmcb_segment es, cs, ss, ds; /* CLEAN_SEGMENTS */
	struct vmcb_segment fs, gs;         /* VMLOAD, VMSAVE */
	struct vmcb_segment gdtr;           /* CLEAN_TABLES */
	struct vmcb_segment ldtr;           /* VMLOAD, VMSAVE */
	struct vmcb_segment idtr;           /* CLEAN_TABLES */
	struct vmcb_segment tr;             /* VMLOAD, VMSAVE */
	uint8_t reserved_4a0[0x2b];
	uint8_t cpl; /* CLEAN_SEGMENTS */
	uint8_t reserved_4cc[4];
	uint64_t efer; /* CLEAN_CRX */
	uint8_t reserved_4d8[0x70];
	uint64_t cr4, cr3, cr0; /* CLEAN_CRX */
	uint64_t dr7, dr6;      /* CLEAN_DRX */
	uint64_t rflags, rip;
	uint8_t reserved_580[0x58];
	uint64_t rsp;
	uint64_t s_cet, ssp, isst;
	uint64_t rax;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base; /* VMLOAD, VMSAVE */
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;    /* VMLOAD, VMSAVE */
	uint64_t cr2;                                        /* CLEAN_CR2 */
	uint8_t reserved_648[0x20];
	uint64_t pat;                                             /* CLEAN_NP */
	uint64_t debug_control, br_from, br_to, int_from, int_to; /* CLEAN_LBR */
	uint8_t reserved_698[0x968];
} __attribute__((aligned(4096)));

#define VMCB_AT(field, offset)                                                                     \
	_Static_assert(offsetof(struct vmcb, field) == (offset), "24593 rev 3.44, Layout of VMCB")

VMCB_AT(cr_read, 0x000);
VMCB_AT(cr_write, 0x002);
VMCB_AT(dr_read, 0x004);
VMCB_AT(dr_write, 0x006);
VMCB_AT(exceptions, 0x008);
VMCB_AT(intercept3, 0x00c);
VMCB_AT(intercept4, 0x010);
VMCB_AT(intercept5, 0x014);
VMCB_AT(pause_threshold, 0x03c);
VMCB_AT(pause_count, 0x03e);
VMCB_AT(iopm, 0x040);
VMCB_AT(msrpm, 0x048);
VMCB_AT(tsc_offset, 0x050);
VMCB_AT(asid, 0x058);
VMCB_AT(tlb_control, 0x05c);
VMCB_AT(int_control, 0x060);
VMCB_AT(int_state, 0x068);
VMCB_AT(exit_code, 0x070);
VMCB_AT(exit_info1, 0x078);
VMCB_AT(exit_info2, 0x080);
VMCB_AT(exit_int_info, 0x088);
VMCB_AT(np_control, 0x090);
VMCB_AT(apic_bar, 0x098);
VMCB_AT(ghcb, 0x0a0);
VMCB_AT(event_inj, 0x0a8);
VMCB_AT(ncr3, 0x0b0);
VMCB_AT(virt_ext, 0x0b8);
VMCB_AT(clean, 0x0c0);
VMCB_AT(nrip, 0x0c8);
VMCB_AT(insn_bytes, 0x0d0);
VMCB_AT(insn, 0x0d1);
VMCB_AT(avic_backing, 0x0e0);
VMCB_AT(avic_logical, 0x0f0);
VMCB_AT(avic_physical, 0x0f8);
VMCB_AT(es, 0x400);
VMCB_AT(cs, 0x410);
VMCB_AT(ss, 0x420);
VMCB_AT(ds, 0x430);
VMCB_AT(fs, 0x440);
VMCB_AT(gs, 0x450);
VMCB_AT(gdtr, 0x460);
VMCB_AT(ldtr, 0x470);
VMCB_AT(idtr, 0x480);
VMCB_AT(tr, 0x490);
VMCB_AT(cpl, 0x4cb);
VMCB_AT(efer, 0x4d0);
VMCB_AT(cr4, 0x548);
VMCB_AT(cr3, 0x550);
VMCB_AT(cr0, 0x558);
VMCB_AT(dr7, 0x560);
VMCB_AT(dr6, 0x568);
VMCB_AT(rflags, 0x570);
VMCB_AT(rip, 0x578);
VMCB_AT(rsp, 0x5d8);
VMCB_AT(s_cet, 0x5e0);
VMCB_AT(rax, 0x5f8);
VMCB_AT(star, 0x600);
VMCB_AT(kernel_gs_base, 0x620);
VMCB_AT(sysenter_cs, 0x628);
VMCB_AT(sysenter_eip, 0x638);
VMCB_AT(cr2, 0x640);
VMCB_AT(pat, 0x668);
VMCB_AT(debug_control, 0x670);
VMCB_AT(int_to, 0x690);
_Static_assert(sizeof(struct vmcb) == 4096, "24593 rev 3.44, Layout of VMCB");

enum vmcb_clean {
	CLEAN_INTERCEPTS = 1 << 0,
	CLEAN_PERM = 1 << 1,
	CLEAN_ASID = 1 << 2,
	CLEAN_INT_CONTROL = 1 << 3,
	CLEAN_NP = 1 << 4,
	CLEAN_CRX = 1 << 5,
	CLEAN_DRX = 1 << 6,
	CLEAN_TABLES = 1 << 7,
	CLEAN_SEGMENTS = 1 << 8,
	CLEAN_CR2 = 1 << 9,
	CLEAN_LBR = 1 << 10,
	CLEAN_AVIC = 1 << 11,
	CLEAN_CET = 1 << 12,
	CLEAN_ALL = (1 << 13) - 1,
};

/* Intercept words 3 and 4: bit n of word 3 is exit code 60h + n, of word 4 80h + n. */
enum intercept3 {
	INTERCEPT3_INTR = 1 << 0,
	INTERCEPT3_NMI = 1 << 1,
	INTERCEPT3_SMI = 1 << 2,
	INTERCEPT3_INIT = 1 << 3,
	INTERCEPT3_VINTR = 1 << 4,
	INTERCEPT3_RDPMC = 1 << 15,
	INTERCEPT3_CPUID = 1 << 18,
	INTERCEPT3_IRET = 1 << 20,
	INTERCEPT3_INVD = 1 << 22,
	INTERCEPT3_HLT = 1 << 24,
	INTERCEPT3_INVLPGA = 1 << 26,
	INTERCEPT3_IOIO = 1 << 27,
	INTERCEPT3_MSR = 1 << 28,
	INTERCEPT3_FERR_FREEZE = 1 << 30,
};
#define INTERCEPT3_SHUTDOWN 0x80000000u /* bit 31 isn't an int */

enum intercept4 {
	INTERCEPT4_VMRUN = 1 << 0,
	INTERCEPT4_VMMCALL = 1 << 1,
	INTERCEPT4_VMLOAD = 1 << 2,
	INTERCEPT4_VMSAVE = 1 << 3,
	INTERCEPT4_STGI = 1 << 4,
	INTERCEPT4_CLGI = 1 << 5,
	INTERCEPT4_SKINIT = 1 << 6,
	INTERCEPT4_RDTSCP = 1 << 7,
	INTERCEPT4_WBINVD = 1 << 9,
	INTERCEPT4_MONITOR = 1 << 10,
	INTERCEPT4_MWAIT = 1 << 11,
	INTERCEPT4_XSETBV = 1 << 13,
	INTERCEPT4_RDPRU = 1 << 14,
};

/* Offset 060h, virtual interrupt control. */
#define VIC_TPR          FIELD(7, 0) /* 3:0 used: the priority class */
#define VIC_IRQ          BIT(8)
#define VIC_INTR_PRIO    FIELD(19, 16)
#define VIC_IGN_TPR      BIT(20)
#define VIC_INTR_MASKING BIT(24)
#define VIC_X2AVIC       BIT(30)
#define VIC_AVIC         BIT(31)
#define VIC_VECTOR       FIELD(39, 32)

#define INT_STATE_SHADOW BIT(0) /* 068h */

#define NP_ENABLE BIT(0) /* 090h */

/* EVENTINJ and EXITINTINFO. */
#define EVENT_VECTOR      FIELD(7, 0)
#define EVENT_TYPE        FIELD(10, 8)
#define EVENT_ERROR_VALID BIT(11)
#define EVENT_VALID       BIT(31)
#define EVENT_ERROR       FIELD(63, 32)
enum event_type { EVENT_INTERRUPT = 0, EVENT_NMI = 2, EVENT_EXCEPTION = 3, EVENT_SOFTWARE = 4 };

#define AVIC_PHYSICAL_TABLE FIELD(51, 12) /* 0F8h */
#define AVIC_PHYSICAL_MAX   FIELD(11, 0)

/* 05Ch. FLUSH_ASID needs FlushByAsid. */
enum tlb_control { TLB_KEEP = 0, TLB_FLUSH_ALL = 1, TLB_FLUSH_ASID = 3 };

static inline void vmcb_set_asid(struct vmcb *b, uint32_t asid)
{
	b->asid = asid;
	b->clean &= ~(uint32_t)CLEAN_ASID;
}

/* read, write: bit n for DRn. */
static inline void vmcb_set_dr_intercepts(struct vmcb *b, uint16_t read, uint16_t write)
{
	b->dr_read = read;
	b->dr_write = write;
	b->clean &= ~(uint32_t)CLEAN_INTERCEPTS;
}

static inline void vmcb_set_intercept3(struct vmcb *b, uint32_t bits)
{
	b->intercept3 = bits;
	b->clean &= ~(uint32_t)CLEAN_INTERCEPTS;
}

static inline void vmcb_set_msrpm(struct vmcb *b, phys_t map)
{
	b->msrpm = map.v;
	b->clean &= ~(uint32_t)CLEAN_PERM;
}

static inline void vmcb_set_tsc_offset(struct vmcb *b, uint64_t offset)
{
	b->tsc_offset = offset;
	b->clean &= ~(uint32_t)CLEAN_INTERCEPTS;
}

/* The AVIC bits live here too; the manual doesn't say which clean bit covers them, so both go. */
static inline void vmcb_set_int_control(struct vmcb *b, uint64_t vic)
{
	b->int_control = vic;
	b->clean &= ~(uint32_t)(CLEAN_INT_CONTROL | CLEAN_AVIC);
}

/* The guest's task priority class, TPR[7:4]: hardware decides by this copy, not by the page. */
static inline void vmcb_set_tpr_class(struct vmcb *b, uint8_t class)
{
	b->int_control = (b->int_control & ~VIC_TPR) | (class & 0xf);
	b->clean &= ~(uint32_t)CLEAN_INT_CONTROL;
}

static inline uint8_t vmcb_tpr_class(const struct vmcb *b)
{
	return b->int_control & 0xf;
}

/* Where AVIC finds a vCPU's page and its VM's tables; apic_bar and logical are 0 in x2AVIC mode. */
static inline void vmcb_set_avic_tables(struct vmcb *b, gpa_t apic_bar, phys_t backing,
	phys_t logical, phys_t physical, uint32_t max)
{
	b->apic_bar = apic_bar.v;
	b->avic_backing = backing.v;
	b->avic_logical = logical.v;
	b->avic_physical = field_set(AVIC_PHYSICAL_MAX, physical.v & AVIC_PHYSICAL_TABLE, max);
	b->clean &= ~(uint32_t)CLEAN_AVIC;
}

static inline void vmcb_set_crx(
	struct vmcb *b, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
	b->cr0 = cr0;
	b->cr3 = cr3;
	b->cr4 = cr4;
	b->efer = efer;
	b->clean &= ~(uint32_t)CLEAN_CRX;
}

static inline void vmcb_set_efer(struct vmcb *b, uint64_t efer)
{
	b->efer = efer;
	b->clean &= ~(uint32_t)CLEAN_CRX;
}

static inline void vmcb_set_pat(struct vmcb *b, uint64_t pat)
{
	b->pat = pat;
	b->clean &= ~(uint32_t)CLEAN_NP;
}

#endif
