/* SPDX-License-Identifier: MIT */
/* A device with guest-mode interrupt entries on the bench. */
#ifndef IOMMU_POSTING_H
#define IOMMU_POSTING_H

#include "iommu_bench.h"

#define TAG 0x12345678ull
/* RemapEn, GuestMode, destination 3; with GATag. */
#define LO         (TAG << 32 | 0x381ull)
#define IS_RUN     (1ull << 6)
#define GALOG_INTR (1ull << 2)

static inline bool post(unsigned index)
{
	return iommu_interrupt(b.u, DEV, 0xfee00000, index);
}

static inline void open_cfg(struct iommu_config cfg, uint64_t control)
{
	bench_open_with(cfg);
	wr(0x0180, 0x0000009900000500ull); /* GA interrupt: vector 99h to 5 */
	bench_start(control);
	put_dte(DEV, 1, 7, 1 | 8 << 1 | 2ull << 60 | IRT, 0);
}

static inline void open(uint64_t control)
{
	open_cfg(newest(), control);
}

static inline void entry(uint64_t lo, uint8_t vector)
{
	put_irte(1, lo, VAPIC | vector);
}

#endif
