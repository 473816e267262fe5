/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's VMRUN and #VMEXIT lack: checks, nRIP, clean bits, ASID bookkeeping and the
 * stopwatch's records. Called from hooks/svm.hook and hooks/stopwatch.hook.
 */
#ifndef REVEILLE_SVM_ENTRY_H
#define REVEILLE_SVM_ENTRY_H

#include "cpu.h"

void svm_entry_begin(CPUX86State *env); /* vm_vmcb is set, host state still loaded */
bool svm_entry_valid(CPUX86State *env); /* false: VMEXIT_INVALID */
void svm_entry_done(CPUX86State *env);  /* guest state loaded, event not yet injected */
void svm_entry_injected(CPUX86State *env, unsigned vector); /* EVENTINJ of type 0 */

uint64_t svm_entry_return_rip(CPUX86State *env);        /* for an injected INTn */
void svm_virq_taken(CPUX86State *env, unsigned vector); /* V_IRQ delivered */
void svm_host_irq(CPUX86State *env, unsigned vector);   /* physical interrupt taken */

/* The exit code is known and env->eip is that of the instruction. Returns EXITINFO1. */
uint64_t svm_exit_reason(CPUX86State *env, uint64_t code, uint64_t info1);
void svm_exit_begin(CPUX86State *env);   /* guest state still loaded */
bool svm_exit_invalid(CPUX86State *env); /* VMRUN failed: the save area stays as it is */
void svm_exit_end(CPUX86State *env);     /* the VMCB is written, host state loaded */

void svm_tlb_flush(CPUX86State *env); /* CR0, CR3 or CR4 written: svm_tlb.c */

/* svm_init.c; all with the BQL held, but for the MSR. */
#define MSR_VM_CR    0xc0010114
#define VM_CR_SVMDIS (1u << 4)
bool svm_vm_cr_write(CPUX86State *env, uint64_t val); /* false: #GP */
bool svm_init_allowed(CPUState *cs);                  /* false: held, GIF is 0 */
bool svm_init_redirected(CPUState *cs);               /* true: #SX is pending instead */

#endif
