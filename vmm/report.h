/* SPDX-License-Identifier: MIT */
/* REPORT lines for tools/report, in the form that hypercall.h gives. Straight into the log,
 * whatever its level. */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include "base/types.h"
#include "hypercall.h"

struct vm;

void report_gather(struct vm *vm, struct hc_counters *out);
void report_mark(struct vm *vm, uint32_t arm, bool begin);
/* At the end of the run: all counters, one REPORT line for each line of counters.h;
 * then the trace, where there is one. */
void report_end(void);
/* r comes from a guest: its name is cut at the first byte that doesn't belong into a name. */
void report_result(const struct arm_result *r);

#endif
