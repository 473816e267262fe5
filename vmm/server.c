/* SPDX-License-Identifier: MIT */
#include "server.h"

/* A stop of the whole machine isn't the vCPU's debt, and the loop below ends. */
#define DEBT_PERIODS 4

static struct refill *nth(struct server *s, uint32_t n)
{
	return &s->refill[(s->head + n) % SERVER_REFILLS];
}

static struct refill pop(struct server *s)
{
	struct refill first = *nth(s, 0);

	s->head = (s->head + 1) % SERVER_REFILLS;
	s->count--;
	return first;
}

/*
 * As the last one. What lies behind its predecessor without a gap is one piece with it: nobody gets
 * to it before the predecessor is used up. Without room it joins the predecessor, and that waits
 * with it, which is late rather than early.
 */
static void put(struct server *s, struct refill new)
{
	struct refill *last = s->count ? nth(s, s->count - 1) : NULL;

	if (last && last->time + last->amount >= new.time) {
		last->amount += new.amount;
	} else if (last && s->count == SERVER_REFILLS) {
		last->amount += new.amount;
		last->time = new.time;
	} else {
		*nth(s, s->count) = new;
		s->count++;
	}
}

void server_init(struct server *s, uint64_t budget, uint64_t period, uint64_t crumb)
{
	*s = (struct server){ .budget = budget, .period = period, .crumb = crumb };
	put(s, (struct refill){ 0, budget });
}

/* The period begins with the use, not when the time was there already ("premature replenishment");
 * and pieces that will be there by the time the one before is used up are one. */
void server_wake(struct server *s, uint64_t now)
{
	if (nth(s, 0)->time > now)
		return;
	nth(s, 0)->time = now;
	while (s->count > 1 && nth(s, 1)->time <= now + nth(s, 0)->amount) {
		uint64_t amount = pop(s).amount;

		nth(s, 0)->amount += amount;
		nth(s, 0)->time = now;
	}
}

void server_charge(struct server *s, uint64_t used)
{
	struct refill *first = nth(s, 0);

	if (used > DEBT_PERIODS * s->budget)
		used = DEBT_PERIODS * s->budget;
	while (used >= first->amount) {
		struct refill whole = pop(s);

		used -= whole.amount;
		whole.time += s->period;
		put(s, whole);
		first = nth(s, 0);
	}
	if (used) {
		struct refill part = { first->time + s->period, used };

		first->time += used;
		first->amount -= used;
		put(s, part);
	}
	while (s->count > 1 && nth(s, 0)->amount < s->crumb) {
		uint64_t amount = pop(s).amount;

		nth(s, 0)->amount += amount;
	}
}
