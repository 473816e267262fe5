/* SPDX-License-Identifier: MIT */
/* vCPU 1 has the log's interrupt moved to its pCPU, and (ACTS 2) back, while devices post. */
#define P 2
#define V 2
#ifndef D
#define D 2
#endif
#define WITH_GALOG
#define LOG_AT_ONCE
#define WITH_HANDOVER
#define RING 4
#ifndef ACTS
#define ACTS 1
#endif
#define ACTOR(v) (v == 1)
#define CAN_HALT (v == 0)
#include "pcpu.pml"
