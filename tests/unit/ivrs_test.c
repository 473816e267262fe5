/* SPDX-License-Identifier: MIT */
/* sources: iommu/ivrs.c */
#include "iommu/ivrs.h"
#include "test.h"

#include <stdarg.h>

static struct ivrs ivrs;
static uint8_t table[4096];
static size_t bytes;

static void put(const void *p, size_t n)
{
	memcpy(table + bytes, p, n);
	bytes += n;
}

static void put_bytes(size_t n, ...)
{
	va_list ap;

	va_start(ap, n);
	for (size_t i = 0; i < n; i++)
		table[bytes++] = (uint8_t)va_arg(ap, int);
	va_end(ap);
}

static void begin(void)
{
	memset(table, 0, sizeof(table));
	bytes = 0;
	put("IVRS", 4);
	bytes = 48;
}

static void put64(uint64_t v)
{
	put(&v, 8);
}

static size_t block_at;

/* IVHD for 00:00.2, capability at 40h, registers at FEB8_0000h. */
static void ivhd(int type, uint64_t efr)
{
	block_at = bytes;
	put_bytes(8, type, 0x2f, 0, 0, 0x02, 0, 0x40, 0);
	put64(0xfeb80000);
	put_bytes(8, 0, 0, 0, 0, 0, 0, 0, 0);
	if (type != 0x10) {
		put64(efr);
		put64(0x10);
	}
}

static void end_block(void)
{
	size_t n = bytes - block_at;

	table[block_at + 2] = (uint8_t)n;
	table[block_at + 3] = (uint8_t)(n >> 8);
}

static void ivmd(int type, int flags, int first, int last, uint64_t base, uint64_t size)
{
	put_bytes(16, type, flags, 32, 0, first & 255, first >> 8, last & 255, last >> 8, 0, 0, 0,
		0, 0, 0, 0, 0);
	put64(base);
	put64(size);
}

static err_t parse(void)
{
	uint32_t n = (uint32_t)bytes;

	memcpy(table + 4, &n, 4);
	/* Exactly as long as it says, so that ASan sees a read beyond. */
	uint8_t *copy = malloc(bytes);

	memcpy(copy, table, bytes);
	err_t err = ivrs_parse(&ivrs, copy, bytes);

	free(copy);
	return err;
}

TEST(a_usual_table)
{
	begin();
	ivhd(0x10, 0);
	put_bytes(4, 1, 0, 0, 0);
	end_block();
	ivhd(0x11, 0x2000e0);
	put_bytes(4, 3, 0x08, 0, 0xd7);
	put_bytes(4, 4, 0xfe, 0xff, 0);
	put_bytes(8, 0x42, 0x00, 0x03, 0, 0, 0xa4, 0, 0);
	put_bytes(8, 0x43, 0x00, 0x04, 0, 0, 0xa5, 0, 0);
	put_bytes(4, 4, 0xff, 0x04, 0);
	put_bytes(4, 2, 0x34, 0x12, 0x01);
	put_bytes(8, 0x46, 0x35, 0x12, 0, 0, 0, 0, 0x80);
	put_bytes(8, 0x47, 0x40, 0x12, 0, 0, 0, 0, 0x80);
	put_bytes(4, 4, 0x47, 0x12, 0);
	put_bytes(8, 0x48, 0, 0, 0xd7, 0x20, 0xa0, 0x00, 1);
	put_bytes(8, 0x48, 0, 0, 0, 0, 0xa1, 0x00, 2);
	put_bytes(4, 0, 0, 0, 0);
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.unit_count, 1);
	EXPECT_EQ(ivrs.unit[0].type, 0x11);
	EXPECT_EQ(ivrs.unit[0].flags, 0x2f);
	EXPECT_EQ(ivrs.unit[0].mmio, 0xfeb80000);
	EXPECT_EQ(ivrs.unit[0].dev, 2);
	EXPECT_EQ(ivrs.unit[0].cap_offset, 0x40);
	EXPECT_EQ(ivrs.unit[0].efr, 0x2000e0);
	EXPECT_EQ(ivrs.unit[0].efr2, 0x10);
	EXPECT_EQ(ivrs.range_count, 6);
	EXPECT_EQ(ivrs.range[0].first, 0x0008);
	EXPECT_EQ(ivrs.range[0].last, 0xfffe);
	EXPECT_EQ(ivrs.range[0].setting, 0xd7);
	EXPECT(!ivrs.range[0].aliased);
	EXPECT_EQ(ivrs.range[1].first, 0x0300);
	EXPECT(ivrs.range[1].aliased);
	EXPECT_EQ(ivrs.range[1].alias, 0x00a4);
	EXPECT_EQ(ivrs.range[2].first, 0x0400);
	EXPECT_EQ(ivrs.range[2].last, 0x04ff);
	EXPECT_EQ(ivrs.range[2].alias, 0x00a5);
	EXPECT_EQ(ivrs.range[3].first, 0x1234);
	EXPECT_EQ(ivrs.range[3].last, 0x1234);
	EXPECT_EQ(ivrs.range[4].first, 0x1235);
	EXPECT_EQ(ivrs.range[5].first, 0x1240);
	EXPECT_EQ(ivrs.range[5].last, 0x1247);
	EXPECT_EQ(ivrs.special_count, 2);
	EXPECT_EQ(ivrs.special[0].dev, 0x00a0);
	EXPECT_EQ(ivrs.special[0].handle, 0x20);
	EXPECT_EQ(ivrs.special[0].variety, 1);
	EXPECT_EQ(ivrs.special[1].variety, 2);
}

