/* SPDX-License-Identifier: MIT */
/* The sporadic server, by itself: never more than the budget in a window, and all of it when asked.
 */
/* sources: vmm/server.c */
#include "server.h"
#include "test.h"

#define BUDGET 200
#define PERIOD 1000
#define CRUMB  5
#define TICKS  200000

static struct server s;
static bool ran[TICKS]; /* in this tick */

static uint64_t total(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s.count; i++)
		sum += s.refill[(s.head + i) % SERVER_REFILLS].amount;
	return sum;
}

static bool in_order(void)
{
	for (uint32_t i = 1; i < s.count; i++)
		if (s.refill[(s.head + i) % SERVER_REFILLS].time <
			s.refill[(s.head + i - 1) % SERVER_REFILLS].time)
			return false;
	return s.count >= 1 && s.count <= SERVER_REFILLS;
}

/* The most that was used in any window of so many ticks. */
static uint64_t worst_window(unsigned ticks)
{
	uint64_t sum = 0, worst = 0;

	for (unsigned t = 0; t < TICKS; t++) {
		sum += ran[t];
		if (t >= ticks)
			sum -= ran[t - ticks];
		if (sum > worst)
			worst = sum;
	}
	return worst;
}

/* wants(t): would it run in tick t? It gets the CPU whenever the server lets it. Returns how much
 * it ran. */
static uint64_t play(bool (*wants)(unsigned t), unsigned overrun)
{
	bool wanted = false;
	unsigned used = 0;
	uint64_t sum = 0;

	memset(ran, 0, sizeof(ran));
	server_init(&s, BUDGET, PERIOD, CRUMB);
	for (unsigned t = 1; t < TICKS; t++) {
		bool want = wants(t);

		if (want && !wanted)
			server_wake(&s, t);
		wanted = want;
		/* It stops when the piece is used up, or somewhat late; or by itself. */
		if (used && (!want || used >= server_left(&s) + overrun)) {
			server_charge(&s, used);
			used = 0;
			EXPECT_EQ(total(), BUDGET);
			EXPECT(in_order());
		}
		if (want && (used || server_ready_at(&s) <= t)) {
			ran[t] = true;
			used++;
			sum++;
		}
	}
	return sum;
}

static bool always(unsigned t)
{
	(void)t;
	return true;
}

TEST(greedy)
{
	uint64_t sum = play(always, 0);

	/* All that it may, and no more. */
	EXPECT_EQ(worst_window(PERIOD), BUDGET);
	EXPECT_EQ(sum, (uint64_t)TICKS / PERIOD * BUDGET);
}

TEST(greedy_with_overruns)
{
	play(always, 7);
	/* What is too much in one period is missing in the next: the mean holds. */
	EXPECT(worst_window(PERIOD) <= BUDGET + 2 * 7);
	EXPECT(worst_window(50 * PERIOD) <= 50 * BUDGET + 2 * 7);
}

static bool late_in_period(unsigned t)
{
	return t % PERIOD >= PERIOD - BUDGET || t % (3 * PERIOD) < BUDGET;
}

/* What a deferrable server allows: the end of one period and the begin of the next. */
TEST(no_double_hit)
{
	play(late_in_period, 0);
	EXPECT(worst_window(2 * BUDGET) <= BUDGET);
	EXPECT(worst_window(PERIOD) <= BUDGET);
}

static uint32_t random_state, run_length;
static bool random_want;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

static uint32_t longest_run, longest_rest;

static bool random_wants(unsigned t)
{
	(void)t;
	if (!run_length) {
		random_want = !random_want;
		run_length = 1 + random_below(random_want ? longest_run : longest_rest);
	}
	run_length--;
	return random_want;
}

/* Bits and pieces, more than there is room for. */
TEST(random_pieces)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		random_state = seed;
		run_length = 0;
		random_want = false;
		longest_run = 1 + random_below(seed % 3 ? 20 : 400);
		longest_rest = 1 + random_below(seed % 2 ? 30 : 900);
		play(random_wants, 0);
		EXPECT(worst_window(PERIOD) <= BUDGET);
		EXPECT(worst_window(7 * PERIOD) <= 7 * BUDGET);
	}
}

/* Time that was there long before is not a reason to have it back soon. */
TEST(no_premature_refill)
{
	server_init(&s, BUDGET, PERIOD, CRUMB);
	server_wake(&s, 5000);
	EXPECT_EQ(server_ready_at(&s), 5000);
	EXPECT_EQ(server_left(&s), BUDGET);
	server_charge(&s, 50);
	EXPECT_EQ(server_ready_at(&s), 5050);
	EXPECT_EQ(server_left(&s), BUDGET - 50);
	server_wake(&s, 5900); /* the rest, and from 6000 on the 50 */
	EXPECT_EQ(server_left(&s), BUDGET);
	server_charge(&s, BUDGET);
	EXPECT_EQ(server_ready_at(&s), 6900);
}

TEST(a_stop_of_the_machine)
{
	server_init(&s, BUDGET, PERIOD, CRUMB);
	server_wake(&s, 1);
	server_charge(&s, 1ull << 60);
	EXPECT_EQ(total(), BUDGET);
	EXPECT(server_ready_at(&s) <= 5 * PERIOD);
}

TEST(whole_period)
{
	server_init(&s, PERIOD, PERIOD, CRUMB);
	server_wake(&s, 10);
	server_charge(&s, PERIOD);
	EXPECT_EQ(server_ready_at(&s), 10 + PERIOD); /* which is when it stopped */
}
