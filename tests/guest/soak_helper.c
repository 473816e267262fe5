/* SPDX-License-Identifier: MIT */
/* What the helper of the soak does while the messages go round, by the fault of the arm. */
#include "apic.h"
#include "soak.h"

#define SWITCH_US   3000
#define REROUTE_US  200
#define STORM_US    100
#define STORM_POSTS 40 /* of each message, between two naps */
#define MODE_TRIES  5

void soak_nap(uint32_t us)
{
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VEC_ALARM);
	irq_disable();
	apic_write(APIC_TIMER_INITIAL, us * guest_info()->tsc_per_us);
	irq_enable_and_halt();
	irq_enable();
	__atomic_add_fetch(&soak.naps, 1, __ATOMIC_SEQ_CST);
}

/* ERR_TIMEOUT, where a vCPU took long to leave the guest, is no end: the same again settles it. */
static bool set(uint64_t function, uint64_t mode)
{
	for (unsigned i = 0; i < MODE_TRIES; i++) {
		if (hypercall(function, mode, 0, 0, 0) == 0)
			return true;
		soak_nap(10000);
	}
	print("soak: mode %lx %lu is refused\n", function, mode);
	return false;
}

bool soak_set_mode(enum soak_mechanism m)
{
	static const enum halt_mode halts[] = { HALT_GALOG, HALT_GAPPI, HALT_GAPPI_SHARED,
		HALT_NATIVE };

	if (m == SOAK_EMULATED)
		return set(HC_SET_DELIVERY, DELIVERY_EMULATED);
	return set(HC_SET_DELIVERY, DELIVERY_POSTED) && set(HC_SET_HALT, halts[m]);
}

static bool route(const struct source *s, uint32_t index)
{
	return device_route((int)s->device, s->message, s->vcpu, (uint8_t)(VEC_SOAK + index));
}

bool soak_route_all(void)
{
	uint32_t sharing = soak.fault == SOAK_SPURIOUS ? 2 : 1;
	uint32_t each = (soak.wave_messages + sharing - 1) / sharing;
	bool ok = true;

	for (uint32_t i = 0; i < soak.waves * soak.wave_messages; i++) {
		struct source *s = &soak.sources[i];
		uint32_t w = i / soak.wave_messages, m = i % soak.wave_messages;

		s->wave = w;
		s->device = (uint32_t)soak.waves_of[w].device;
		s->message = m;
		s->vcpu = SOAK_TARGET + w * soak.wave_messages + m % each;
		ok = route(s, i) && ok;
	}
	for (uint32_t m = 0; soak.storm != DEVICE_MISSING && m < IGB_MESSAGES; m++)
		ok = device_route(soak.storm, m, SOAK_TARGET + m * soak.targets / IGB_MESSAGES,
			     (uint8_t)(VEC_STORM + m)) &&
		     ok;
	return ok;
}

static void storm(void)
{
	for (unsigned i = 0; i < STORM_POSTS; i++) {
		soak.storm_sent++;
		igb_fire(soak.storm, (1u << IGB_MESSAGES) - 1);
	}
	soak.helper_done += STORM_POSTS;
	soak_nap(STORM_US);
}

/* To the neighbour in the same wave, while it fires. */
static void reroute(uint64_t n)
{
	uint32_t count = soak.waves * soak.wave_messages;
	uint32_t i = (uint32_t)(n * 7 % count);
	struct source *s = &soak.sources[i];
	uint32_t target = s->vcpu - SOAK_TARGET;

	s->vcpu = SOAK_TARGET + (target + 1) % soak.targets;
	soak.helper_done += route(s, i);
	soak_nap(REROUTE_US);
}

/* Out of the arm's own mechanism into another one, each in turn, and back. */
static void switch_modes(uint64_t n)
{
	enum soak_mechanism to = soak.mechanism;

	if (n % 2) {
		to = (enum soak_mechanism)(n / 2 % (SOAK_EMULATED + 1));
		/* With many targets on a pCPU the first one to halt without an exit would keep it.
		 */
		if (to == soak.mechanism || (to == SOAK_NATIVE && soak.mechanism != SOAK_NATIVE))
			return;
	}
	soak.helper_done += soak_set_mode(to);
	soak_nap(SWITCH_US);
}

void soak_helper(void)
{
	for (uint64_t n = 0;; n++) {
		enum soak_fault fault = soak.fault;

		soak.helper_rests = soak.stop;
		if (soak.stop)
			soak_nap(1000);
		else if (fault == SOAK_STORM)
			storm();
		else if (fault == SOAK_COMPLETION_LATE)
			reroute(n);
		else if (fault == SOAK_SWITCH)
			switch_modes(n);
		else
			soak_nap(1000);
	}
}
