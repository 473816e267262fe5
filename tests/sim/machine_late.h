/* SPDX-License-Identifier: MIT */
/* The IOMMU's own writes on their way to memory: entries of a log and copies of its tail. Either
 * kind stays in order; which kind comes first is open (erratum 732). */
#ifndef SIM_MACHINE_LATE_H
#define SIM_MACHINE_LATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool late_writes; /* false: nothing is late */

/* True: it is on its way. */
bool late_write(uint64_t addr, const void *from, size_t bytes);
/* The oldest one, of tails if tail_first, of entries otherwise, or of those there are. False:
 * nothing is under way. */
bool late_arrives(bool tail_first);
void late_flush(void);
unsigned late_count(void);

#endif
