// SPDX-License-Identifier: MIT
#include "galog.h"

#include "access.h"
#include "base/lib.h"
#include "drivers/clock.h"
#include "page.h"
#include <base/count.h>
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/shared.h>

#define ENTRY_BYTES 8u
#define ENTRIES_MIN 512u
/* Head and tail are documented to bit 15 (48882 rev 3.11, "Guest Virtual APIC Log Head Pointer
 * Register"): a ring of 64 KiB. */
#define ENTRIES_MAX   8192u
#define SPIN_LOOKS    10000u
#define OVERDUE_LOOKS 256u

#define BOTH_EN (CONTROL_GALOG_EN | CONTROL_GAINT_EN)

err_t galog_init(struct iommu *u, uint32_t entries)
{
	if (entries & (entries - 1))
		return ERR_INVALID;
	if (entries < ENTRIES_MIN)
		entries = ENTRIES_MIN;
	if (entries > ENTRIES_MAX)
		entries = ENTRIES_MAX;
	uint32_t bytes = entries * ENTRY_BYTES;
	phys_t ring = page_alloc(bytes / PAGE_BYTES, 1);
	phys_t tail = page_alloc(1, 1);

	if (ring.v == PHYS_NONE.v || tail.v == PHYS_NONE.v)
		return ERR_NOMEM;
	u->galog = (struct galog){
		.entry = phys_to_virt(ring),
		.tail_copy = phys_to_virt(tail),
		.bytes = bytes,
	};
	return OK;
}

/* Running, or full once more already: a device that storms can fill it before we look, and GALogRun
 * is 0 then too. The drain that follows finds that overflow as any other. */
static err_t await_begun(const struct iommu *u)
{
	uint64_t start = cpu_ticks(), limit = clock_us_to_ticks(IOMMU_RUN_TIMEOUT_US);

	while (!(iommu_read(u, IOMMU_STATUS) & (STATUS_GALOG_RUN | STATUS_GALOG_OVERFLOW))) {
		if (cpu_ticks() - start > limit)
			return ERR_TIMEOUT;
		cpu_pause();
	}
	return OK;
}

/* Empties the ring and points the unit at it. Only while it doesn't run. Length 8 stands for 512
 * entries ("Guest Virtual APIC Log Base Address Register"). */
static err_t start(struct iommu *u)
{
	struct galog *g = &u->galog;
	uint64_t length = (uint64_t)__builtin_ctz(g->bytes / ENTRY_BYTES) - 1;

	memset(g->entry, 0, g->bytes);
	shared_store64(g->tail_copy, 0);
	g->head = g->head_told = 0;
	iommu_write(u, IOMMU_GALOG_BASE,
		(virt_to_phys(g->entry).v & BASE_ADDRESS) | field_set(BASE_LENGTH, 0, length));
	iommu_write(u, IOMMU_GALOG_TAIL_ADDRESS, virt_to_phys(g->tail_copy).v & GALOG_TAIL_COPY);
	iommu_write(u, IOMMU_GALOG_HEAD, 0);
	iommu_write(u, IOMMU_GALOG_TAIL, 0);
	iommu_ack(u, STATUS_GALOG_OVERFLOW | STATUS_GAINT);
	iommu_control(u, CONTROL_GAINT_EN, 0);
	/* Before it can send a message, which its owner, on another CPU, would else ignore; and no
	 * second one comes while GAInt is set. */
	g->enabled = true;
	shared_fence();
	iommu_control(u, CONTROL_GALOG_EN, 0);
	err_t err = await_begun(u);

	if (err) {
		g->enabled = false;
		iommu_control(u, 0, BOTH_EN);
	}
	return err;
}

static err_t stop(struct iommu *u)
{
	u->galog.enabled = false;
	iommu_control(u, 0, BOTH_EN);
	return iommu_wait_status(u, STATUS_GALOG_RUN, 0, IOMMU_RUN_TIMEOUT_US);
}

err_t galog_enable(struct iommu *u)
{
	if (!u->f.gam || u->mute)
		return ERR_UNFIT;
	spin_lock(&u->lock);
	err_t err = OK;

	if (u->control & CONTROL_GAPPI_EN)
		err = ERR_BUSY;
	else if (!u->galog.enabled)
		err = start(u);
	spin_unlock(&u->lock);
	return err;
}

/* Until nobody drains, on whatever CPU. Who comes later finds it disabled: his locked exchange in
 * galog_begin() pairs with this fence. */
static err_t await_drained(struct galog *g)
{
	uint64_t start = cpu_ticks(), limit = clock_us_to_ticks(IOMMU_RUN_TIMEOUT_US);

	shared_fence();
	while (shared_load32(&g->draining)) {
		if (cpu_ticks() - start > limit)
			return ERR_TIMEOUT;
		cpu_pause();
	}
	return OK;
}

/* [model galog:disable] A drain that went on while the log starts anew would leave a head behind
 * that isn't the IOMMU's. */
err_t galog_disable(struct iommu *u)
{
	spin_lock(&u->lock);
	err_t err = u->galog.enabled ? stop(u) : OK;

	if (!err)
		err = await_drained(&u->galog);
	spin_unlock(&u->lock);
	return err;
}

