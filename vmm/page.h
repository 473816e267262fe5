/* SPDX-License-Identifier: MIT */
/* Physical page allocator over BOOT_MEM_FREE. Lock rank: page. */
#ifndef VMM_PAGE_H
#define VMM_PAGE_H

#include "boot/boot_info.h"
#include "base/err.h"
#include "base/types.h"

void page_init(const struct boot_info *boot);
/* count contiguous zeroed 4 KiB pages, aligned to align_pages (a power of two, >= 1);
 * PHYS_NONE when there are none. Only before a VM starts. */
phys_t page_alloc(size_t count, size_t align_pages);
void page_free(phys_t base, size_t count);
size_t page_free_count(void);
/* How many of them are in the largest piece. */
size_t page_largest_count(void);

#endif
