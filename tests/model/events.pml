/* SPDX-License-Identifier: MIT */
/* Events that one vCPU's pCPU leaves for the other vCPU, which runs, blocks or is about to. */
#define P 2
#define V 2
#ifndef D
#define D 2
#endif
#define START_GAPPI
#define WITH_EVENTS
#ifndef ACTS
#define ACTS 1
#endif
#include "pcpu.pml"
