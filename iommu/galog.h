/* SPDX-License-Identifier: MIT */
/*
 * The guest virtual APIC log (48882 rev 3.11, "Guest Virtual APIC Log"). Owner: the CPU that the
 * log's interrupt targets, and whoever holds iommu.lock while it is switched on or off. One wake
 * costs: one register write (GAInt), one (head), one read (status).
 */
#ifndef IOMMU_GALOG_H
#define IOMMU_GALOG_H

#include "iommu.h"

err_t galog_enable(struct iommu *u) MUST_USE;  /* waits for GALogRun, bounded */
err_t galog_disable(struct iommu *u) MUST_USE; /* waits for !GALogRun, bounded */
/* To drain: galog_begin(), then galog_next() until false, then galog_end(). galog_end() returns
 * what it found in the status register. */
enum galog_state { GALOG_EMPTY, GALOG_MORE, GALOG_OVERFLOWED };
void galog_begin(struct iommu *u);
bool galog_next(struct iommu *u, uint32_t *gatag);
enum galog_state galog_end(struct iommu *u);
/* After GALOG_OVERFLOWED: restarts the log (48882, overflow recovery). Entries were lost: the
 * caller looks at every blocked vCPU afterwards. */
err_t galog_restart(struct iommu *u) MUST_USE;
/* Its interrupt goes to another CPU from now on, which owns it then; only with u->xt. On the CPU
 * that owns it, not between galog_begin() and galog_end(). What is in the log is dropped: the
 * caller looks at every blocked vCPU afterwards. ERR_TIMEOUT: it is off. */
err_t galog_move(struct iommu *u, apicid_t to) MUST_USE;
/* For the slow timer: has it overflowed without telling? One read. */
bool galog_overflowed(struct iommu *u);

/* For the record of a fault: what hardware says about its log. Three register reads. */
struct galog_registers {
	uint64_t head, tail, status;
	uint64_t tail_copy; /* in memory */
};
struct galog_registers galog_registers(const struct iommu *u);

#endif
