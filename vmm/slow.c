/* SPDX-License-Identifier: MIT */
#include "slow.h"

#include "base/log.h"
#include "console.h"
#include "cpu.h"
#include "cpu_time.h"
#include "drivers/clock.h"
#include "drivers/igb_pf.h"
#include "events.h"
#include "intx.h"
#include "notice.h"
#include "storm.h"
#include "vm.h"
#include "vm_restart.h"
#include "wake.h"

/* 0: never. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void renew_notices(void)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		notice_renew(vm_by_index(i));
		events_renew(vm_by_index(i));
	}
}

static void look_at_hpets(struct cpu *here)
{
	for (uint32_t i = 0; i < vm_count(); i++)
		vhpet_look(here, vm_by_index(i));
}

uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	static uint64_t audit_due, notices_due, poll_due, log_due; /* ticks */

	uint64_t storm_due = storm_tick(here, now);

	/* The rest is the boot CPU's. */
	if (here->index)
		return storm_due;
	cpu_time_sample(now);
	if (audit_due <= now) {
		wake_backstop(here);
		intx_release();
		look_at_hpets(here);
		audit_due = now + clock_us_to_ticks(SLOW_US);
	}
	if (notices_due <= now) {
		renew_notices();
		notices_due = now + clock_us_to_ticks(NOTICE_PERIOD_US);
	}
	if (poll_due <= now)
		poll_due = earlier(now + clock_us_to_ticks(console_poll(here)),
			now + clock_us_to_ticks(igb_pf_poll(now)));
	if (log_due <= now)
		log_due = log_step() ? now + clock_us_to_ticks(LOG_STEP_US) : 0;
	return earlier(earlier(earlier(audit_due, poll_due), restart_look(here, now)),
		earlier(storm_due, log_due));
}
