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

/* V makes the lower half valid and IV the upper half, each for itself. */
static bool reserved_bits(const uint64_t q[4])
{
	bool lower = (q[0] & DTE0_RESERVED) || (q[1] & DTE1_RESERVED);
	bool upper = (q[2] & DTE2_RESERVED) || (q[3] & DTE3_RESERVED);

	return ((q[0] & DTE0_V) && lower) || ((q[2] & DTE2_IV) && upper);
}

static bool bad_encoding(const struct iommu *u, const uint64_t q[4])
{
	unsigned mode = (unsigned)bits_get(q[0], 11, 9);
	unsigned levels = u->cfg.hats < 3 ? 4 + u->cfg.hats : 0;
	bool io_ctl = bits_get(q[1], 36, 35) == 3;
	bool int_ctl = bits_get(q[2], 61, 60) == 3 || bits_get(q[2], 4, 1) > 11;

	if ((q[0] & DTE0_V) && (((q[0] & DTE0_TV) && mode > levels) || io_ctl))
		return true;
	return (q[2] & DTE2_IV) && int_ctl;
}

static bool fetch(struct iommu *u, uint64_t addr, uint64_t q[4])
{
	return u->host.load128(u->host.opaque, addr, &q[0]) &&
	       u->host.load128(u->host.opaque, addr + 16, &q[2]);
}

static bool usable(const struct iommu *u, const uint64_t q[4], enum dte_use use)
{
	bool counts = use == DTE_INTERRUPT ? q[2] & DTE2_IV : q[0] & DTE0_V;

	return !counts || (!reserved_bits(q) && !bad_encoding(u, q));
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
			if (use != DTE_PROBE)
				iommu_event(u, EV_ILLEGAL_DTE, flags, devid, 0, address);
			return NULL;
		}
		if (!fetch(u, addr, slot->q)) {
			if (use != DTE_PROBE)
				iommu_event(u, EV_DEVTAB_HW_ERROR, flags, devid, 0, addr);
			return NULL;
		}
		slot->cached = true;
	}
	if (usable(u, slot->q, use))
		return slot;
	if (use != DTE_PROBE)
		report(u, devid, slot->q, flags, address);
	return NULL;
}
