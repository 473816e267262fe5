/* SPDX-License-Identifier: MIT */
/*
 * The pCPUs' store buffers, at their worst: a plain store through the seam (sim_store()) is seen by
 * its own pCPU at once, by the device and the others not before the next locked operation or fence
 * of its pCPU (sim_drain()), or until stores_reach_memory(). A guest's VMRUN waits for nothing.
 * Memory holds what the pCPU that runs sees; while others look, its buffered stores are swapped
 * out.
 */
#ifndef SIM_STORES_H
#define SIM_STORES_H

#include <stdbool.h>

extern bool stores_late; /* false: every store is seen at once */

/* Somebody else is about to look at memory; he has looked. Both on the same pCPU (sim_cpu). */
void stores_hide(void);
void stores_show(void);
/* The device does something. */
void stores_hidden_from(void (*device)(void));
/* The oldest count of them. */
void stores_reach_memory(unsigned count);
unsigned stores_buffered(void);

#endif
