/* SPDX-License-Identifier: MIT */
/* The host's interrupt vectors, the same on each pCPU. */
#ifndef VMM_VECTORS_H
#define VMM_VECTORS_H

enum {
	/* 30h..CFh: handed out per pCPU by cpu_vector_alloc() (devices of emulated delivery,
	 * GAPPI vectors of blocked vCPUs). */
	VEC_DYNAMIC_FIRST = 0x30,
	VEC_DYNAMIC_LAST = 0xcf,
	VEC_GAPPI_SHARED = 0xd0,
	VEC_IOMMU_EVENT = 0xd8,
	VEC_GALOG = 0xd9,
	VEC_TIMER = 0xe0,
	VEC_KICK = 0xe1,
	VEC_GALOG_MOVE = 0xe2, /* place.h */
	VEC_SPURIOUS = 0xff,
};

#endif
