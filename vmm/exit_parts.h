/* SPDX-License-Identifier: MIT */
/* The kinds of exits that have a file of their own. */
#ifndef VMM_EXIT_PARTS_H
#define VMM_EXIT_PARTS_H

#include "exit.h"
#include "svm/vmexit.h"

struct cpu;
struct vcpu;
struct svm_vm;
struct mmio_access;

/* exit.c: #GP(0) at the instruction that exited. */
void exit_inject_gp(struct vcpu *v);

/* exit_cpuid.c */
void exit_cpuid(struct vcpu *v);

/* exit_msr.c: what a guest reaches without an exit, at VM creation; and the exits. */
void exit_msr_open(struct svm_vm *vm);
void exit_msr(struct cpu *here, struct vcpu *v, const struct vmexit *e);

/* exit_io.c */
void exit_io(struct cpu *here, struct vcpu *v, const struct vmexit *e);

/* exit_apic.c. msr: false: #GP. */
bool exit_apic_msr(struct cpu *here, struct vcpu *v, uint32_t msr, bool write, uint64_t *value);
/* IA32_APIC_BASE is written: the APIC's mode. false: #GP. */
bool exit_apic_base(struct vcpu *v, uint64_t value);
/* xAPIC: software does an access to the APIC page. */
void exit_apic_access(struct cpu *here, struct vcpu *v, struct mmio_access *a);
void exit_ipi(struct cpu *here, struct vcpu *v, const struct vmexit *e);
void exit_noaccel(struct cpu *here, struct vcpu *v, const struct vmexit *e);

/* hypercall.c */
enum exit_result exit_hypercall(struct cpu *here, struct vcpu *v);

#endif
