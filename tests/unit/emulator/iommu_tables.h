/* SPDX-License-Identifier: MIT */
/* A device with page tables on the bench. */
#ifndef IOMMU_TABLES_H
#define IOMMU_TABLES_H

#include "iommu_bench.h"

#define V       1ull
#define TV      2ull
#define IR      (1ull << 61)
#define IW      (1ull << 62)
#define RW      (IR | IW)
#define PR      1ull
#define MODE(n) ((uint64_t)(n) << 9)
#define NEXT(n) ((uint64_t)(n) << 9)
#define L4      0x140000ull
#define L3      0x141000ull
#define L2      0x142000ull
#define L1      0x143000ull
#define DOMAIN  7ull

static struct iommu_mapping m;

static inline bool get(uint64_t iova)
{
	return iommu_translate(b.u, DEV, iova, IOMMU_READ, &m);
}

static inline void open_mode(unsigned mode)
{
	bench_open();
	bench_start(0);
	put_dte(DEV, V | TV | MODE(mode) | L4 | RW, DOMAIN, 0, 0);
}

/* IOVA 0x4020_3000 -> 0x200000 through four levels. */
static inline void open_4_levels(void)
{
	open_mode(4);
	put64(L4, L3 | NEXT(3) | RW | PR);
	put64(L3 + 8, L2 | NEXT(2) | RW | PR);
	put64(L2 + 8, L1 | NEXT(1) | RW | PR);
	put64(L1 + 8 * 3, 0x200000 | RW | PR);
}

#define IOVA 0x40203000ull

#endif
