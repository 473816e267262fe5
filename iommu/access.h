/* SPDX-License-Identifier: MIT */
/*
 * How the modules of iommu/ reach an IOMMU's registers. There is no read-modify-write: the control
 * register has a shadow, and status bits have a verb of their own (writing back what was read
 * would acknowledge them all).
 */
#ifndef IOMMU_ACCESS_H
#define IOMMU_ACCESS_H

#include "drivers/clock.h"
#include <hw/cpu.h>
#include <hw/mmio.h>
#include "iommu.h"
#include "regs.h"

static inline uint64_t iommu_read(const struct iommu *u, enum iommu_reg r)
{
	return mmio_read64(u->regs + r);
}

static inline void iommu_write(const struct iommu *u, enum iommu_reg r, uint64_t v)
{
	mmio_write64(u->regs + r, v);
}

/* Acknowledges W1C status bits. */
static inline void iommu_ack(const struct iommu *u, uint64_t bits)
{
	iommu_write(u, IOMMU_STATUS, bits);
}

/* Edits the shadow and writes it. iommu.lock, or before the unit is shared. */
static inline void iommu_control(struct iommu *u, uint64_t set, uint64_t clear)
{
	u->control = (u->control & ~clear) | set;
	iommu_write(u, IOMMU_CONTROL, u->control);
}

/* Waits until the status bits under mask are want. ERR_TIMEOUT after timeout_us. */
err_t iommu_wait_status(
	const struct iommu *u, uint64_t mask, uint64_t want, uint64_t timeout_us) MUST_USE;

#define IOMMU_RUN_TIMEOUT_US 20000

/* own_interrupt.c: where the unit's own messages go, by the XT registers or by MSI. */
err_t own_interrupt_init(struct iommu *u, const struct iommu_setup *setup) MUST_USE;
/* XT registers only: from now on the GA log's message goes there. iommu.lock; the log is off. */
void own_interrupt_move(struct iommu *u, apicid_t to);
/* event.c: the ring and its start; no interrupt yet. */
err_t event_init(struct iommu *u) MUST_USE;
/* galog.c: memory for the ring; it stays off. */
err_t galog_init(struct iommu *u, uint32_t entries) MUST_USE;
/* dte.c: a table in which every device is blocked. */
err_t dte_init(struct iommu *u) MUST_USE;
/* smi.c: from now on only devices that firmware has named send SMIs. */
void smi_filter_init(struct iommu *u);

#endif
