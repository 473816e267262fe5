/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by svm_*.c only. */
#ifndef REVEILLE_SVM_INTERNAL_H
#define REVEILLE_SVM_INTERNAL_H

#include "svm_entry.h"
#include "svm_mem.h"

/* 24593 rev 3.44, "VMCB Layout": the fields that QEMU's struct vmcb does not name. */
#define VMCB_APIC_BAR   0x098
#define VMCB_CLEAN      0x0c0
#define VMCB_NRIP       0x0c8
#define VMCB_INSN       0x0d0 /* count, then 15 bytes */
#define VMCB_VAPIC      0x0e0
#define VMCB_G_PAT      0x668
#define INT_CTL_AVIC    (1u << 31)
#define INT_CTL_X2AVIC  (1u << 30)
#define VAPIC_ADDR      0x000ffffffffff000ull
#define VMCB_USED_BYTES 0x700 /* control area, and the save area up to the last field */

/* What a CPU may still hold of one VMCB that ran on it. */
typedef struct SvmSeen {
	uint64_t vmcb;
	uint8_t image[VMCB_USED_BYTES]; /* as of the last #VMEXIT here */
} SvmSeen;

/* What a guest's translations depend on; svm_asid.c fills it in at VMRUN. */
typedef struct SvmTag {
	uint64_t asid;
	uint64_t ncr3;
	uint64_t nested_mode; /* the host's paging mode, which the nested tables have */
	uint64_t vapic;       /* with xAVIC the APIC page differs between vCPUs of a VM, else 0 */
	uint64_t apic_bar;
	uint64_t vmcb;
	uint64_t visit; /* of the VMCB, when it last ran here with this tag */
} SvmTag;

/* What else they depend on, and the host's. */
typedef struct SvmPaging {
	uint64_t cr0, cr3, cr4, efer;
} SvmPaging;

/* One CPU. Only its own thread touches it. */
typedef struct SvmSide {
	bool invalid;      /* the exit under way is VMEXIT_INVALID */
	GHashTable *seen;  /* VMCB address -> SvmSeen */
	GHashTable *asids; /* ASID -> SvmTag */
	bool displaced;    /* the VMCB in memory holds cached fields, see svm_clean.c */
	uint8_t memory[VMCB_USED_BYTES];
	/* svm_tlb.c */
	bool switching; /* between VMRUN or #VMEXIT and the state that it loads */
	SvmTag held;    /* whose translations QEMU's TLB holds on the guest's side */
	SvmPaging guest, host;
} SvmSide;

SvmSide *svm_side(CPUX86State *env);

void svm_clean_load(CPUX86State *env, SvmSide *side);
void svm_clean_save(CPUX86State *env, SvmSide *side);
uint64_t svm_decode_assist(CPUX86State *env, uint64_t code, uint64_t info1);
/* Returns what the guest's translations stand for from here on. */
SvmTag svm_asid_enter(CPUX86State *env, SvmSide *side);
void svm_tlb_leave_host(CPUX86State *env, SvmSide *side);
void svm_tlb_enter_guest(CPUX86State *env, SvmSide *side, const SvmTag *tag);
void svm_tlb_leave_guest(CPUX86State *env, SvmSide *side);
void svm_tlb_enter_host(CPUX86State *env, SvmSide *side);

#endif
