// SPDX-License-Identifier: GPL-2.0-or-later
/* The device table and its cache. 48882 rev 3.11, "Device Table Entry Format". */
#include <string.h>
#include "iommu_internal.h"

void iommu_dte_drop(struct iommu *u, uint16_t devid)
{
	u->dte[devid].cached = false;
	u->dte[devid].faulted = false;
}

void iommu_dte_drop_all(struct iommu *u)
{
	memset(u->dte, 0, DTE_SLOTS * sizeof(*u->dte));
}

/* With 2^n segments the top n bits of the bus number name the table. */
static bool dte_address(const struct iommu *u, uint16_t devid, uint64_t *addr)
{
	unsigned log2 = (unsigned)bits_get(iommu_get(u, REG_CONTROL), 36, 34);

	if (log2 > u->cfg.segments_log2)
		log2 = u->cfg.segments_log2;
	unsigned segment = devid >> (16 - log2);
	uint32_t reg = segment ? REG_SEGMENT1 + 8 * (segment - 1) : REG_DEVTAB;
	uint64_t base = iommu_get(u, reg);
	uint64_t bytes = (bits_get(base, 8, 0) + 1) * 4096;
	uint64_t at = (uint64_t)(devid & (0xffffu >> log2)) * 32;

	*addr = (base & BITS64(51, 12)) + at;
	return at + 32 <= bytes;
}

static bool reserved_bits(const uint64_t q[4])
{
	if ((q[0] & DTE0_RESERVED) || (q[1] & DTE1_RESERVED))
		return true;
	return (q[2] & DTE2_IV) && ((q[2] & DTE2_RESERVED) || (q[3] & DTE3_RESERVED));
}

static bool bad_encoding(const struct iommu *u, const uint64_t q[4])
{
	unsigned mode = (unsigned)bits_get(q[0], 11, 9);
	unsigned levels = u->cfg.hats < 3 ? 4 + u->cfg.hats : 0;

	if ((q[0] & DTE0_TV) && mode > levels)
		return true;
	if (bits_get(q[1], 36, 35) == 3) /* IoCtl */
		return true;
	return (q[2] & DTE2_IV) && (bits_get(q[2], 61, 60) == 3 || bits_get(q[2], 4, 1) > 11);
}

static bool fetch(struct iommu *u, uint64_t addr, uint64_t q[4])
{
	return u->host.load128(u->host.opaque, addr, &q[0]) &&
	       u->host.load128(u->host.opaque, addr + 16, &q[2]);
}

static bool usable(const struct iommu *u, const uint64_t q[4])
{
	/* With V = 0 nothing else of it counts. */
	return !(q[0] & DTE0_V) || (!reserved_bits(q) && !bad_encoding(u, q));
}

static void report(
	struct iommu *u, uint16_t devid, const uint64_t q[4], uint64_t flags, uint64_t address)
{
	STRICT(u, "illegal device table entry of %04x: %016llx %016llx %016llx %016llx", devid,
		(unsigned long long)q[0], (unsigned long long)q[1], (unsigned long long)q[2],
		(unsigned long long)q[3]);
	iommu_event(u, EV_ILLEGAL_DTE, flags | (reserved_bits(q) ? EVF_RZ : 0), devid, 0, address);
}

struct dte_slot *iommu_dte(
	struct iommu *u, uint16_t devid, uint64_t address, uint64_t flags, enum dte_use use)
{
	struct dte_slot *slot = &u->dte[devid];
	uint64_t addr;

	if (!slot->cached || !u->cfg.caching) {
		if (!dte_address(u, devid, &addr)) {
			if (use == DTE_REQUEST)
				iommu_event(u, EV_ILLEGAL_DTE, flags, devid, 0, address);
			return NULL;
		}
		if (!fetch(u, addr, slot->q)) {
			if (use == DTE_REQUEST)
				iommu_event(u, EV_DEVTAB_HW_ERROR, flags, devid, 0, addr);
			return NULL;
		}
		slot->cached = true;
	}
	if (usable(u, slot->q))
		return slot;
	if (use == DTE_REQUEST)
		report(u, devid, slot->q, flags, address);
	return NULL;
}
