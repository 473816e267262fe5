/* SPDX-License-Identifier: MIT */
/* vCPUs move between pCPUs while their devices fire. */
#define P 2
#define V 2
#define D 2
#define START_GAPPI
#define WITH_MIGRATE
#define ACTS 1
#define SPINS 1
#include "pcpu.pml"
