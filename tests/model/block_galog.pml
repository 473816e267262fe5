/* SPDX-License-Identifier: MIT */
/* Block and wake by the GA log, both vCPUs on the pCPU that its interrupt comes to. */
#define P 2
#define V 2
#define D 2
#define WITH_GALOG
#ifndef RING
#define RING 4
#endif
#define HOME(v) 0
#include "pcpu.pml"
