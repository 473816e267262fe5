/* SPDX-License-Identifier: MIT */
/* GAPPI, one vector for both vCPUs of a pCPU. */
#define P 2
#define V 2
#define D 2
#define START_GAPPI
#define SHARED 1
#define FIRES 2
#define HOME(v) 0
#include "pcpu.pml"
