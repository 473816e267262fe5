/* SPDX-License-Identifier: MIT */
#include "slow.h"

#include "console.h"
#include "cpu_time.h"
#include "drivers/clock.h"
#include "vm_restart.h"
#include "wake.h"

uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	static uint64_t audit_due; /* ticks */

	cpu_time_sample(now);
	if (audit_due <= now) {
		wake_backstop(here);
		restart_look(here);
		audit_due = now + clock_us_to_ticks(SLOW_US);
	}
	uint64_t poll_due = now + clock_us_to_ticks(console_poll(here));

	return poll_due < audit_due ? poll_due : audit_due;
}
