/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "base/lib.h"
#include "base/log.h"
#include "counters.h"
#include "trace_ring.h"

void report_end(void)
{
	struct counters_cursor at = { 0 };
	char counted[256], line[sizeof(counted) + 16];

	while (counters_next(&at, counted, sizeof(counted)))
		log_text(line, (size_t)fmt_text(line, sizeof(line), "REPORT %s\n", counted));
	trace_dump();
}
