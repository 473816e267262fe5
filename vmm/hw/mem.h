/* SPDX-License-Identifier: MIT */
/*
 * Seam 3 of 4: physical memory. All of it, devices included, is mapped writable and
 * no-execute at DIRECT_MAP (boot/paging.c makes the map; MTRRs make devices uncached).
 */
#ifndef HW_MEM_H
#define HW_MEM_H

#include "base/types.h"

#define DIRECT_MAP 0xffff800000000000ull
#define VMM_BASE   0xffffffff80000000ull /* where the VMM image is linked */

/* VMM image: virtual - physical; set once at boot from boot_info. */
extern uint64_t vmm_image_offset;

static inline void *phys_to_virt(phys_t p)
{
	return (void *)(p.v + DIRECT_MAP);
}

/* For pointers into the direct map or into the VMM image. */
static inline phys_t virt_to_phys(const void *p)
{
	uint64_t v = (uint64_t)p;

	return PHYS(v >= VMM_BASE ? v - vmm_image_offset : v - DIRECT_MAP);
}

#endif
