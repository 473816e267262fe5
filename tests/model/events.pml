/* SPDX-License-Identifier: MIT */
/* Events that one vCPU's pCPU leaves for the other vCPU, which runs, blocks or is about to. */
#define P 2
#define V 2
#define D 1
#define START_GAPPI
#define WITH_EVENTS
#define ACTS 2
#include "pcpu.pml"
