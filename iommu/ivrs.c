// SPDX-License-Identifier: MIT
#include "ivrs.h"

#include "base/lib.h"
#include "base/log.h"

#define TABLE_HEADER 48u /* ACPI header, IVinfo, reserved */
#define BLOCK_HEADER 4u

/* Block types */
#define IVHD_10    0x10
#define IVHD_11    0x11
#define IVHD_40    0x40
#define IVMD_ALL   0x20
#define IVMD_ONE   0x21
#define IVMD_RANGE 0x22
#define IVMD_BYTES 32u

/* IVHD device entries */
enum {
	ENTRY_PAD = 0x00,
	ENTRY_ALL = 0x01,
	ENTRY_SELECT = 0x02,
	ENTRY_RANGE_START = 0x03,
	ENTRY_RANGE_END = 0x04,
	ENTRY_ALIAS_SELECT = 0x42,
	ENTRY_ALIAS_RANGE_START = 0x43,
	ENTRY_EXT_SELECT = 0x46,
	ENTRY_EXT_RANGE_START = 0x47,
	ENTRY_SPECIAL = 0x48,
	ENTRY_ACPI = 0xf0,
};
#define ENTRY_ACPI_BYTES 22u

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* One block: bytes is at least BLOCK_HEADER and lies inside the table. */
struct block {
	const uint8_t *p;
	size_t bytes;
};

/* The block at *at, and moves on. false at the end, or where a length leads out of the table. */
static bool next_block(const uint8_t *table, size_t bytes, size_t *at, struct block *b)
{
	if (*at > bytes || bytes - *at < BLOCK_HEADER)
		return false;
	b->p = table + *at;
	b->bytes = get16(b->p + 2);
	if (b->bytes < BLOCK_HEADER || b->bytes > bytes - *at) {
		log_warn("IVRS: block at %zx has a bad length %zx; the rest is ignored", *at,
			b->bytes);
		return false;
	}
	*at += b->bytes;
	return true;
}

static size_t ivhd_header(uint8_t type)
{
	switch (type) {
	case IVHD_10:
		return 24;
	case IVHD_11:
	case IVHD_40:
		return 40;
	default:
		return 0;
	}
}

/* The same unit appears once per block type that firmware knows: the highest counts. */
static void add_unit(struct ivrs *out, const struct block *b)
{
	size_t header = ivhd_header(b->p[0]);

	if (!header || b->bytes < header)
		return;
	struct ivrs_unit unit = {
		.mmio = get64(b->p + 8),
		.dev = get16(b->p + 4),
		.cap_offset = get16(b->p + 6),
		.segment = get16(b->p + 16),
		.type = b->p[0],
		.flags = b->p[1],
	};

	if (header == 40) {
		unit.efr = get64(b->p + 24);
		unit.efr2 = get64(b->p + 32);
	}
	if (unit.mmio == 0 || unit.mmio & PAGE_MASK || unit.cap_offset > 0xfc) {
		log_warn("IVRS: unit %04x makes no sense (registers at %llx)", unit.dev,
			(unsigned long long)unit.mmio);
		return;
	}
	for (uint32_t i = 0; i < out->unit_count; i++) {
		struct ivrs_unit *have = &out->unit[i];

		if (have->dev != unit.dev || have->segment != unit.segment)
			continue;
		if (unit.type > have->type)
			*have = unit;
		return;
	}
	if (out->unit_count == IOMMU_MAX) {
		log_warn("IVRS: more than %u units", IOMMU_MAX);
		return;
	}
	out->unit[out->unit_count++] = unit;
}

static size_t entry_bytes(const uint8_t *p, size_t left)
{
	switch (p[0] >> 6) {
	case 0:
		return 4;
	case 1:
		return 8;
	default:
		if (p[0] != ENTRY_ACPI || left < ENTRY_ACPI_BYTES)
			return 0;
		return ENTRY_ACPI_BYTES + p[21];
	}
}

static void add_range(struct ivrs *out, struct ivrs_range range)
{
	if (range.first > range.last || out->range_count == IVRS_RANGES) {
		log_warn("IVRS: range %04x..%04x ignored", range.first, range.last);
		return;
	}
	out->range[out->range_count++] = range;
}

static void add_special(struct ivrs *out, uint8_t unit, const uint8_t *p)
{
	if (out->special_count == IVRS_SPECIAL)
		return;
	out->special[out->special_count++] = (struct ivrs_special){
		.unit = unit,
		.handle = p[4],
		.variety = p[7],
		.dev = get16(p + 5),
	};
}

