/* SPDX-License-Identifier: MIT */
/* sources: vmm/guest/vrtc.c */
#include "drivers/rtc.h"
#include "exit_io.h"
#include "guest/vrtc.h"
#include "hw/sim.h"
#include "test.h"

static struct vrtc clock;
static uint64_t now_us;

uint64_t rtc_us_at(uint64_t ticks)
{
	return now_us;
}

static void out(uint16_t port, uint8_t value)
{
	struct port_access a = { .port = port, .bytes = 1, .value = value };

	vrtc_access(&clock, &a);
}

static uint32_t in(uint16_t port, unsigned bytes)
{
	struct port_access a = { .port = port, .bytes = bytes, .in = true, .value = ~0u };

	vrtc_access(&clock, &a);
	return a.value;
}

static uint32_t reg(uint8_t index)
{
	out(0x70, index);
	return in(0x71, 1);
}

/* The digits as BCD has them. */
static void expect(uint64_t seconds, uint32_t date, uint32_t time, uint32_t weekday)
{
	now_us = seconds * 1000000 + 5;
	EXPECT_EQ(reg(0x32) << 24 | reg(9) << 16 | reg(8) << 8 | reg(7), date);
	EXPECT_EQ(reg(4) << 16 | reg(2) << 8 | reg(0), time);
	EXPECT_EQ(reg(6), weekday);
}

TEST(dates)
{
	expect(1, 0x19700101, 0x000001, 5);
	expect(951782399, 0x20000228, 0x235959, 2);
	expect(951782400, 0x20000229, 0x000000, 3);
	expect(951868800, 0x20000301, 0x000000, 4);
	expect(1709251199, 0x20240229, 0x235959, 5);
	expect(1735689599, 0x20241231, 0x235959, 3);
	expect(1735689600, 0x20250101, 0x000000, 4);
	expect(2000000000, 0x20330518, 0x033320, 4);
	expect(4107542400, 0x21000301, 0x000000, 2); /* 2100 has no 29 February */
	expect(32503679999, 0x29991231, 0x235959, 3);
}

TEST(what_a_driver_looks_at)
{
	now_us = 2000000000ull * 1000000 + 999755;
	EXPECT_EQ(reg(0x0a), 0x26);
	now_us++;
	EXPECT_EQ(reg(0x0a), 0xa6); /* about to change */
	EXPECT_EQ(reg(0x0b), 0x02);
	EXPECT_EQ(reg(0x0c), 0);
	EXPECT_EQ(reg(0x0d), 0x80);
	EXPECT_EQ(reg(0x8d), 0x80); /* with the NMI masked */
	for (unsigned i = 0x0e; i < 0x80; i++)
		EXPECT_EQ(reg((uint8_t)i), i == 0x32 ? 0x20 : 0);
}

TEST(it_can_not_be_set)
{
	now_us = 2000000000ull * 1000000;
	for (unsigned i = 0; i < 256; i++) {
		out(0x70, (uint8_t)i);
		out(0x71, 0xff);
	}
	expect(2000000000, 0x20330518, 0x033320, 4);
	EXPECT_EQ(reg(0x0b), 0x02);
	EXPECT_EQ(in(0x70, 1), ~0u);
	EXPECT_EQ(in(0x70, 2), ~0u);
	EXPECT_EQ(in(0x71, 4), ~0u);
}

TEST(no_clock)
{
	now_us = 0;
	EXPECT_EQ(reg(0), ~0u);
	EXPECT_EQ(reg(0x0d), ~0u);
}
