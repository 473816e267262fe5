/* SPDX-License-Identifier: MIT */
/* HLT stays in the guest: IsRun stays set and only a doorbell ends it. Software posts too. */
#define P 2
#define V 2
#define D 2
#define START_GAPPI
#define WITH_NOTIFY
#define WITH_SOFT
#define ACTS 1
#ifndef FIRES
#define FIRES 1
#endif
#define CAN_HALT false
#include "pcpu.pml"
