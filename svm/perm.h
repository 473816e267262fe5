/* SPDX-License-Identifier: MIT */
/* I/O and MSR permission maps; everything is intercepted unless opened. */
#ifndef SVM_PERM_H
#define SVM_PERM_H

#include "base/err.h"
#include "base/types.h"

struct svm_vm;

err_t perm_init(struct svm_vm *vm) MUST_USE;
void perm_free(struct svm_vm *vm);
enum perm_access { PERM_NONE = 0, PERM_READ = 1, PERM_WRITE = 2, PERM_RW = 3 };
/* Accesses named here don't exit any more, all others of this MSR do. Effective at once. */
void perm_msr(struct svm_vm *vm, uint32_t msr, enum perm_access open);
/* Only while the vCPU has x2AVIC on. */
void perm_msr_x2avic(struct svm_vm *vm, uint32_t msr, enum perm_access open);
void perm_io(struct svm_vm *vm, uint16_t port, bool open);

#endif
