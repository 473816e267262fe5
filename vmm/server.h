/* SPDX-License-Identifier: MIT */
/*
 * A sporadic server: so much time in each period, and nothing more however it is asked for.
 *
 * Time that was used comes back one period after it began to be used, piece by piece: B. Sprunt,
 * L. Sha, J. Lehoczky, "Aperiodic task scheduling for hard-real-time systems", Real-Time Systems 1,
 * 1989; corrected by M. Stanovich, T. Baker, A.-I. Wang, M. Harbour, "Defects of the POSIX sporadic
 * server and how to correct them", RTAS 2010. To those with lower priority it is no worse than a
 * periodic task of that budget and period: without interference, never more than the budget in any
 * window as long as the period, wherever the window begins.
 *
 * Arithmetic only: who reads clocks, sets timers and takes the CPU away is budget.c. Times and
 * amounts are ticks of cpu_ticks().
 */
#ifndef VMM_SERVER_H
#define VMM_SERVER_H

#include "base/types.h"

#define SERVER_REFILLS 8

/* May be used from time on. */
struct refill {
	uint64_t time, amount;
};

struct server {
	uint64_t budget, period; /* (const) period 0: no server, no limit */
	uint64_t crumb;          /* (const) less than that is not worth a switch */
	/* A ring from head on, by time; all amounts together are the budget. */
	struct refill refill[SERVER_REFILLS];
	uint32_t head, count;
};

/* Full. 0 < crumb <= budget <= period. */
void server_init(struct server *s, uint64_t budget, uint64_t period, uint64_t crumb);
/* It wants to run, and did not want to just before. */
void server_wake(struct server *s, uint64_t now);
/* It has used so much, from server_ready_at() or later on. */
void server_charge(struct server *s, uint64_t used);

/* When it may run: now, if that isn't later; and for how long without a break. */
static inline uint64_t server_ready_at(const struct server *s)
{
	return s->refill[s->head].time;
}

static inline uint64_t server_left(const struct server *s)
{
	return s->refill[s->head].amount;
}

#endif
