/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "audit.h"
#include "base/lib.h"
#include "base/log.h"

void report_end(void)
{
	const uint64_t *by = audit_stats.rescues;
	char line[160];

	log_text(line, (size_t)fmt_text(line, sizeof(line),
			       "REPORT audit looks=%lu records=%lu rescues=%lu none=%lu galog=%lu "
			       "gappi=%lu\n",
			       audit_stats.looks, audit_stats.records, audit_rescues(),
			       by[WAKE_NONE], by[WAKE_GALOG], by[WAKE_GAPPI]));
}
