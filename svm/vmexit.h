/* SPDX-License-Identifier: MIT */
/* An exit, decoded: policy never sees an exit code. */
#ifndef SVM_VMEXIT_H
#define SVM_VMEXIT_H

#include "base/types.h"

struct svm_vcpu;

enum vmexit_kind {
	VMEXIT_KIND_UNKNOWN,
	VMEXIT_KIND_INTR,
	VMEXIT_KIND_NMI,
	VMEXIT_KIND_VINTR, /* interrupt window */
	VMEXIT_KIND_CPUID,
	VMEXIT_KIND_HLT,
	VMEXIT_KIND_IO,
	VMEXIT_KIND_MSR,
	VMEXIT_KIND_HYPERCALL,
	VMEXIT_KIND_NPF,
	VMEXIT_KIND_AVIC_IPI,     /* 401h */
	VMEXIT_KIND_AVIC_NOACCEL, /* 402h */
	VMEXIT_KIND_SHUTDOWN,
	VMEXIT_KIND_SVM_INSTRUCTION, /* VMRUN.. and others that get #UD */
	VMEXIT_KIND_XSETBV,
	VMEXIT_KIND_INVD, /* INVD, WBINVD */
	VMEXIT_KIND_DR,   /* the first use of a breakpoint register */
	VMEXIT_KIND_EXCEPTION,
	VMEXIT_KIND_INIT,
	VMEXIT_KIND_IRET,    /* of an NMI handler */
	VMEXIT_KIND_INVALID, /* VMEXIT_INVALID: our bug */
	SVM_EXIT_KINDS,
};

struct vmexit {
	enum vmexit_kind kind;
	uint64_t code, info1, info2; /* raw, for logs */
	union {
		struct {
			uint16_t port;
			uint8_t bytes; /* 1, 2, 4 */
			bool in, string, rep;
			uint64_t next_rip;
		} io;
		struct {
			uint32_t index;
			bool write;
		} msr;
		struct {
			gpa_t gpa;
			bool present, write, fetch, table_walk;
		} npf;
		struct {
			uint64_t icr; /* ICRH:ICRL */
			uint32_t cause, index;
		} ipi;
		struct {
			uint16_t offset; /* in the APIC page */
			bool write;
			uint8_t eoi_vector;
		} noaccel;
		struct {
			uint8_t vector;
			uint32_t error;
			uint64_t address;
		} exception;
	};
};

struct vmexit vmexit_decode(const struct svm_vcpu *s);
const char *vmexit_name(enum vmexit_kind kind);

#endif
