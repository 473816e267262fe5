/* SPDX-License-Identifier: MIT */
/* Guest APIC physical processor interrupts (48882 rev 3.11, same title): on or off for a whole
 * IOMMU. */
#ifndef IOMMU_GAPPI_H
#define IOMMU_GAPPI_H

#include "iommu.h"

/* The GA log must be off: what both together do is not specified. ERR_UNFIT without GAPPISup. */
err_t gappi_enable(struct iommu *u) MUST_USE;
void gappi_disable(struct iommu *u);

#endif
