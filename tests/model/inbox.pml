/* SPDX-License-Identifier: MIT */
/* The inbox and the kick of a pCPU that is about to sleep; vCPUs 0 and 1 both live on pCPU 1, the
 * log's interrupt comes to pCPU 0. */
#define P 2
#define V 2
#define D 2
#define WITH_GALOG
#define LOG_AT_ONCE
#define RING 4
#define HOME(v) 1
#define ROUNDS 1
#include "pcpu.pml"
