/* SPDX-License-Identifier: MIT */
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>

const uint8_t vector_of[RIG_MESSAGES] = { 0x41, 0x42, 0x61, 0x43, 0x44, 0x45 };

static bool broken;
static unsigned long runs;

static void must(err_t err, const char *what)
{
	if (!err)
		return;
	printf("%s: error %d\n", what, err);
	exit(1);
}

static void start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	rig_start();
	for (uint32_t n = 0; n < RIG_MESSAGES; n++) {
		struct vcpu *v = n >= TO_1 && n <= TO_3 ? &rig_vcpu[1 + n - TO_1] : &rig_vcpu[0];

		must(assign_route(&rig_cpu[0], &rig_device->irq[n], v, vector_of[n]),
			"assign_route");
	}
	rig_settle();
}

static unsigned taken(uint8_t vector)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RIG_VCPUS; i++)
		n += rig_guest[i].taken[vector];
	return n;
}

static void report(const struct scenario *s, const struct plan *p, const char *what)
{
	printf("%s: %s: fired at crossing %u, split %d finished at %u, stores %s, lag %u\n",
		s->name, what, p->fire_at, p->split, p->finish_at,
		p->late_stores ? "late" : "at once", p->lag);
	broken = true;
}

/* One telling; false: it was over before the device fired (or something is wrong). */
static bool tell(const struct scenario *s, const struct plan *p)
{
	unsigned before[RIG_MESSAGES];
	const char *wrong;
	bool fired;

	runs++;
	if (s->told)
		++*s->told;
	for (unsigned n = 0; n < RIG_MESSAGES; n++)
		before[n] = taken(vector_of[n]);
	rig_arm(p);
	s->story();
	rig_settle();
	fired = rig_fired();
	rig_disarm();
	wrong = rig_wrong();
	if (s->after)
		s->after();
	for (unsigned n = 0; n < RIG_MESSAGES; n++) {
		unsigned got = taken(vector_of[n]) - before[n];
		unsigned want = s->fires[n] + (n == p->message && fired);
		char what[64];

		if (got == want)
			continue;
		snprintf(what, sizeof(what), "vector %#x taken %u times, not %u", vector_of[n], got,
			want);
		report(s, p, what);
		return false;
	}
	if (!wrong)
		wrong = rig_wrong();
	if (wrong)
		report(s, p, wrong);
	return fired && !wrong;
}

static void tell_each_split(const struct scenario *s, struct plan *p, uint32_t window)
{
	for (p->split = MACHINE_SPLIT_BEFORE_OR; p->split <= MACHINE_SPLIT_BEFORE_IRTE; p->split++)
		for (uint32_t w = 1; w <= window && !broken; w += 1 + w / 8) {
			p->finish_at = p->fire_at + w;
			tell(s, p);
		}
	p->split = MACHINE_WHOLE;
	p->finish_at = 0;
}

/* At every crossing, for one lag; how many there were. */
static uint32_t tell_with_lag(const struct scenario *s, uint32_t lag, uint32_t window)
{
	struct plan p = { .message = Y, .lag = lag };
	bool more = true;

	p.software = s->by_software ? vector_of[Y] : -1;

	for (p.fire_at = 1; more; p.fire_at++) {
		more = false;
		for (unsigned stores = 0; stores < 2 && !broken; stores++) {
			p.late_stores = stores;
			more = tell(s, &p);
			if (more && !s->by_software)
				tell_each_split(s, &p, window);
		}
		if (broken || p.fire_at == s->limit)
			return p.fire_at;
	}
	return p.fire_at - 2;
}

bool tell_everywhere(const struct scenario *s, unsigned cpus, uint32_t window)
{
	static const uint32_t lags[] = { 0, 2, 9, 200 };
	unsigned long before = runs;
	uint32_t crossings = 0;

	start();
	for (unsigned i = 0; i < (cpus > 1 ? ARRAY_COUNT(lags) : 1) && !broken; i++)
		crossings = tell_with_lag(s, lags[i], window);
	if (!broken)
		printf("%s: %u crossings, %lu runs\n", s->name, crossings, runs - before);
	return !broken && crossings > 20;
}

void use(enum wake_mechanism mechanism, enum halt_mode halt)
{
	start();
	rig_vm.halt = halt;
	if (wake_mechanism(wake_word) != mechanism)
		must(wake_switch(&rig_cpu[0], mechanism), "wake_switch");
	/* A mode takes effect at the next load. */
	for (unsigned i = 0; i < RIG_VCPUS; i++)
		vcpu_post_event(&rig_cpu[0], &rig_vcpu[i], 0);
	rig_settle();
}

void live_on(unsigned vcpu, struct cpu *cpu)
{
	rig_guest[vcpu].move_to = cpu;
	vcpu_interrupt(&rig_cpu[0], &rig_vcpu[vcpu], 0x20);
	rig_settle();
	if (rig_vcpu[vcpu].home == cpu)
		return;
	printf("vCPU %u doesn't move\n", vcpu);
	broken = true;
}
