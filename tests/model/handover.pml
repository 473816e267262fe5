/* SPDX-License-Identifier: MIT */
/* vCPU 1 has the log's interrupt moved to its pCPU, and back, while a device posts to vCPU 0. */
#define P 2
#define V 2
#define D 1
#define WITH_GALOG
#define LOG_AT_ONCE
#define WITH_HANDOVER
#define RING 4
#define ACTS 2
#define FIRES 2
#define ACTOR(v) (v == 1)
#define CAN_HALT (v == 0)
#include "pcpu.pml"
