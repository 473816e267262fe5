/* SPDX-License-Identifier: MIT */
/* The kinds of exits that have a file of their own. */
#ifndef VMM_EXIT_PARTS_H
#define VMM_EXIT_PARTS_H

#include "exit.h"
#include "svm/vmexit.h"

struct cpu;
struct vcpu;
struct svm_vm;

/* exit.c: #GP(0) at the instruction that exited. */
void exit_inject_gp(struct vcpu *v);

/* exit_cpuid.c */
void exit_cpuid(struct vcpu *v);

/* exit_msr.c: what a guest reaches without an exit, at VM creation; and the exits. */
void exit_msr_open(struct svm_vm *vm);
void exit_msr(struct cpu *here, struct vcpu *v, const struct vmexit *e);

/* exit_io.c */
void exit_io(struct vcpu *v, const struct vmexit *e);

/* exit_apic.c. msr: false: #GP. */
bool exit_apic_msr(struct cpu *here, struct vcpu *v, uint32_t msr, bool write, uint64_t *value);
/* A nested page fault at gpa; false: not the APIC page of this VM. */
bool exit_apic_page(struct cpu *here, struct vcpu *v, gpa_t gpa);
void exit_ipi(struct cpu *here, struct vcpu *v, const struct vmexit *e);
void exit_noaccel(struct cpu *here, struct vcpu *v, const struct vmexit *e);

/* hypercall.c */
enum exit_result exit_hypercall(struct cpu *here, struct vcpu *v);

#endif
