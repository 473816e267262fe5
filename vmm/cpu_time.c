/* SPDX-License-Identifier: MIT */
#include "cpu_time.h"

#include "cpu.h"
#include "drivers/clock.h"
#include "vcpu.h"

static uint64_t last;              /* ticks */
static uint64_t had[VCPU_MAX];     /* ticks, by tag */
static uint64_t idle[CONFIG_CPUS]; /* ticks, by pCPU */

void cpu_time_sample(uint64_t now)
{
	uint64_t passed = last ? now - last : 0;

	last = now;
	for (uint32_t i = 0; i < cpu_count(); i++) {
		/* Another CPU's; vCPUs stay where they are in memory, so an old one does no harm.
		 */
		const struct vcpu *v = __atomic_load_n(&cpu_by_index(i)->current, __ATOMIC_RELAXED);

		if (v)
			had[v->tag] += passed;
		else
			idle[i] += passed;
	}
}

static uint64_t to_ms(uint64_t ticks)
{
	return ticks / clock_us_to_ticks(1000);
}

uint64_t cpu_time_ms(const struct vcpu *v)
{
	return to_ms(had[v->tag]);
}

uint64_t cpu_idle_ms(uint32_t cpu)
{
	return to_ms(idle[cpu]);
}
