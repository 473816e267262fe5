/* SPDX-License-Identifier: MIT */
#include "guest/vrtc.h"
#include "drivers/rtc.h"
#include "exit_io.h"
#include "guest/platform.h"
#include <hw/cpu.h>
#include <hw/shared.h>

/* Registers: 00h to 0Dh are the chip's, the century's place is a PC's custom. */
enum cmos {
	SECOND = 0x00,
	MINUTE = 0x02,
	HOUR = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	STATUS_D = 0x0d,
	CENTURY = 0x32,
};

#define INDEX_BITS   0x7fu /* the last one is the NMI's mask */
#define A_UPDATING   0x80u
#define A_32_KHZ     0x26u /* time base, and the rate that firmware sets */
#define B_24_HOURS   0x02u /* and BCD */
#define D_VALID      0x80u
#define US_PER_S     1000000u
#define UPDATE_US    244u /* said so long before the second changes */
#define DAYS_A_WEEK  7u
#define FIRST_YEAR   1970u
#define THAT_WEEKDAY 4u /* 1 January 1970 was a Thursday; Sunday is 1 */

static unsigned days_of_year(unsigned year)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return leap ? 366 : 365;
}

static unsigned days_of_month(unsigned month, unsigned year)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && days_of_year(year) == 366);
}

/* Nothing here is asked for often. The host's clock ends with the year 2999. */
static unsigned calendar(enum cmos which, uint64_t days)
{
	unsigned year = FIRST_YEAR, month = 1;

	if (which == WEEKDAY)
		return (unsigned)((days + THAT_WEEKDAY) % DAYS_A_WEEK) + 1;
	for (; days >= days_of_year(year); year++)
		days -= days_of_year(year);
	for (; days >= days_of_month(month, year); month++)
		days -= days_of_month(month, year);
	switch (which) {
	case DAY:
		return (unsigned)days + 1;
	case MONTH:
		return month;
	case YEAR:
		return year % 100;
	default:
		return year / 100;
	}
}

static uint8_t bcd(uint64_t n)
{
	return (uint8_t)(n / 10 << 4 | n % 10);
}

static uint8_t read_register(uint32_t index, uint64_t us)
{
	uint64_t s = us / US_PER_S;

	switch (index) {
	case SECOND:
		return bcd(s % 60);
	case MINUTE:
		return bcd(s / 60 % 60);
	case HOUR:
		return bcd(s / 3600 % 24);
	case WEEKDAY:
	case DAY:
	case MONTH:
	case YEAR:
	case CENTURY:
		return bcd(calendar((enum cmos)index, s / 86400));
	case STATUS_A:
		return us % US_PER_S >= US_PER_S - UPDATE_US ? A_32_KHZ | A_UPDATING : A_32_KHZ;
	case STATUS_B:
		return B_24_HOURS;
	case STATUS_D:
		return D_VALID;
	default:
		return 0;
	}
}

void vrtc_access(struct vrtc *r, struct port_access *a)
{
	uint64_t us = rtc_us_at(cpu_ticks());

	/* Without a clock of the machine's there is none here either; the index can't be read. */
	if (a->bytes != 1 || !us || (a->in && a->port == PLATFORM_RTC))
		return;
	if (a->in)
		a->value = read_register(shared_load32(&r->index), us);
	else if (a->port == PLATFORM_RTC)
		shared_store32(&r->index, a->value & INDEX_BITS);
}
