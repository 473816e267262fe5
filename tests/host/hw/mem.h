/* SPDX-License-Identifier: MIT */
/* Seam 3 of 4, host side: a physical address is the host pointer itself. */
#ifndef HW_MEM_H
#define HW_MEM_H

#include "base/types.h"

#define DIRECT_MAP 0ull
#define VMM_BASE   0xffffffff80000000ull

static inline void *phys_to_virt(phys_t p)
{
	return (void *)p.v;
}

static inline phys_t virt_to_phys(const void *p)
{
	return PHYS((uint64_t)p);
}

#endif