/* One entry; start is the range that RANGE_END ends. */
static void add_entry(struct ivrs *out, uint8_t unit, const uint8_t *p, struct ivrs_range *start)
{
	devid_t dev = get16(p + 1);
	struct ivrs_range one = { .first = dev, .last = dev, .unit = unit, .setting = p[3] };

	switch (p[0]) {
	case ENTRY_ALL:
		one.first = 0;
		one.last = 0xffff;
		add_range(out, one);
		break;
	case ENTRY_SELECT:
	case ENTRY_EXT_SELECT:
	case ENTRY_ACPI:
		add_range(out, one);
		break;
	case ENTRY_ALIAS_SELECT:
		one.aliased = true;
		one.alias = get16(p + 5);
		add_range(out, one);
		break;
	case ENTRY_RANGE_START:
	case ENTRY_EXT_RANGE_START:
		*start = one;
		break;
	case ENTRY_ALIAS_RANGE_START:
		one.aliased = true;
		one.alias = get16(p + 5);
		*start = one;
		break;
	case ENTRY_RANGE_END:
		start->last = dev;
		add_range(out, *start);
		break;
	case ENTRY_SPECIAL:
		add_special(out, unit, p);
		break;
	default: /* padding, and what later revisions define */
		break;
	}
}

static void add_entries(struct ivrs *out, uint8_t unit, const struct block *b)
{
	struct ivrs_range start = { .first = 0xffff, .unit = unit };

	for (size_t at = ivhd_header(b->p[0]); at < b->bytes;) {
		const uint8_t *p = b->p + at;
		size_t bytes = entry_bytes(p, b->bytes - at);

		if (bytes == 0 || bytes > b->bytes - at) {
			log_warn("IVRS: unit %04x: entry type %02x at %zx; the rest is ignored",
				out->unit[unit].dev, p[0], at);
			return;
		}
		add_entry(out, unit, p, &start);
		at += bytes;
	}
}

static void add_block_entries(struct ivrs *out, const struct block *b)
{
	size_t header = ivhd_header(b->p[0]);

	if (!header || b->bytes < header)
		return;
	for (uint32_t i = 0; i < out->unit_count; i++) {
		const struct ivrs_unit *u = &out->unit[i];

		if (u->dev == get16(b->p + 4) && u->segment == get16(b->p + 16) &&
			u->type == b->p[0] && u->mmio == get64(b->p + 8))
			add_entries(out, (uint8_t)i, b);
	}
}

static void add_unity(struct ivrs *out, const struct block *b)
{
	if (b->bytes < IVMD_BYTES)
		return;
	struct ivrs_unity unity = {
		.first = get16(b->p + 4),
		.last = get16(b->p + 4),
		.base = get64(b->p + 16),
		.bytes = get64(b->p + 24),
		.flags = b->p[1],
	};

	if (b->p[0] == IVMD_ALL) {
		unity.first = 0;
		unity.last = 0xffff;
	} else if (b->p[0] == IVMD_RANGE) {
		unity.last = get16(b->p + 6);
	}
	/* Exclusion ranges are ranges without translation: the same as unity maps for us. */
	uint64_t end = unity.base + unity.bytes;

	if (unity.bytes == 0 || end < unity.base || end > 1ull << 52 || unity.first > unity.last ||
		out->unity_count == IVRS_UNITY) {
		log_warn("IVRS: memory block at %llx ignored", (unsigned long long)unity.base);
		return;
	}
	out->unity[out->unity_count++] = unity;
}

err_t ivrs_parse(struct ivrs *out, const void *table, size_t bytes)
{
	const uint8_t *t = table;
	struct block b;

	memset(out, 0, sizeof(*out));
	if (bytes < TABLE_HEADER || memcmp(t, "IVRS", 4) != 0)
		return ERR_INVALID;
	if (get32(t + 4) < bytes)
		bytes = get32(t + 4);
	for (size_t at = TABLE_HEADER; next_block(t, bytes, &at, &b);)
		add_unit(out, &b);
	for (size_t at = TABLE_HEADER; next_block(t, bytes, &at, &b);) {
		switch (b.p[0]) {
		case IVMD_ALL:
		case IVMD_ONE:
		case IVMD_RANGE:
			add_unity(out, &b);
			break;
		default:
			add_block_entries(out, &b);
			break;
		}
	}
	return out->unit_count ? OK : ERR_NOT_FOUND;
}

const struct ivrs_range *ivrs_range_of(const struct ivrs *ivrs, devid_t dev)
{
	const struct ivrs_range *found = NULL;

	for (uint32_t i = 0; i < ivrs->range_count; i++) {
		const struct ivrs_range *r = &ivrs->range[i];

		if (dev >= r->first && dev <= r->last)
			found = r;
	}
	return found;
}
