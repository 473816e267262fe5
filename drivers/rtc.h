/* SPDX-License-Identifier: MIT */
/* The date: the CMOS clock, read once at boot, and the TSC from there on. */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include "base/types.h"

/* After clock_init(). */
void rtc_init(void);
/* Microseconds since 1970 (UTC, if the clock is) when cpu_ticks() was ticks; 0 without a clock. */
uint64_t rtc_us_at(uint64_t ticks);

#endif
