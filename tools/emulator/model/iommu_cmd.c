// SPDX-License-Identifier: GPL-2.0-or-later
/* The command buffer. 48882 rev 3.11, "Commands". */
#include "iommu_internal.h"

enum verdict { CMD_DONE, CMD_ILLEGAL, CMD_HW_ERROR, CMD_HANGS };

/* Ring size by the length field 59:56 of a base register; 0: reserved. All rings begin
 * at 4 KB for code 8. */
uint64_t iommu_log_bytes(const struct iommu *u, uint32_t base_reg)
{
	unsigned code = (unsigned)bits_get(iommu_get(u, base_reg), 59, 56);

	return code < 8 ? 0 : 4096ull << (code - 8);
}

static enum verdict completion_wait(struct iommu *u, uint64_t q0, uint64_t q1)
{
	if (q0 & BITS64(59, 52))
		return CMD_ILLEGAL;
	if (u->cfg.completion_lost && --u->cfg.completion_lost == 0) {
		u->faults_done++;
		return CMD_HANGS;
	}
	/* Earlier commands are complete: each is, before the next one is fetched. */
	if (q0 & BIT64(0)) {
		if (!u->host.write(u->host.opaque, q0 & BITS64(51, 3), &q1, 8))
			return CMD_HW_ERROR;
	}
	if (q0 & BIT64(1))
		iommu_status_set(u, STS_COM_WAIT_INT);
	return CMD_DONE;
}

/* S = 0: one page. S = 1: the lowest 0 bit at or above bit 12 gives the size, 2^(n+1). */
static void range(uint64_t q1, uint64_t *first, uint64_t *last)
{
	unsigned bit = 12;

	*first = q1 & ~0xfffull;
	*last = *first | 0xfff;
	if (!(q1 & BIT64(0)))
		return;
	while (bit < 63 && (q1 & BIT64(bit)))
		bit++;
	if (bit >= 63) { /* 7FFF_FFFF_FFFF_F000h: the whole address space */
		*first = 0;
		*last = ~0ull;
		return;
	}
	*first = q1 & ~(BIT64(bit + 1) - 1);
	*last = *first | (BIT64(bit + 1) - 1);
}

static enum verdict inv_pages(struct iommu *u, uint64_t q0, uint64_t q1)
{
	uint64_t first, last;

	/* GN needs guest translation, which this part has not. */
	if ((q0 & (BITS64(31, 20) | BITS64(59, 48))) || (q1 & (BITS64(11, 3) | BIT64(2))))
		return CMD_ILLEGAL;
	range(q1, &first, &last);
	iommu_tlb_drop(u, (uint16_t)bits_get(q0, 47, 32), first, last,
		q1 & BIT64(1) ? TLB_PAGES_AND_TABLES : TLB_PAGES);
	if (u->cfg.unmap)
		u->cfg.unmap(u->host.opaque, first, last);
	return CMD_DONE;
}

static enum verdict inv_all(struct iommu *u, uint64_t q0, uint64_t q1)
{
	if (!u->cfg.iasup || (q0 & BITS64(59, 0)) || q1)
		return CMD_ILLEGAL;
	iommu_dte_drop_all(u);
	iommu_irte_drop_all(u);
	iommu_tlb_drop_all(u);
	if (u->cfg.unmap)
		u->cfg.unmap(u->host.opaque, 0, ~0ull);
	return CMD_DONE;
}

static enum verdict execute(struct iommu *u, uint64_t q0, uint64_t q1)
{
	switch (q0 >> 60) {
	case OP_COMPLETION_WAIT:
		return completion_wait(u, q0, q1);
	case OP_INV_DEVTAB:
		if ((q0 & BITS64(59, 16)) || q1)
			return CMD_ILLEGAL;
		iommu_dte_drop(u, (uint16_t)q0);
		return CMD_DONE;
	case OP_INV_PAGES:
		return inv_pages(u, q0, q1);
	case OP_INV_IOTLB:
		/* Devices have no IOTLB that this part knows of (capability, IotlbSup = 0). */
		return CMD_ILLEGAL;
	case OP_INV_INTR_TABLE:
		if ((q0 & BITS64(59, 16)) || q1)
			return CMD_ILLEGAL;
		iommu_irte_drop(u, (uint16_t)q0);
		return CMD_DONE;
	case OP_PREFETCH: /* a hint; nothing is fetched ahead */
		return u->cfg.prefsup ? CMD_DONE : CMD_ILLEGAL;
	case OP_INV_ALL:
		return inv_all(u, q0, q1);
	default:
		return CMD_ILLEGAL;
	}
}

/* Fetching stops; the head stays at the offender. */
static void stop(struct iommu *u, enum iommu_event_code code, uint64_t addr)
{
	u->cmd_stopped = true;
	iommu_update_run(u);
	iommu_event(u, code, 0, 0, 0, addr);
}

static bool one(struct iommu *u, uint64_t bytes)
{
	uint64_t *head = iommu_reg(u, REG_CMD_HEAD);
	uint64_t addr = (iommu_get(u, REG_CMD_BASE) & BITS64(51, 12)) + *head;
	uint64_t q[2];

	if (!u->host.read(u->host.opaque, addr, q, sizeof(q))) {
		stop(u, EV_CMD_HW_ERROR, addr);
		return false;
	}
	switch (execute(u, q[0], q[1])) {
	case CMD_HANGS:
		u->cmd_hung = true;
		return false;
	case CMD_HW_ERROR:
		stop(u, EV_CMD_HW_ERROR, addr);
		return false;
	case CMD_ILLEGAL:
		STRICT(u, "illegal command %016llx %016llx", (unsigned long long)q[0],
			(unsigned long long)q[1]);
		stop(u, EV_ILLEGAL_CMD, addr);
		return false;
	case CMD_DONE:
		break;
	}
	iommu_stopwatch(u, SW_IOMMU_CMD, (uint16_t)(q[0] >> 60), 0, q[0], q[1]);
	*head = (*head + 16) & (bytes - 1);
	return true;
}

void iommu_cmd_run(struct iommu *u)
{
	uint64_t bytes = iommu_log_bytes(u, REG_CMD_BASE);

	/* A command's own effects (an interrupt, a notifier) may lead back here. */
	if (u->cmd_active)
		return;
	u->cmd_active = true;
	while ((iommu_get(u, REG_STATUS) & STS_CMD_RUN) && !u->cmd_hung &&
		iommu_get(u, REG_CMD_HEAD) != iommu_get(u, REG_CMD_TAIL)) {
		if (!one(u, bytes))
			break;
	}
	u->cmd_active = false;
}
