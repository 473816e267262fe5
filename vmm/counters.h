/* SPDX-License-Identifier: MIT */
/*
 * What is counted, and all of it as text: for the end of a run, and for whoever wants to look while
 * everything runs. Counters of a pCPU, a vCPU, a device's message, an IOMMU have one writer each;
 * others read them at any time, each number right at some moment.
 *
 * A post to a vCPU that runs is seen by nobody, which is the point of posting. What can be seen:
 * GA log entries, GAPPI vectors, remapped interrupts, posts by software.
 */
#ifndef VMM_COUNTERS_H
#define VMM_COUNTERS_H

#include "base/types.h"

/* Of one pCPU; written by itself. */
struct cpu_counters {
	uint64_t galog_interrupts;
	uint64_t galog_useless; /* entries whose vCPU was not BLOCKED (any more) */
	uint64_t gappi_own, gappi_own_useless;
	uint64_t gappi_shared, gappi_shared_wakes;
	uint64_t stale;       /* entries whose tag names nobody */
	uint64_t galog_moves; /* logs given away: place.h */
	uint64_t scans, scan_wakes;
	uint64_t software_posts; /* IRR bits set by this CPU, but for IPIs */
	uint64_t kicks, inbox;   /* kicks taken; vCPUs that came by the inbox */
};

/* Where a walk through all of them stands; { 0 } begins it. */
struct counters_cursor {
	uint32_t group, i, j, k;
};

/*
 * The next line, without a newline, terminated, cut at bytes (256 are enough); false: that was all.
 * Any CPU, no locks. Lines are "KIND key=value ...":
 *   mechanism name=galog interrupts=1 entries=1 wakes=1 useless=0 stale=0 overflows=0 recoveries=0
 *   mechanism name=gappi-own interrupts=0 wakes=0 useless=0
 *   mechanism name=gappi-shared interrupts=0 wakes=0
 *   mechanism name=scan looks=0 wakes=0
 *   mechanism name=audit looks=12 records=0 rescues=0 none=0 galog=0 gappi=0
 *   cpu n=0 interrupts=9 stale=0 kicks=2 inbox=1 software_posts=0 galog=1 galog_moves=0
 *   vcpu vm=g n=0 exits=12 blocks=3 cancels=0 wakes=3 spurious=0 parked=0 preemptions=0 moves=0
 *        rescues=0 (one line)
 *   message vm=g device=00:04.0 n=0 posted=1 vcpu=0 vector=81 host_interrupts=0
 *   intx vm=g device=00:05.0 gsi=21 pin=17 interrupts=1
 *   iommu n=0 galog_entries=1 overflows=0 recoveries=0 reads=1 writes=2 commands=9 events=0
 *   refused vm=g events=0 msrs=1 ports=0 config=0 ipis=0 startups=0 hypercalls=0 storms=0 reports=0
 */
bool counters_next(struct counters_cursor *c, char *line, size_t bytes);

#endif