TEST(highest_type_counts_whatever_the_order)
{
	begin();
	ivhd(0x40, 0xabc);
	put_bytes(4, 2, 1, 0, 0);
	put_bytes(4, 0xf0, 0x99, 0x00, 0x05); /* ACPI device with a UID of two bytes */
	for (int i = 0; i < 17; i++)
		put_bytes(1, 'X');
	put_bytes(3, 2, 'U', 'V');
	put_bytes(4, 2, 2, 0, 0);
	end_block();
	ivhd(0x11, 0xdef);
	put_bytes(4, 2, 3, 0, 0);
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.unit_count, 1);
	EXPECT_EQ(ivrs.unit[0].type, 0x40);
	EXPECT_EQ(ivrs.unit[0].efr, 0xabc);
	EXPECT_EQ(ivrs.range_count, 3);
	EXPECT_EQ(ivrs.range[1].first, 0x99);
	EXPECT_EQ(ivrs.range[2].first, 2);
}

TEST(all_devices)
{
	begin();
	ivhd(0x10, 0);
	put_bytes(4, 1, 0, 0, 0x10);
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.range[0].first, 0);
	EXPECT_EQ(ivrs.range[0].last, 0xffff);
	EXPECT_EQ(ivrs.unit[0].efr, 0);
}

TEST(memory_blocks)
{
	begin();
	ivhd(0x10, 0);
	end_block();
	ivmd(0x20, 7, 0, 0, 0x80000000, 0x10000);
	ivmd(0x21, 3, 0x100, 0, 0x90000000, 0x1000);
	ivmd(0x22, 8, 0x200, 0x2ff, 0xa0000000, 0x2000);
	ivmd(0x21, 1, 0x100, 0, ~0xfffull, 0x2000);      /* wraps round */
	ivmd(0x21, 1, 0x100, 0, 1ull << 52, 0x1000);     /* beyond all memory */
	ivmd(0x22, 1, 0x200, 0x100, 0xb0000000, 0x1000); /* from high to low */
	ivmd(0x21, 1, 0x100, 0, 0xb0000000, 0);          /* nothing */
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.unity_count, 3);
	EXPECT_EQ(ivrs.unity[0].first, 0);
	EXPECT_EQ(ivrs.unity[0].last, 0xffff);
	EXPECT_EQ(ivrs.unity[0].flags, 7);
	EXPECT_EQ(ivrs.unity[0].base, 0x80000000);
	EXPECT_EQ(ivrs.unity[0].bytes, 0x10000);
	EXPECT_EQ(ivrs.unity[1].last, 0x100);
	EXPECT_EQ(ivrs.unity[2].last, 0x2ff);
}

TEST(two_units)
{
	begin();
	ivhd(0x11, 1);
	put_bytes(4, 2, 8, 0, 0);
	end_block();
	ivhd(0x11, 2);
	table[block_at + 4] = 0x02;
	table[block_at + 5] = 0x40;
	put_bytes(4, 2, 8, 0x40, 0);
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.unit_count, 2);
	EXPECT_EQ(ivrs.range[0].unit, 0);
	EXPECT_EQ(ivrs.range[1].unit, 1);
	EXPECT_EQ(ivrs.range[1].first, 0x4008);
}

