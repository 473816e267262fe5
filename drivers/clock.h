/* SPDX-License-Identifier: MIT */
/* How fast cpu_ticks() counts. Calibrated once at boot (CPUID, or the PM timer). */
#ifndef DRIVERS_CLOCK_H
#define DRIVERS_CLOCK_H

#include "base/types.h"

void clock_init(void);
uint64_t clock_ticks_per_us(void);
uint64_t clock_us_to_ticks(uint64_t us);
uint64_t clock_ticks_to_us(uint64_t ticks);
void clock_delay_us(uint64_t us);

#endif
