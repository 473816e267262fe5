/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory type range registers: kept, and of no effect. With nested paging a page's type
 * is made of the guest's PAT and the host's tables (24593 rev 3.44, "Combining Memory Types,
 * MTRRs"), but a kernel that finds no MTRRs uses no PAT either. RAM is write-back by default.
 */
#ifndef GUEST_VMTRR_H
#define GUEST_VMTRR_H

#include "base/types.h"

#define VMTRR_FIXED    11
#define VMTRR_VARIABLE 8

/* Of a VM: all of its vCPUs are given the same values by any kernel. Words are stored whole. */
struct vmtrr {
	uint64_t default_type;
	uint64_t fixed[VMTRR_FIXED];
	uint64_t variable[2 * VMTRR_VARIABLE]; /* base, mask */
};

void vmtrr_reset(struct vmtrr *m);
/* False: not one of these registers, or (write) a value that isn't allowed. */
bool vmtrr_read(const struct vmtrr *m, uint32_t msr, uint64_t *value);
bool vmtrr_write(struct vmtrr *m, uint32_t msr, uint64_t value);

#endif
