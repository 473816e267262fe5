/* SPDX-License-Identifier: MIT */
#include "slow.h"

#include "console.h"
#include "cpu_time.h"
#include "drivers/clock.h"
#include "vm_restart.h"
#include "wake.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	static uint64_t audit_due, poll_due; /* ticks */

	cpu_time_sample(now);
	if (audit_due <= now) {
		wake_backstop(here);
		audit_due = now + clock_us_to_ticks(SLOW_US);
	}
	uint64_t due = earlier(audit_due, restart_look(here, now));

	if (poll_due <= now)
		poll_due = now + clock_us_to_ticks(console_poll(here));
	return earlier(due, poll_due);
}
