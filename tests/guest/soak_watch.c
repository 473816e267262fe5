/* SPDX-License-Identifier: MIT */
/* What is overdue in the soak. */
#include "apic.h"
#include "soak.h"

static struct {
	uint64_t rounds[SOAK_WAVES];
	uint64_t stuck[SOAK_WAVES]; /* looks since rounds changed */
} watch;

/* Says which message of a wave does not arrive, and looks whether it was only that nobody told
 * the vCPU. */
static void wave_lost(uint32_t w)
{
	for (uint32_t m = 0; m < soak.wave_messages; m++) {
		uint32_t i = w * soak.wave_messages + m;
		struct source *s = &soak.sources[i];
		uint64_t seen = s->seen;

		if (seen == s->sent)
			continue;
		soak.lost++;
		print("soak: LOST: %s: vCPU %u vector %x round %lu\n", soak.arm, s->vcpu,
			VEC_SOAK + i, s->sent);
		apic_ipi(s->vcpu, VEC_POKE);
		soak_nap(SOAK_LOOK_US);
		print("soak: ... %s\n",
			s->seen == seen ? "is nowhere" : "was pending: nobody had told the vCPU");
	}
}

void soak_watch(void)
{
	for (uint32_t w = 0; w < soak.waves; w++) {
		struct wave *wave = &soak.waves_of[w];
		bool idle = !__atomic_load_n(&wave->left, __ATOMIC_SEQ_CST);

		if (idle || watch.rounds[w] != wave->rounds) {
			watch.rounds[w] = wave->rounds;
			watch.stuck[w] = 0;
		} else if (++watch.stuck[w] == soak.patience) {
			wave_lost(w);
			watch.stuck[w] = 0;
		}
	}
}
