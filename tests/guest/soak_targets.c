/* SPDX-License-Identifier: MIT */
/* The targets of the soak: what they do when a message comes, and then. */
#include "apic.h"
#include "soak.h"
#include "trap.h"

#define NOWHERE     (~0u)
#define AGAIN_TURNS 8 /* one in so many rounds fires at who is just going to sleep */
#define MOVE_TURNS  4

struct soak soak;

static uint32_t random_below(struct target *t, uint32_t n)
{
	t->random = t->random * 1664525u + 1013904223u;
	return (t->random >> 16) % n;
}

void soak_fire(uint32_t w, uint32_t index)
{
	struct wave *wave = &soak.waves_of[w];
	struct target *me = &soak.of[index];

	/* Nothing of this wave is outstanding: these words are nobody else's until the write. */
	wave->left = soak.wave_messages;
	wave->rounds++;
	for (uint32_t m = 0; m < soak.wave_messages; m++) {
		struct source *s = &soak.sources[w * soak.wave_messages + m];

		s->sent++;
		me->posted_asleep += soak.of[s->vcpu].asleep;
	}
	me->posted += soak.wave_messages;
	igb_fire(wave->device, (1u << soak.wave_messages) - 1);
}

static void wave_over(uint32_t w, uint32_t index)
{
	struct target *me = &soak.of[index];

	if (soak.stop) {
		__atomic_sub_fetch(&soak.tokens, 1, __ATOMIC_SEQ_CST);
		return;
	}
	pause_times(random_below(me, 4));
	soak_fire(random_below(me, AGAIN_TURNS) ? w ^ 1 : w, index);
}

static void on_message(uint32_t vcpu, uint8_t vector)
{
	struct source *s = &soak.sources[vector - VEC_SOAK];
	struct target *me = &soak.of[vcpu];
	uint64_t sent = s->sent;

	me->asleep = 0;
	if (s->seen == sent) {
		me->twice++;
		return;
	}
	s->seen = sent;
	me->delivered++;
	if (!__atomic_sub_fetch(&soak.waves_of[s->wave].left, 1, __ATOMIC_SEQ_CST))
		wave_over(s->wave, vcpu);
}

/* A storm's posts coalesce: only that the last one is seen can be asked for. */
static void on_storm(uint32_t vcpu, uint8_t vector)
{
	soak.of[vcpu].asleep = 0;
	soak.storm_seen[vector - VEC_STORM] = soak.storm_sent;
}

static void on_nothing(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	soak.of[vcpu].asleep = 0;
}

void soak_handlers(void)
{
	for (unsigned i = 0; i < SOAK_SOURCES; i++)
		trap_handler((uint8_t)(VEC_SOAK + i), on_message);
	for (unsigned i = 0; i < IGB_MESSAGES; i++)
		trap_handler((uint8_t)(VEC_STORM + i), on_storm);
	trap_handler(VEC_ALARM, on_nothing);
	trap_handler(VEC_POKE, on_nothing);
}

/* Who halts without an exit keeps its pCPU, so there a target moves only to where nobody is. */
static uint32_t next_pcpu(const struct target *me)
{
	if (soak.mechanism != SOAK_NATIVE)
		return (me->pcpu + 1) % soak.target_pcpus;
	return __atomic_exchange_n(&soak.hole, NOWHERE, __ATOMIC_SEQ_CST);
}

static void move(struct target *me)
{
	uint32_t from = me->pcpu, to = next_pcpu(me);

	if (to == NOWHERE)
		return;
	if (hypercall(HC_MIGRATE, ~0ull, to, 0, 0) == 0) {
		me->pcpu = to;
		me->moves++;
		to = from;
	}
	if (soak.mechanism == SOAK_NATIVE)
		__atomic_store_n(&soak.hole, to, __ATOMIC_SEQ_CST);
}

void soak_target(uint32_t index)
{
	struct target *me = &soak.of[index];

	me->random = index;
	me->pcpu = guest_info()->vcpu_pcpu[index];
	for (;;) {
		irq_disable();
		me->asleep = 1;
		irq_enable_and_halt();
		irq_enable();
		if (soak.fault == SOAK_MIGRATE && !random_below(me, MOVE_TURNS))
			move(me);
	}
}
