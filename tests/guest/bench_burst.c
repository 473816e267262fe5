/* SPDX-License-Identifier: MIT */
/*
 * Where a GA log ends: every message of every igb device fires again and again, without a PAUSE,
 * at vCPUs that are all blocked, until there were more posts than the ring has entries. Later posts
 * of the same vector coalesce in the IRR; so one interrupt of this arm is one message in one round,
 * and it is lost when its handler never ran after its last post.
 */
#include "bench.h"
#include "devices.h"

struct source {
	int device;
	uint32_t message;
	volatile uint64_t sent; /* posts */
	volatile uint64_t seen; /* value of sent when the handler ran last */
};

static struct source sources[BENCH_SOURCES];
static uint32_t source_count;
static int burst_devices[GUEST_INFO_DEVICES];
static uint32_t device_count;

void burst_seen(uint8_t vector)
{
	struct source *s = &sources[vector - VEC_BURST];

	s->seen = s->sent;
}

static bool route_all(void)
{
	source_count = device_count = 0;
	for (unsigned n = 0; igb_find(n) != DEVICE_MISSING; n++) {
		int device = igb_find(n);

		burst_devices[device_count++] = device;
		igb_init(device);
		for (uint32_t m = 0; m < IGB_MESSAGES && source_count < BENCH_SOURCES; m++) {
			uint32_t t = source_count % (bench.sleepers + 1);
			uint32_t vcpu = t ? BENCH_FIRST_SLEEPER + t - 1 : BENCH_TARGET;

			if (!device_route(device, m, vcpu, (uint8_t)(VEC_BURST + source_count)))
				return false;
			sources[source_count++] = (struct source){ device, m, 0, 0 };
		}
	}
	return source_count > 0;
}

static bool all_asleep(uint64_t unused)
{
	(void)unused;
	for (uint32_t i = 0; i < bench.sleepers; i++) {
		if (!bench_is_asleep(BENCH_FIRST_SLEEPER + i))
			return false;
	}
	return bench_is_asleep(BENCH_TARGET);
}

static bool all_seen(uint64_t unused)
{
	(void)unused;
	for (uint32_t i = 0; i < source_count; i++) {
		if (sources[i].seen != sources[i].sent)
			return false;
	}
	return true;
}

static void fire(uint32_t device)
{
	for (uint32_t i = 0; i < source_count; i++)
		sources[i].sent += sources[i].device == burst_devices[device];
	igb_fire(burst_devices[device], (1u << IGB_MESSAGES) - 1);
}

/* The last device fires once, when the ring is full: nobody is told of its interrupts, and whoever
 * they are for sleeps on unless the hypervisor looks. */
static void fire_all(uint32_t passes)
{
	while (passes--) {
		for (uint32_t d = 0; d + 1 < device_count; d++)
			fire(d);
	}
	fire(device_count - 1);
}

static void count_round(struct arm_result *r)
{
	for (uint32_t i = 0; i < source_count; i++) {
		bool lost = sources[i].seen != sources[i].sent;

		r->sent++;
		r->lost += lost;
		r->delivered += !lost;
		sources[i].seen = sources[i].sent;
	}
}

static uint64_t overflow_count(void)
{
	static struct hc_counters counters;

	hypercall(HC_COUNTERS, (uintptr_t)&counters, 0, 0, 0);
	return counters.galog_overflows;
}

bool burst_run(struct arm_result *r)
{
	uint64_t ring = args_number("ring", 512), overflows = overflow_count();
	bool ok = route_all();
	uint32_t repeated = source_count - IGB_MESSAGES;
	uint32_t passes;

	ok = ok && device_count > 1;
	passes = ok ? (uint32_t)(ring / repeated) + 2 : 0;

	ok = ok && wait_until(all_asleep, 0);
	bench_mark(bench.arm, 1);
	while (ok && r->sent < bench.count) {
		pause_times(20);
		fire_all(passes);
		ok = wait_until(all_seen, 0);
		count_round(r);
		ok = ok && wait_until(all_asleep, 0);
	}
	bench_mark(bench.arm, 0);
	overflows = overflow_count() - overflows;
	print("bench: %lu interrupts, each up to %u posts, %lu overflows of the GA log\n", r->sent,
		passes, overflows);
	return ok && overflows;
}
