/* SPDX-License-Identifier: MIT */
/* Device 0's message gets a new vector and a new vCPU while it fires. */
#define P 2
#define V 2
#ifndef D
#define D 2
#endif
#define START_GAPPI
#define WITH_NOTIFY
#define WITH_ROUTE
#define ACTS 1
#define SPINS 1
#include "pcpu.pml"
