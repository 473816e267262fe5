/* SPDX-License-Identifier: MIT */
/* What a model leaves as it is. */
#ifndef FIRES
#define FIRES 1 /* of each device */
#endif
#ifndef ACTS
#define ACTS 0
#endif
#ifndef PREEMPTS
#define PREEMPTS 0
#endif
#ifndef MASKS
#define MASKS 0
#endif
#ifndef SPINS
#define SPINS 0
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef SHARED
#define SHARED 0
#endif
#ifndef NO_GAPPIDIS
#define NO_GAPPIDIS 0
#endif
#ifndef CAN_HALT
#define CAN_HALT true
#endif
#ifndef ACTOR
#define ACTOR(v) true
#endif
#ifndef DEVICE_TO
#define DEVICE_TO(d) (d)
#endif
#ifndef DEVICE_VECTOR
#define DEVICE_VECTOR(d) HIGH
#endif
#ifndef HOME
#define HOME(v) (v)
#endif
