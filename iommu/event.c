// SPDX-License-Identifier: MIT
/* The event log (48882 rev 3.11, "Event Logging"): what devices tried and weren't allowed to. */
#include "access.h"
#include "page.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define RING_ENTRIES 512u
#define RING_LENGTH  9ull /* log2 */
#define ENTRY_BYTES  16u
#define RING_BYTES   (RING_ENTRIES * ENTRY_BYTES)
#define SPIN_LOOKS   10000u

static const char *const names[16] = {
	[0x1] = "ILLEGAL_DEV_TABLE_ENTRY",
	[0x2] = "IO_PAGE_FAULT",
	[0x3] = "DEV_TAB_HARDWARE_ERROR",
	[0x4] = "PAGE_TAB_HARDWARE_ERROR",
	[0x5] = "ILLEGAL_COMMAND_ERROR",
	[0x6] = "COMMAND_HARDWARE_ERROR",
	[0x7] = "IOTLB_INV_TIMEOUT",
	[0x8] = "INVALID_DEVICE_REQUEST",
	[0x9] = "INVALID_PPR_REQUEST",
	[0xa] = "EVENT_COUNTER_ZERO",
	[0xb] = "GUEST_EVENT_FAULT",
	[0xc] = "VIOMMU_HARDWARE_ERROR",
	[0xd] = "RMP_PAGE_FAULT",
	[0xe] = "RMP_HARDWARE_ERROR",
};

err_t event_init(struct iommu *u)
{
	phys_t ring = page_alloc(RING_BYTES / PAGE_BYTES, 1);

	if (ring.v == PHYS_NONE.v)
		return ERR_NOMEM;
	u->event = (struct event_log){ .entry = phys_to_virt(ring), .bytes = RING_BYTES };
	iommu_write(u, IOMMU_EVENT_BASE,
		(ring.v & BASE_ADDRESS) | field_set(BASE_LENGTH, 0, RING_LENGTH));
	iommu_write(u, IOMMU_EVENT_HEAD, 0);
	iommu_write(u, IOMMU_EVENT_TAIL, 0);
	iommu_control(u, CONTROL_EVENT_LOG_EN, 0);
	return OK;
}

/* After an overflow the log stands still until it is switched off and on ("Event Log Restart
 * Procedure"). It is empty here: the caller found nothing at the head. */
static void restart(struct iommu *u)
{
	u->event.overflows++;
	spin_lock(&u->lock);
	/* Should it not stop in time, the switch below is tried all the same. */
	err_t err = iommu_wait_status(u, STATUS_EVENT_RUN, 0, IOMMU_RUN_TIMEOUT_US);

	(void)err;
	iommu_control(u, 0, CONTROL_EVENT_LOG_EN | CONTROL_EVENT_INT_EN);
	iommu_ack(u, STATUS_EVENT_OVERFLOW);
	iommu_control(u, CONTROL_EVENT_INT_EN, 0);
	iommu_control(u, CONTROL_EVENT_LOG_EN, 0);
	spin_unlock(&u->lock);
}

/* The first quadword at the head, 0 when there is none. Acknowledge before the look at the tail:
 * an event that comes later sets EventLogInt anew and sends another message. */
static uint64_t look(struct iommu *u)
{
	uint64_t *e = u->event.entry + u->event.head / sizeof(*e);
	uint64_t q0 = shared_load64(e);

	if (field_get(EVENT_CODE, q0))
		return q0;
	uint64_t status = iommu_read(u, IOMMU_STATUS);

	if (status & STATUS_EVENT_INT)
		iommu_ack(u, STATUS_EVENT_INT);
	if (iommu_read(u, IOMMU_EVENT_TAIL) == u->event.head) {
		if (status & STATUS_EVENT_OVERFLOW)
			restart(u);
		return 0;
	}
	/* Erratum 732: the tail may be seen before the entry. */
	for (unsigned i = 0; i < SPIN_LOOKS && !field_get(EVENT_CODE, q0); i++) {
		cpu_pause();
		q0 = shared_load64(e);
	}
	return field_get(EVENT_CODE, q0) ? q0 : 0;
}

bool event_next(struct iommu *u, struct iommu_event *out)
{
	uint64_t q0 = look(u);
	uint64_t *e = u->event.entry + u->event.head / sizeof(*e);

	if (!q0)
		return false;
	*out = (struct iommu_event){
		.code = (uint8_t)field_get(EVENT_CODE, q0),
		.dev = (devid_t)field_get(EVENT_DEVICE, q0),
		.domain = (uint16_t)field_get(EVENT_DOMAIN, q0),
		.flags = (uint16_t)field_get(EVENT_FLAGS, q0),
		.address = shared_load64(&e[1]),
	};
	out->name = names[out->code] ? names[out->code] : "reserved event";
	/* Zeroed, so that a code at the head always means a new entry. */
	shared_store64(&e[1], 0);
	shared_store64(&e[0], 0);
	u->event.head = (u->event.head + ENTRY_BYTES) % u->event.bytes;
	iommu_write(u, IOMMU_EVENT_HEAD, u->event.head);
	u->event.events++;
	return true;
}
