/* SPDX-License-Identifier: MIT */
/* Motorola MC146818, "Time, Calendar and Alarm Locations"; the century's place is a PC's custom. */
#include "rtc.h"
#include "base/lib.h"
#include "clock.h"
#include <hw/cpu.h>

#define PORT_INDEX     0x70
#define PORT_DATA      0x71
#define NMI_OFF        0x80
#define STATUS_A       0x0a
#define STATUS_B       0x0b
#define A_UPDATING     0x80
#define B_BINARY       0x04
#define B_24_HOURS     0x02
#define HOUR_PM        0x80
#define UPDATE_WAIT_US 3000 /* an update takes 2 ms */
#define READ_TRIES     5

enum place { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, PLACES };

static uint64_t us_at_zero; /* of the TSC; 0: no clock */

static uint8_t cmos(uint8_t index)
{
	hw_out8(PORT_INDEX, NMI_OFF | index);
	return hw_in8(PORT_DATA);
}

static void read_once(uint8_t t[PLACES])
{
	static const uint8_t at[PLACES] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32 };

	for (uint64_t us = 0; (cmos(STATUS_A) & A_UPDATING) && us < UPDATE_WAIT_US; us += 10)
		clock_delay_us(10);
	for (unsigned i = 0; i < PLACES; i++)
		t[i] = cmos(at[i]);
}

/* Twice the same: no update came in between. */
static bool read_stable(uint8_t t[PLACES])
{
	uint8_t again[PLACES];

	for (unsigned i = 0; i < READ_TRIES; i++) {
		read_once(t);
		read_once(again);
		if (memcmp(t, again, sizeof(again)) == 0)
			return true;
	}
	return false;
}

static unsigned from_bcd(uint8_t v)
{
	return (v >> 4) * 10u + (v & 0xf);
}

/* Days since 1970 of the Gregorian calendar; years begin with March, so that the leap day is last.
 */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1;
	unsigned m = month > 2 ? month - 3 : month + 9;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

void rtc_init(void)
{
	uint8_t t[PLACES], status = cmos(STATUS_B);
	bool stable = read_stable(t), pm = !(status & B_24_HOURS) && (t[HOUR] & HOUR_PM);
	uint64_t ticks = cpu_ticks();
	unsigned n[PLACES];

	t[HOUR] &= status & B_24_HOURS ? 0xff : 0x7f;
	for (unsigned i = 0; i < PLACES; i++)
		n[i] = status & B_BINARY ? t[i] : from_bcd(t[i]);
	if (!(status & B_24_HOURS))
		n[HOUR] = n[HOUR] % 12 + (pm ? 12 : 0);
	us_at_zero = 0;
	/* No clock at all reads FFh everywhere. */
	if (!stable || n[MONTH] < 1 || n[MONTH] > 12 || n[DAY] < 1 || n[DAY] > 31)
		return;
	unsigned century = n[CENTURY] >= 19 && n[CENTURY] < 30 ? n[CENTURY] : 20;
	uint64_t s = days(century * 100 + n[YEAR], n[MONTH], n[DAY]) * 86400 + n[HOUR] * 3600 +
		     n[MINUTE] * 60 + n[SECOND];

	us_at_zero = s * 1000000 - clock_ticks_to_us(ticks);
}

uint64_t rtc_us_at(uint64_t ticks)
{
	return us_at_zero ? us_at_zero + clock_ticks_to_us(ticks) : 0;
}
