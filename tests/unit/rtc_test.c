/* SPDX-License-Identifier: MIT */
/* sources: drivers/rtc.c vmm/base/lib.c */
#include "test.h"
#include "drivers/clock.h"
#include "drivers/rtc.h"
#include "hw/sim.h"

static uint8_t cmos[128], at;
static unsigned updates; /* how often a read finds another second */
static unsigned busy;    /* reads of register A that find an update */

uint64_t sim_ticks(void)
{
	return 5000000000; /* 5 s */
}

uint64_t clock_ticks_to_us(uint64_t ticks)
{
	return ticks / 1000;
}

void clock_delay_us(uint64_t us)
{
}

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	EXPECT_EQ(port, 0x70);
	at = v & 0x7f;
}

uint32_t sim_in(uint16_t port, unsigned bytes)
{
	EXPECT_EQ(port, 0x71);
	if (at == 0 && updates) {
		updates--;
		cmos[0]++;
	}
	if (at == 0x0a && busy) {
		busy--;
		return 0x80;
	}
	return cmos[at];
}

/* 2026-11-22 15:26:07. */
static void set(uint8_t status_b, uint8_t hour)
{
	static const uint8_t bcd[][2] = { { 0, 0x07 }, { 2, 0x26 }, { 7, 0x22 }, { 8, 0x11 },
		{ 9, 0x26 }, { 0x32, 0x20 } };

	memset(cmos, 0, sizeof(cmos));
	for (unsigned i = 0; i < 6; i++)
		cmos[bcd[i][0]] = status_b & 4 ? (uint8_t)((bcd[i][1] >> 4) * 10 + (bcd[i][1] & 15))
					       : bcd[i][1];
	cmos[4] = hour;
	cmos[0x0b] = status_b;
	rtc_init();
}

#define EXPECTED 1795361167000000ull

TEST(formats)
{
	set(0x02, 0x15);
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED);
	EXPECT_EQ(rtc_us_at(6000000000), EXPECTED + 1000000);
	set(0x06, 15);
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED);
	set(0x00, 0x83); /* 3 p.m. */
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED);
	set(0x00, 0x12); /* midnight */
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED - 15 * 3600 * 1000000ull);
}

TEST(updates)
{
	busy = 3;
	set(0x02, 0x15);
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED);
	updates = 1; /* in between: read again */
	set(0x02, 0x15);
	EXPECT_EQ(rtc_us_at(5000000000), EXPECTED + 1000000);
	busy = ~0u; /* an update that never ends */
	set(0x02, 0x15);
	busy = 0;
}

TEST(none)
{
	memset(cmos, 0xff, sizeof(cmos));
	rtc_init();
	EXPECT_EQ(rtc_us_at(5000000000), 0);
}
