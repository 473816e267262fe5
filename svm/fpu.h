/* SPDX-License-Identifier: MIT */
/*
 * CPU state that #VMEXIT leaves alone and the host never touches: x87, SSE, AVX.. with XCR0, and
 * the breakpoint addresses DR0-DR3. It stays in the CPU until another vCPU needs the place.
 *
 * Moves of breakpoint registers are slow and hardly any guest uses them, so a vCPU starts without:
 * its first access, or a DR7 that could enable one, exits, and from then on DR0-DR3 are switched
 * too, until a switch finds that DR7 enables none (24593 rev 3.44, "Debug Registers").
 */
#ifndef SVM_FPU_H
#define SVM_FPU_H

#include "svm.h"

/* On each CPU, after CR4.OSXSAVE is set: all components that guests may use are enabled. */
void svm_fpu_init_cpu(void);
/* Memory for s, in the state after reset. */
err_t svm_fpu_init(struct svm_vcpu *s) MUST_USE;
/* That state again; s is in no CPU. */
void svm_fpu_reset(struct svm_vcpu *s);
void svm_fpu_free(struct svm_vcpu *s);
/* from's state (NULL: nobody's) out of this CPU, to's (NULL: nobody's) into it. */
void svm_fpu_switch(struct cpu *cpu, struct svm_vcpu *from, struct svm_vcpu *to);
/* The guest touches DR0-DR3 or DR7: they are in the CPU from here on; its state is loaded. */
void svm_breakpoints_open(struct svm_vcpu *s);
/* They aren't any more; the next access exits. */
void svm_breakpoints_close(struct svm_vcpu *s);
/* The guest's XSETBV, while its state is loaded; false: it gets a #GP. */
bool svm_fpu_set_xcr0(struct svm_vcpu *s, uint32_t index, uint64_t value);
/* What a guest may enable in XCR0; 0: no XSAVE. */
uint64_t svm_fpu_xcr0_mask(void);

#endif