/* [model galog:restart] 48882 rev 3.11, "Guest Virtual APIC Log Restart Procedure": the registers
 * may be changed only after GALogRun has become 0, which overflow does by itself. Entries still in
 * the ring are dropped with the lost ones: the caller looks at everybody. */
err_t galog_restart(struct iommu *u)
{
	err_t err = OK;

	spin_lock(&u->lock);
	u->galog.overflows++;
	/* Else another CPU has turned it off meanwhile: it must not come back. */
	if (u->galog.enabled) {
		err = stop(u);
		if (!err)
			err = start(u);
		if (!err)
			u->galog.recoveries++;
	}
	spin_unlock(&u->lock);
	return err;
}

/* [model galog:move] The new owner may come as soon as the log runs, so it is his before. What
 * interrupts the old one from here on finds another's log. */
err_t galog_move(struct iommu *u, apicid_t to)
{
	spin_lock(&u->lock);
	bool on = u->galog.enabled;
	err_t err = on ? stop(u) : OK;

	if (!err) {
		own_interrupt_move(u, to);
		err = on ? start(u) : OK;
	}
	spin_unlock(&u->lock);
	return err;
}

/* [model galog:begin] Clear first, then drain: a post after this write sets GAInt again and sends
 * another message. */
void galog_begin(struct iommu *u)
{
	shared_swap32(&u->galog.draining, 1);
	iommu_ack(u, STATUS_GAINT);
	COUNT(u->mmio_writes);
}

/* [model galog:await] Erratum 732: the tail may be seen before the entry. Bounded; leaves when the
 * entry shows up or the tail is here. */
static __attribute__((noinline, cold)) uint64_t await_entry(struct galog *g, const uint64_t *slot)
{
	uint64_t e = 0;

	for (unsigned i = 0; i < SPIN_LOOKS && !e && shared_load64(g->tail_copy) != g->head; i++) {
		cpu_pause();
		e = shared_load64(slot);
	}
	if (e)
		g->overdue = 0;
	return e;
}

/* [model galog:next] */
bool galog_next(struct iommu *u, uint32_t *gatag)
{
	struct galog *g = &u->galog;

	if (__builtin_expect(!g->enabled, 0))
		return false;
	uint64_t *slot = g->entry + g->head / ENTRY_BYTES;
	uint64_t e = shared_load64(slot);

	/* Consumed slots are zeroed, so what isn't zero is new: the tail is only looked at when
	 * there seems to be nothing. */
	if (!e) {
		if (shared_load64(g->tail_copy) == g->head)
			return false;
		e = await_entry(g, slot);
		if (!e)
			return false;
	}
	shared_store64(slot, 0);
	g->head = (g->head + ENTRY_BYTES) & (g->bytes - 1);
	COUNT(g->entries);
	/* A code that isn't ours carries no tag, but looking once too often is harmless. */
	*gatag = (uint32_t)e;
	return true;
}

/* The tail has moved, its entry isn't there, and nobody would tell us again when it comes: look
 * once more. An entry that never comes is a lost one, which is what a restart is for. */
static __attribute__((noinline, cold)) enum galog_state overdue(struct galog *g)
{
	if (++g->overdue < OVERDUE_LOOKS)
		return GALOG_MORE;
	g->overdue = 0;
	return GALOG_OVERFLOWED;
}

/* [model galog:end] */
static inline enum galog_state end(struct iommu *u)
{
	struct galog *g = &u->galog;

	if (g->head != g->head_told) {
		iommu_write(u, IOMMU_GALOG_HEAD, g->head);
		g->head_told = g->head;
		COUNT(u->mmio_writes);
	}
	uint64_t status = iommu_read(u, IOMMU_STATUS);

	COUNT(u->mmio_reads);
	if (__builtin_expect(status & STATUS_GALOG_OVERFLOW, 0))
		return GALOG_OVERFLOWED;
	if (__builtin_expect(!g->enabled, 0))
		return GALOG_EMPTY;
	/* [model galog:late] GAInt may be set again without a message (ERBT1312). And the read
	 * above has pushed the unit's own writes into memory: what the interrupt had overtaken is
	 * there now. */
	if (status & STATUS_GAINT || shared_load64(g->entry + g->head / ENTRY_BYTES))
		return GALOG_MORE;
	if (__builtin_expect(shared_load64(g->tail_copy) != g->head, 0))
		return overdue(g);
	return GALOG_EMPTY;
}

enum galog_state galog_end(struct iommu *u)
{
	enum galog_state found = end(u);

	shared_store32(&u->galog.draining, 0);
	return found;
}

bool galog_overflowed(struct iommu *u)
{
	if (!u->galog.enabled)
		return false;
	COUNT(u->mmio_reads);
	return iommu_read(u, IOMMU_STATUS) & STATUS_GALOG_OVERFLOW;
}

struct galog_registers galog_registers(const struct iommu *u)
{
	return (struct galog_registers){
		.head = iommu_read(u, IOMMU_GALOG_HEAD),
		.tail = iommu_read(u, IOMMU_GALOG_TAIL),
		.status = iommu_read(u, IOMMU_STATUS),
		.tail_copy = shared_load64(u->galog.tail_copy),
	};
}
