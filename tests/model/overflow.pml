/* SPDX-License-Identifier: MIT */
/* A GA log with room for one entry: it overflows, is restarted, and nobody is forgotten. */
#define P 2
#define V 2
#define D 2
#define WITH_GALOG
#define LOG_AT_ONCE
#define RING 2
#ifndef FIRES
#define FIRES (2 - d)
#endif
#define HOME(v) 0
#include "pcpu.pml"
