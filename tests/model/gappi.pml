/* SPDX-License-Identifier: MIT */
/* GAPPI, masked bits: two devices for vCPU 0, one of them by a vector that its TPR masks. */
#define P 2
#define V 2
#define D 2
#define START_GAPPI
#define MASKS 1
#define PREEMPTS 1
#define HOME(v) 0
#define DEVICE_TO(d) 0
#define DEVICE_VECTOR(d) (1 + (d))
#include "pcpu.pml"
