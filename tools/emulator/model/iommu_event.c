// SPDX-License-Identifier: GPL-2.0-or-later
/* The event log, and how a log entry reaches memory. 48882 rev 3.11, "Event Logging". */
#include "iommu_internal.h"

#define LATE_NS 2000u

static void write_entry(struct iommu *u, uint64_t addr, const uint64_t *q, unsigned bytes)
{
	/* The code is in the entry's first word: it comes last, as in hardware that keeps
	 * its order. */
	bool ok = true;

	if (bytes == 16)
		ok = u->host.write(u->host.opaque, addr + 8, &q[1], 8);
	ok = ok && u->host.write(u->host.opaque, addr, &q[0], 8);
	if (!ok)
		STRICT(u, "log entry at %#llx: no memory there", (unsigned long long)addr);
}

void iommu_late_flush(struct iommu *u)
{
	for (unsigned i = 0; i < sizeof(u->late) / sizeof(u->late[0]); i++) {
		struct late_write *l = &u->late[i];

		if (l->bytes)
			write_entry(u, l->addr, l->q, l->bytes);
		l->bytes = 0;
	}
}

/* Errata 732 and 733: the tail may be seen to move before the entry is there. */
void iommu_log_write(struct iommu *u, uint64_t addr, const uint64_t *q, unsigned bytes)
{
	if (u->cfg.late_log && u->cfg.later) {
		for (unsigned i = 0; i < sizeof(u->late) / sizeof(u->late[0]); i++) {
			struct late_write *l = &u->late[i];

			if (l->bytes)
				continue;
			*l = (struct late_write){ .addr = addr, .bytes = bytes };
			l->q[0] = q[0];
			l->q[1] = bytes == 16 ? q[1] : 0;
			u->cfg.later(u->host.opaque, LATE_NS);
			return;
		}
		iommu_late_flush(u);
	}
	write_entry(u, addr, q, bytes);
}

void iommu_event(struct iommu *u, enum iommu_event_code code, uint64_t flags, uint16_t devid,
	uint16_t domain, uint64_t address)
{
	uint64_t *tail = iommu_reg(u, REG_EVENT_TAIL);
	uint64_t bytes = iommu_log_bytes(u, REG_EVENT_BASE);

	if (!(iommu_get(u, REG_STATUS) & STS_EVENT_RUN))
		return;
	uint64_t next = (*tail + 16) & (bytes - 1);
	if (next == iommu_get(u, REG_EVENT_HEAD)) {
		u->event_stopped = true;
		iommu_update_run(u);
		iommu_status_set(u, STS_EVENT_OVERFLOW);
		return;
	}
	uint64_t q[2] = { (uint64_t)code << 60 | flags | (uint64_t)domain << 32 | devid, address };

	iommu_log_write(u, (iommu_get(u, REG_EVENT_BASE) & BITS64(51, 12)) + *tail, q, 16);
	*tail = next;
	iommu_status_set(u, STS_EVENT_INT);
}
