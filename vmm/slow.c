/* SPDX-License-Identifier: MIT */
#include "slow.h"

#include "console.h"
#include "cpu_time.h"
#include "drivers/clock.h"
#include "drivers/igb_pf.h"
#include "wake.h"

static uint64_t sooner(uint64_t due, uint64_t now, uint32_t us)
{
	uint64_t at = now + clock_us_to_ticks(us);

	return at < due ? at : due;
}

uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	static uint64_t audit_due; /* ticks */

	cpu_time_sample(now);
	if (audit_due <= now) {
		wake_backstop(here);
		audit_due = now + clock_us_to_ticks(SLOW_US);
	}
	return sooner(sooner(audit_due, now, console_poll(here)), now, igb_pf_poll(now));
}