TEST(nonsense)
{
	begin();
	EXPECT_EQ(parse(), ERR_NOT_FOUND);
	EXPECT_EQ(ivrs_parse(&ivrs, table, 40), ERR_INVALID);
	table[0] = 'X';
	EXPECT_EQ(parse(), ERR_INVALID);

	begin();
	ivhd(0x11, 0);
	table[block_at + 8] = 1; /* registers off a page */
	end_block();
	EXPECT_EQ(parse(), ERR_NOT_FOUND);

	begin();
	ivhd(0x11, 0);
	put_bytes(4, 3, 0, 4, 0); /* a range that never ends */
	put_bytes(4, 4, 0, 3, 0); /* ends before it starts */
	put_bytes(4, 4, 0, 5, 0); /* start is used up: from 0400h on again */
	put_bytes(4, 0x80, 0, 0, 0);
	put_bytes(4, 2, 9, 0, 0); /* behind an unknown length */
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.range_count, 1);

	begin();
	ivhd(0x11, 0);
	put_bytes(4, 0x48, 0, 0, 0); /* cut off */
	end_block();
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.special_count, 0);

	begin();
	ivhd(0x11, 0);
	end_block();
	put_bytes(4, 0x20, 0, 200, 0); /* longer than the table */
	EXPECT_EQ(parse(), OK);
	begin();
	ivhd(0x11, 0);
	end_block();
	put_bytes(4, 0x20, 0, 0, 0); /* no length: must not loop */
	EXPECT_EQ(parse(), OK);
}

TEST(more_than_fits)
{
	begin();
	ivhd(0x11, 0);
	for (int i = 0; i < IVRS_RANGES + 5; i++)
		put_bytes(4, 2, i, 1, 0);
	for (int i = 0; i < IVRS_SPECIAL + 5; i++)
		put_bytes(8, 0x48, 0, 0, 0, i, 0xa0, 0, 1);
	end_block();
	for (int i = 0; i < IVRS_UNITY + 5; i++)
		ivmd(0x20, 1, 0, 0, 0x80000000, 0x1000);
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.range_count, IVRS_RANGES);
	EXPECT_EQ(ivrs.special_count, IVRS_SPECIAL);
	EXPECT_EQ(ivrs.unity_count, IVRS_UNITY);
	begin();
	for (int i = 0; i < IOMMU_MAX + 2; i++) {
		ivhd(0x11, 0);
		table[block_at + 5] = (uint8_t)i;
		end_block();
	}
	EXPECT_EQ(parse(), OK);
	EXPECT_EQ(ivrs.unit_count, IOMMU_MAX);
}

/* Any bytes: it ends, reads nothing beyond the table, and what it returns is in range. */
TEST(noise)
{
	uint32_t x = 2463534242u;

	for (unsigned round = 0; round < 20000; round++) {
		begin();
		ivhd(round % 3 == 0 ? 0x10 : round % 3 == 1 ? 0x11 : 0x40, 1);
		put_bytes(8, 0x43, 0, 1, 0, 0, 7, 0, 0);
		put_bytes(4, 4, 0, 2, 0);
		put_bytes(8, 0x48, 0, 0, 0, 1, 0xa0, 0, 1);
		end_block();
		ivmd(0x22, 1, 1, 2, 0x1000, 0x1000);
		for (unsigned i = 0; i < 1 + round % 6; i++) {
			x ^= x << 13, x ^= x >> 17, x ^= x << 5;
			table[48 + x % (bytes - 48)] = (uint8_t)(x >> 16);
		}
		bytes -= x >> 8 & 15;
		err_t err = parse();

		EXPECT(err == OK || err == ERR_NOT_FOUND);
		EXPECT(ivrs.unit_count <= IOMMU_MAX && ivrs.range_count <= IVRS_RANGES);
		for (uint32_t i = 0; i < ivrs.range_count; i++)
			EXPECT(ivrs.range[i].unit < ivrs.unit_count &&
				ivrs.range[i].first <= ivrs.range[i].last);
	}
}
