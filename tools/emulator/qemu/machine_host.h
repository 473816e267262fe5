/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the models ask of their host (../model/model.h), for QEMU's machine. */
#ifndef REVEILLE_MACHINE_HOST_H
#define REVEILLE_MACHINE_HOST_H

#include "../model/model.h"

/* All but .doorbell and .random; nothing here looks at .opaque. */
extern const struct model_host machine_host;

/* Repeatable chances: a state from machine_seed(), then numbers below n. */
uint64_t machine_seed(uint32_t seed);
uint32_t machine_random(uint64_t *state, uint32_t n);

#endif
