/* SPDX-License-Identifier: MIT */
/* IPIs between vCPUs that halt or spin, and devices that post to them. */
#define P 2
#define V 2
#ifndef D
#define D 2
#endif
#define START_GAPPI
#define WITH_NOTIFY
#define WITH_IPI
#define ACTS 1
#define SPINS 1
#define DEVICE_VECTOR(d) LOW
#include "pcpu.pml"
