// SPDX-License-Identifier: MIT
/*
 * The device table: who may do what. A blocked device's entry is valid and grants nothing, neither
 * DMA nor interrupts; an entry that isn't valid would let everything through (48882 rev 3.11,
 * "Device Table Entry Format", V and TV).
 */
#include "access.h"
#include "cmd.h"
#include "irte.h"
#include "page.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define DEVICES     65536u
#define DTE_BYTES   32u
#define TABLE_PAGES (DEVICES * DTE_BYTES / PAGE_BYTES)

/* SE: of a device that keeps trying one fault is reported, and again after its entry changes. */
#define BLOCKED0 (DTE0_V)
#define BLOCKED1 (DTE1_SE)
#define BLOCKED2 (DTE2_IV) /* IntCtl 0: abort; all pass bits 0 */

err_t dte_init(struct iommu *u)
{
	phys_t table = page_alloc(TABLE_PAGES, 1);

	if (table.v == PHYS_NONE.v)
		return ERR_NOMEM;
	u->device_table = phys_to_virt(table);
	u->device_count = DEVICES;
	for (uint32_t id = 0; id < DEVICES; id++) {
		uint64_t *q = u->device_table + (size_t)id * DTE_WORDS;

		q[0] = BLOCKED0;
		q[1] = BLOCKED1;
		q[2] = BLOCKED2;
	}
	iommu_write(u, IOMMU_DEVICE_TABLE, (table.v & BASE_ADDRESS) | (TABLE_PAGES - 1));
	return OK;
}

static void invalidate(struct iommu *u, devid_t dev)
{
	cmd_invalidate_device(u, dev);
	cmd_invalidate_interrupts(u, dev);
}

/* The IOMMU reads an entry in halves of 128 bits, so each half is one store. Opening goes from the
 * interrupt half to the DMA half, closing the other way round: at no time is there an entry that
 * grants DMA with interrupts in an old state. */
static void open_entry(struct iommu *u, devid_t dev, const uint64_t q[4])
{
	uint64_t *e = u->device_table + (size_t)dev * DTE_WORDS;

	shared_store128(&e[2], q[2], q[3]);
	shared_store128(&e[0], q[0], q[1]);
	invalidate(u, dev);
}

static void close_entry(struct iommu *u, devid_t dev)
{
	uint64_t *e = u->device_table + (size_t)dev * DTE_WORDS;
	bool had_domain = e[0] & DTE0_TV;
	uint16_t domain = (uint16_t)field_get(DTE1_DOMAIN, e[1]);

	shared_store128(&e[0], BLOCKED0, BLOCKED1);
	shared_store128(&e[2], BLOCKED2, 0);
	invalidate(u, dev);
	if (had_domain)
		cmd_invalidate_domain(u, domain);
}

static uint64_t interrupt_half(const struct irt *irt)
{
	return DTE2_IV | field_set(DTE2_INT_TAB_LEN, 0, (uint64_t)__builtin_ctz(irt->count)) |
	       (irt->phys.v & DTE2_INT_ROOT) | field_set(DTE2_INT_CTL, 0, INT_CTL_REMAP);
}

err_t dte_assign(struct iommu *u, devid_t dev, const struct domain *d, const struct irt *irt)
{
	if (d->levels > u->f.host_levels || !u->f.ga)
		return ERR_UNFIT;
	uint64_t q[4] = {
		DTE0_V | DTE0_TV | field_set(DTE0_MODE, 0, d->levels) | (d->root.v & DTE0_ROOT) |
			DTE0_IR | DTE0_IW,
		field_set(DTE1_DOMAIN, DTE1_SE, d->id),
		interrupt_half(irt),
		0,
	};
	devid_t alias = iommu_alias(dev);

	spin_lock(&u->lock);
	open_entry(u, dev, q);
	if (alias != dev)
		open_entry(u, alias, q);
	cmd_invalidate_domain(u, d->id);
	err_t err = cmd_finish(u, CMD_TIMEOUT_US);

	spin_unlock(&u->lock);
	return err;
}

err_t dte_block(struct iommu *u, devid_t dev)
{
	devid_t alias = iommu_alias(dev);

	spin_lock(&u->lock);
	close_entry(u, dev);
	if (alias != dev)
		close_entry(u, alias);
	err_t err = cmd_finish(u, CMD_TIMEOUT_US);

	spin_unlock(&u->lock);
	return err;
}

err_t dte_remap(struct iommu *u, devid_t dev, const struct irt *irt)
{
	const uint64_t q[4] = { BLOCKED0, BLOCKED1, interrupt_half(irt), 0 };

	if (!u->f.ga)
		return ERR_UNFIT;
	spin_lock(&u->lock);
	open_entry(u, dev, q);
	err_t err = cmd_finish(u, CMD_TIMEOUT_US);

	spin_unlock(&u->lock);
	return err;
}

enum dte_use dte_use(const struct iommu *u, devid_t dev)
{
	const uint64_t *e = u->device_table + (size_t)dev * DTE_WORDS;

	if (e[0] & DTE0_TV)
		return DTE_ASSIGNED;
	return field_get(DTE2_INT_CTL, e[2]) == INT_CTL_REMAP ? DTE_REMAPPED : DTE_BLOCKED;
}
