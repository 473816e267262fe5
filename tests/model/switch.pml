/* SPDX-License-Identifier: MIT */
/* The IOMMU goes from GALOG to GAPPI, and back, with vCPUs blocked, blocking and running. */
#define P 2
#define V 2
#ifndef D
#define D 2
#endif
#define WITH_GALOG
#define LOG_AT_ONCE
#define WITH_SWITCH
#define RING 4
#ifndef ACTS
#define ACTS 1
#endif
#include "pcpu.pml"
