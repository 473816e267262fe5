// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The body of the ACPI IVRS table, as firmware of a machine with this IOMMU would write
 * it: one IOMMU, described by an IVHD of each type. 48882 rev 3.11, "I/O Virtualization
 * Reporting Structure".
 */
#include <string.h>
#include "iommu_internal.h"

#define HANDLE_HPET 0u

struct out {
	uint8_t *buf;
	size_t at;
	size_t room;
};

/* What it says of the machine besides the IOMMU. */
struct machine {
	unsigned ioapic_id;
	const struct iommu_alias *alias;
	size_t aliases;
};

static void put(struct out *o, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, o->at++) {
		if (o->at < o->room)
			o->buf[o->at] = (uint8_t)(value >> 8 * i);
	}
}

static void special(struct out *o, uint16_t devid, unsigned handle, unsigned variety)
{
	put(o, 0x48, 1);
	put(o, 0, 2);
	put(o, 0, 1);
	put(o, handle, 1);
	put(o, devid, 2);
	put(o, variety, 1);
}

static void alias_range(struct out *o, const struct iommu_alias *a)
{
	put(o, 0x43, 1);
	put(o, a->first, 2);
	put(o, 0, 2); /* setting, reserved */
	put(o, a->source, 2);
	put(o, 0, 1);
	put(o, 0x04, 1);
	put(o, a->last, 2);
	put(o, 0, 1);
}

static void devices(const struct iommu *u, struct out *o, const struct machine *m)
{
	/* From the first number there is to the last: also what is plugged in or gets its bus
	 * number later is behind this IOMMU, and it is the only one. */
	put(o, 0x03, 1); /* range start 00:00.0 */
	put(o, 0x0000, 2);
	put(o, 0, 1);
	put(o, 0x04, 1); /* range end ff:1f.7 */
	put(o, 0xffff, 2);
	put(o, 0, 1);
	for (size_t i = 0; i < m->aliases; i++)
		alias_range(o, &m->alias[i]);
	special(o, u->cfg.ioapic_devid, m->ioapic_id, 1);
	special(o, u->cfg.hpet_devid, HANDLE_HPET, 2);
}

/* Type 10h has a cut-down image of EFR instead of the registers. */
static uint32_t feature_word(const struct iommu *u)
{
	uint64_t efr = iommu_efr(&u->cfg);
	uint32_t word = 0;

	word |= efr & EFR_XT_SUP ? 1u << 0 : 0;
	word |= efr & EFR_IA_SUP ? 1u << 5 : 0;
	word |= efr & EFR_GA_SUP ? 1u << 6 : 0;
	word |= (uint32_t)u->cfg.hats << 30;
	return word;
}

static void ivhd(const struct iommu *u, struct out *o, uint8_t type, const struct machine *m)
{
	size_t start = o->at;
	bool prefetch = type == 0x10 && u->cfg.prefsup;

	put(o, type, 1);
	put(o, prefetch ? 1u << 6 : 0, 1);
	put(o, 0, 2); /* length, below */
	put(o, u->cfg.devid, 2);
	put(o, IOMMU_CAP_FIRST, 2);
	put(o, u->pci.base, 8);
	put(o, 0, 2); /* PCI segment */
	put(o, 0, 2); /* MsiNum, UnitID */
	put(o, type == 0x10 ? feature_word(u) : 0, 4);
	if (type != 0x10) {
		put(o, iommu_efr(&u->cfg), 8);
		put(o, iommu_efr2(&u->cfg), 8);
	}
	devices(u, o, m);
	if (o->at <= o->room) {
		uint16_t length = (uint16_t)(o->at - start);

		memcpy(o->buf + start + 2, &length, 2);
	}
}

size_t iommu_ivrs(const struct iommu *u, unsigned ioapic_id, const struct iommu_alias *alias,
	size_t aliases, uint8_t *buf, size_t room)
{
	const struct machine m = { ioapic_id, alias, aliases };
	struct out o = { .buf = buf, .room = room };

	/* VASize 64, PASize 48, GVASize 48 bits, EFRSup. */
	put(&o, 64u << 15 | 48u << 8 | 2u << 5 | 1u, 4);
	put(&o, 0, 8);
	ivhd(u, &o, 0x10, &m);
	ivhd(u, &o, 0x11, &m);
	ivhd(u, &o, 0x40, &m);
	return o.at;
}
