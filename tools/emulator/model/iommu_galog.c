// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest virtual APIC log. 48882 rev 3.11, "Guest Virtual APIC Log". */
#include "iommu_internal.h"

static bool full(const struct iommu *u, uint64_t bytes)
{
	uint64_t head = iommu_get(u, REG_GA_HEAD);
	uint64_t tail = iommu_get(u, REG_GA_TAIL);
	uint64_t used = ((tail - head) & (bytes - 1)) / 8;

	return used + 1 == bytes / 8 || (u->cfg.galog_limit && used >= u->cfg.galog_limit);
}

/* Logging stops until software restarts it; what is posted meanwhile sets its IRR bit
 * and nothing else. The manual promises no interrupt for it, so none comes unless asked. */
static void overflow(struct iommu *u)
{
	u->faults_done += u->galog_full_once || u->cfg.galog_limit;
	u->galog_full_once = false;
	u->galog_stopped = true;
	iommu_update_run(u);
	iommu_status_set(u, STS_GALOG_OVERFLOW);
	if (u->cfg.galog_overflow_int)
		iommu_status_set(u, STS_GA_INT);
}

void iommu_galog_append(struct iommu *u, uint16_t devid, uint32_t tag)
{
	uint64_t bytes = iommu_log_bytes(u, REG_GA_BASE);
	uint64_t *tail = iommu_reg(u, REG_GA_TAIL);
	bool running = iommu_get(u, REG_STATUS) & STS_GALOG_RUN;

	if (!iommu_ctl(u, CTL_GALOG_EN))
		return;
	if (running && (u->galog_full_once || full(u, bytes))) {
		overflow(u);
		running = false;
	}
	if (!running) {
		iommu_stopwatch(u, SW_GALOG_OVERFLOW, 0, tag, 0, devid);
		return;
	}
	uint64_t entry = GALOG_GUEST_NR | (uint64_t)devid << 32 | tag;

	iommu_log_write(u, (iommu_get(u, REG_GA_BASE) & BITS64(51, 12)) + *tail, &entry, 8);
	*tail = (*tail + 8) & (bytes - 1);
	if (!u->host.write(u->host.opaque, iommu_get(u, REG_GA_TAIL_ADDR), tail, 8))
		STRICT(u, "GA log tail address %#llx: no memory there",
			(unsigned long long)iommu_get(u, REG_GA_TAIL_ADDR));
	iommu_stopwatch(u, SW_GALOG, 0, tag, *tail, devid);
	iommu_status_set(u, STS_GA_INT);
}
