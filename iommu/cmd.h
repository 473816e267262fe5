/* SPDX-License-Identifier: MIT */
/*
 * The command ring (48882 rev 3.11, "Commands"). All under iommu.lock. Commands are queued in
 * memory; cmd_finish() hands them over and waits for their completion, so one register write
 * serves a batch.
 */
#ifndef IOMMU_CMD_H
#define IOMMU_CMD_H

#include "iommu.h"

#define CMD_TIMEOUT_US 100000

err_t cmd_init(struct iommu *u) MUST_USE;
void cmd_invalidate_device(struct iommu *u, devid_t dev); /* its device table entry */
void cmd_invalidate_domain(struct iommu *u, uint16_t domain);
void cmd_invalidate_interrupts(struct iommu *u, devid_t dev);
/* Everything the unit may have cached. */
void cmd_invalidate_all(struct iommu *u);
/* COMPLETION_WAIT, and waits for its store. ERR_TIMEOUT: the unit doesn't answer; it is marked
 * failed, one report is logged, and every later call fails at once. */
err_t cmd_finish(struct iommu *u, uint64_t timeout_us) MUST_USE;

#endif
