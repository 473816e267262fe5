/* SPDX-License-Identifier: MIT */
/* Physical memory under firmware, which maps it one to one. Takes the place of vmm/hw/mem.h in the
 * objects of the survey (boot/boot.mk). */
#ifndef HW_MEM_H
#define HW_MEM_H

#include "base/types.h"

static inline void *phys_to_virt(phys_t p)
{
	return (void *)p.v;
}

static inline phys_t virt_to_phys(const void *p)
{
	return PHYS((uint64_t)p);
}

#endif
