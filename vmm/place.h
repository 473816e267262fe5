/* SPDX-License-Identifier: MIT */
/*
 * To which pCPU the interrupt of each IOMMU's GA log goes: where most of the IRTEs are whose vCPUs
 * the log wakes. A local wake-up costs less than one by inbox and kick.
 *
 * The log belongs to the pCPU that its interrupt targets, and only that one gives it away, in a
 * host interrupt of its own: so it isn't draining it then, and nobody else may. Others leave a
 * wish and send VEC_GALOG_MOVE.
 */
#ifndef VMM_PLACE_H
#define VMM_PLACE_H

#include "base/types.h"

struct cpu;
struct iommu;

/* Looks where the vCPUs are. By the slow timer: a log moves when the same other pCPU is ahead at
 * two such looks in a row. */
void place_look(struct cpu *here);
/* A message through u has got a new target, or the log is on again: if no vCPU lives where the log
 * is, it moves at once, but not twice within SLOW_US. Any CPU, no lock of rank POSTS or above held.
 */
void place_routed(struct cpu *here, struct iommu *u);
/* u's log shall go to a pCPU, by index. Any CPU; it is done when the owner gets to it. */
void place_order(struct cpu *here, struct iommu *u, uint32_t to);
/* VEC_GALOG_MOVE: gives away the logs that are here and shall not be. */
void place_obey(struct cpu *here);

#endif
