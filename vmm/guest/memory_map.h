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

#define MEMORY_RANGES 5

/* All of these: memory_bytes is the VM's, more than 1 MiB. */

/* Returns how many there are. */
unsigned memory_map(struct memory_range map[MEMORY_RANGES], uint64_t memory_bytes);
/* Is all of it RAM below the hole that a kernel may have, where kernels go? Any numbers. */
bool memory_is_ram(uint64_t memory_bytes, uint64_t at, uint64_t bytes);

/* A VM's memory is one piece of the host's, and one or two of the guest's. */
#define MEMORY_PIECES 2
struct memory_piece {
	uint64_t at;     /* guest-physical */
	uint64_t offset; /* in the VM's memory */
	uint64_t bytes;  /* 0: there is none */
};
struct memory_piece memory_piece(uint64_t memory_bytes, unsigned n);
/* Where in the VM's memory the guest's bytes are; MEMORY_NOWHERE: not all in one piece of it. Any
 * numbers. */
#define MEMORY_NOWHERE UINT64_MAX
uint64_t memory_offset(uint64_t memory_bytes, uint64_t at, uint64_t bytes);

#endif
