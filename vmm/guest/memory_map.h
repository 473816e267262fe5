/* SPDX-License-Identifier: MIT */
/* What of a guest's addresses is RAM, as its kernel is told (platform.h). */
#ifndef GUEST_MEMORY_MAP_H
#define GUEST_MEMORY_MAP_H

#include "base/types.h"

enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2 };

/* As firmware's function E820h has it, and after it Linux's zero page and multiboot. */
struct memory_range {
	uint64_t base, bytes;
	uint32_t type; /* enum memory_type */
} __attribute__((packed));
_Static_assert(sizeof(struct memory_range) == 20, "ACPI 6.5, \"Address Range Descriptor\"");

#define MEMORY_RANGES 4

/* memory_bytes: from 0 on, more than 1 MiB. */
void memory_map(struct memory_range map[MEMORY_RANGES], uint64_t memory_bytes);
/* Is all of it RAM that a kernel may have? Any numbers. */
bool memory_is_ram(uint64_t memory_bytes, uint64_t at, uint64_t bytes);

#endif
