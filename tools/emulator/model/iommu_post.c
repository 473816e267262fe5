// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest virtual APIC mode: the interrupt becomes a bit in the IRR of a vAPIC backing
 * page, and then somebody is told, or nobody. 48882 rev 3.11, "Guest Virtual APIC Mode",
 * "Guest APIC Physical Processor Interrupt".
 */
#include "iommu_internal.h"

#define IRR_OFFSET   0x200u
#define IRR_STRIDE   0x10u
#define IRR_WORDS    8u
#define LEAST_VECTOR 16u

/* Sets the bit; *first: all 256 were clear before. false: no memory there. */
static bool set_irr(struct iommu *u, uint64_t page, uint8_t vector, bool *first)
{
	unsigned word = vector / 32;
	uint64_t irr = page + IRR_OFFSET;
	uint32_t old;

	if (!u->host.or32(u->host.opaque, irr + IRR_STRIDE * word, 1u << vector % 32, &old))
		return false;
	*first = old == 0;
	for (unsigned i = 0; i < IRR_WORDS && *first; i++) {
		uint32_t other = 0;

		if (i == word)
			continue;
		if (!u->host.read(u->host.opaque, irr + IRR_STRIDE * i, &other, 4))
			return false;
		*first = other == 0;
	}
	return true;
}

static void gappi(struct iommu *u, uint32_t dest, uint32_t tag, uint64_t page)
{
	uint8_t vector = (uint8_t)tag;

	if (vector < LEAST_VECTOR)
		STRICT(u, "GAPPI with vector %u", vector);
	iommu_stopwatch(u, SW_GAPPI, vector, dest, page, 0);
	u->host.interrupt(u->host.opaque, dest, false, 0, false, vector);
}

/* The manual allows a GAPPI that was not needed. So does this, when asked to. */
static bool spurious(struct iommu *u, uint32_t tag)
{
	uint32_t percent = u->cfg.spurious_gappi;

	return percent && (uint8_t)tag >= LEAST_VECTOR &&
	       u->host.random(u->host.opaque, 100) < percent;
}

/* A fault: the IRR bit is set and nobody is told. */
static bool wake_lost(struct iommu *u)
{
	if (!u->cfg.wake_lost || --u->cfg.wake_lost)
		return false;
	u->faults_done++;
	return true;
}

static void notify_by_gappi(
	struct iommu *u, const uint64_t now[2], uint32_t dest, uint64_t page, bool first)
{
	uint32_t tag = (uint32_t)(now[0] >> 32);
	bool wanted = first && !(now[0] & IRTE_ISRUN);

	if (now[0] & IRTE_GAPPIDIS)
		return;
	if (!wanted && !spurious(u, tag))
		return;
	if (wanted && wake_lost(u))
		return;
	u->faults_done += !wanted;
	gappi(u, dest, tag, page);
}

bool iommu_post(struct iommu *u, uint16_t devid, const struct irte *irte)
{
	uint64_t page = irte->q[1] & IRTE_GHI_ROOT;
	uint8_t vector = (uint8_t)irte->q[1];
	uint64_t now[2];
	bool first;

	if (vector < LEAST_VECTOR)
		STRICT(u, "guest-mode IRTE of %04x with vector %u", devid, vector);
	if (!set_irr(u, page, vector, &first)) {
		iommu_event(u, EV_PAGE_HW_ERROR, EVF_I | EVF_RW, devid, 0, page);
		return false;
	}
	/* What software changes without an invalidation is looked at after the IRR bit is
	 * set: whoever clears IsRun and then finds the bit clear will be told of it. */
	if (!u->host.load128(u->host.opaque, irte->addr, now))
		return false;
	/* The entry has become one of another kind since it was cached: what stands there now
	 * means something else, and nobody is told. Software that does this looks at the page
	 * once its invalidation is complete. */
	if (!(now[0] & IRTE_REMAP_EN) || !(now[0] & IRTE_GUEST)) {
		iommu_stopwatch(u, SW_POST, vector, devid, page, now[0]);
		return true;
	}
	uint32_t dest = (uint32_t)bits_get(now[0], 31, 8) | (uint32_t)bits_get(now[1], 63, 56)
								    << 24;

	if (!iommu_ctl(u, CTL_XT_EN)) {
		if (dest > 0xff)
			STRICT(u, "IRTE of %04x: destination %#x without XTEn", devid, dest);
		dest &= 0xff;
	}
	iommu_stopwatch(u, SW_POST, vector, devid, page, now[0]);
	if (now[0] & IRTE_ISRUN)
		u->host.doorbell(u->host.opaque, dest);
	if (iommu_ctl(u, CTL_GAPPI_EN))
		notify_by_gappi(u, now, dest, page, first);
	else if (!(now[0] & IRTE_ISRUN) && (now[0] & IRTE_GALOGINTR) && !wake_lost(u))
		iommu_galog_append(u, devid, (uint32_t)(now[0] >> 32));
	return true;
}
