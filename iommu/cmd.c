// SPDX-License-Identifier: MIT
#include "cmd.h"

#include "access.h"
#include "base/log.h"
#include "page.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define RING_BYTES   4096u
#define ENTRY_BYTES  16u
#define RING_ENTRIES (RING_BYTES / ENTRY_BYTES)
#define RING_LENGTH  8ull /* log2(RING_ENTRIES), "Command Buffer Base Address Register" */

static uint64_t opcode(uint64_t op)
{
	return field_set(CMD_OPCODE, 0, op);
}

/* An empty ring has head == tail, so one entry always stays free; another is kept for the
 * COMPLETION_WAIT. A batch that long is only made at bring-up of a unit that can't invalidate all
 * at once. */
static void push(struct iommu *u, uint64_t q0, uint64_t q1)
{
	if (u->failed)
		return;
	uint64_t *e = u->cmd.entry + u->cmd.tail / sizeof(*e);

	shared_store64(&e[1], q1);
	shared_store64(&e[0], q0);
	u->cmd.tail = (u->cmd.tail + ENTRY_BYTES) % RING_BYTES;
	u->cmd.queued++;
	u->cmd.commands++;
}

static void push_bounded(struct iommu *u, uint64_t q0, uint64_t q1)
{
	/* A timeout is remembered in u->failed, and the caller's own cmd_finish() returns it. */
	if (u->cmd.queued >= RING_ENTRIES - 2 && cmd_finish(u, CMD_TIMEOUT_US) != OK)
		return;
	push(u, q0, q1);
}

err_t cmd_init(struct iommu *u)
{
	phys_t ring = page_alloc(1, 1);
	phys_t done = page_alloc(1, 1);

	if (ring.v == PHYS_NONE.v || done.v == PHYS_NONE.v)
		return ERR_NOMEM;
	u->cmd = (struct cmd_ring){ .entry = phys_to_virt(ring), .done = phys_to_virt(done) };
	iommu_write(u, IOMMU_COMMAND_BASE,
		(ring.v & BASE_ADDRESS) | field_set(BASE_LENGTH, 0, RING_LENGTH));
	iommu_write(u, IOMMU_COMMAND_HEAD, 0);
	iommu_write(u, IOMMU_COMMAND_TAIL, 0);
	iommu_control(u, CONTROL_CMD_BUF_EN, 0);
	return OK;
}

void cmd_invalidate_device(struct iommu *u, devid_t dev)
{
	push_bounded(u, opcode(CMD_INV_DEVTAB) | dev, 0);
}

void cmd_invalidate_domain(struct iommu *u, uint16_t domain)
{
	push_bounded(u, opcode(CMD_INV_PAGES) | field_set(CMD0_DOMAIN, 0, domain),
		CMD1_ALL_ADDRESSES | CMD1_PDE | CMD1_SIZE);
}

void cmd_invalidate_interrupts(struct iommu *u, devid_t dev)
{
	push_bounded(u, opcode(CMD_INV_IRT) | dev, 0);
}

void cmd_invalidate_all(struct iommu *u)
{
	if (u->f.ia) {
		push_bounded(u, opcode(CMD_INV_ALL), 0);
		return;
	}
	for (uint32_t id = 0; id < u->device_count; id++) {
		cmd_invalidate_device(u, (devid_t)id);
		cmd_invalidate_interrupts(u, (devid_t)id);
		cmd_invalidate_domain(u, (uint16_t)id);
	}
}

/* Once per unit: it takes no commands any more. */
static __attribute__((noinline, cold)) err_t fail(struct iommu *u)
{
	u->failed = true;
	log_error("IOMMU %02x:%02x.%x: COMPLETION_WAIT %llu not done; head %llx tail %llx "
		  "status %llx",
		u->dev >> 8, u->dev >> 3 & 31, u->dev & 7, (unsigned long long)u->cmd.sequence,
		(unsigned long long)iommu_read(u, IOMMU_COMMAND_HEAD),
		(unsigned long long)iommu_read(u, IOMMU_COMMAND_TAIL),
		(unsigned long long)iommu_read(u, IOMMU_STATUS));
	return ERR_TIMEOUT;
}

err_t cmd_finish(struct iommu *u, uint64_t timeout_us)
{
	if (u->failed)
		return ERR_TIMEOUT;
	uint64_t want = ++u->cmd.sequence;

	push(u,
		opcode(CMD_COMPLETION_WAIT) | (virt_to_phys(u->cmd.done).v & CMD0_STORE_ADDRESS) |
			CMD0_STORE,
		want);
	iommu_write(u, IOMMU_COMMAND_TAIL, u->cmd.tail);
	u->cmd.queued = 0;

	uint64_t start = cpu_ticks(), limit = clock_us_to_ticks(timeout_us);

	while (shared_load64(u->cmd.done) != want) {
		if (cpu_ticks() - start > limit)
			return fail(u);
		cpu_pause();
	}
	return OK;
}
