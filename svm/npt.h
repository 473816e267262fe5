/* SPDX-License-Identifier: MIT */
/* Nested page tables of a VM. Lock: the VM's lock, held by the caller. */
#ifndef SVM_NPT_H
#define SVM_NPT_H

#include "base/err.h"
#include "base/types.h"

enum npt_perm { NPT_RO, NPT_RW, NPT_RX, NPT_RWX };

struct npt {
	phys_t root;
};

err_t npt_init(struct npt *npt) MUST_USE;
void npt_free(struct npt *npt); /* no vCPU uses it any more */
/* guest, host and bytes are multiples of 4 KiB; uses 2 MiB and 1 GiB pages where alignment
 * allows. Overwriting a mapping is ERR_INVALID. */
err_t npt_map(
	struct npt *npt, gpa_t guest, phys_t host, uint64_t bytes, enum npt_perm perm) MUST_USE;
/* Removes 4 KiB..; splits large pages. The caller flushes (svm_flush) the VM's vCPUs. */
err_t npt_unmap(struct npt *npt, gpa_t guest, uint64_t bytes) MUST_USE;
/* Host address of a guest byte; false: not mapped (or not writable when write). */
bool npt_translate(const struct npt *npt, gpa_t guest, bool write, phys_t *host);

#endif
