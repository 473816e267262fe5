// SPDX-License-Identifier: MIT
/* sources: vmm/guest/memory_map.c */
/* Where a VM's memory is the guest's. Addresses are typed from docs/guests.md. */
#include "guest/memory_map.h"
#include "test.h"

#define M (1ull << 20)
#define G (1ull << 30)

static struct memory_range map[MEMORY_RANGES];

static bool is(unsigned n, uint64_t base, uint64_t bytes, uint32_t type)
{
	return map[n].base == base && map[n].bytes == bytes && map[n].type == type;
}

static bool piece_is(uint64_t memory, unsigned n, uint64_t at, uint64_t offset, uint64_t bytes)
{
	struct memory_piece p = memory_piece(memory, n);

	return p.bytes == bytes && (!bytes || (p.at == at && p.offset == offset));
}

TEST(pieces)
{
	EXPECT(piece_is(64 * M, 0, 0, 0, 64 * M) && piece_is(64 * M, 1, 0, 0, 0));
	EXPECT(piece_is(2 * G, 0, 0, 0, 2 * G) && piece_is(2 * G, 1, 0, 0, 0));
	EXPECT(piece_is(2050 * M, 0, 0, 0, 2 * G));
	EXPECT(piece_is(2050 * M, 1, 0x100000000, 2 * G, 2 * M));
	EXPECT(piece_is(256 * G, 0, 0, 0, 2 * G));
	EXPECT(piece_is(256 * G, 1, 0x100000000, 2 * G, 254 * G));
}

TEST(what_a_kernel_is_told)
{
	EXPECT_EQ(memory_map(map, 2 * G), 4);
	EXPECT(is(0, 0, 0xa0000, 1) && is(1, 0xe0000, 0x20000, 2));
	EXPECT(is(2, 0x100000, 0x7ff00000, 1) && is(3, 0xe0000000, 0x100000, 2));
	EXPECT_EQ(memory_map(map, 5 * G), 5);
	EXPECT(is(2, 0x100000, 0x7ff00000, 1) && is(4, 0x100000000, 3 * G, 1));
	EXPECT_EQ(memory_map(map, 256 * G), 5);
	EXPECT(is(4, 0x100000000, 0x3f80000000, 1)); /* below the window at 5000000000h */
}

TEST(offsets)
{
	const uint64_t five = 5 * G;

	EXPECT_EQ(memory_offset(64 * M, 0, 64 * M), 0);
	EXPECT_EQ(memory_offset(64 * M, 0, 64 * M + 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(64 * M, 64 * M, 0), 64 * M);
	EXPECT_EQ(memory_offset(64 * M, 64 * M, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(64 * M, 0x100000000, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, 0x7fffffff, 1), 0x7fffffff);
	EXPECT_EQ(memory_offset(five, 0x7fffffff, 2), MEMORY_NOWHERE); /* into the hole */
	EXPECT_EQ(memory_offset(five, 0x80000000, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, 0xffffffff, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, 0xffffffff, 2), MEMORY_NOWHERE);          /* out of it */
	EXPECT_EQ(memory_offset(five, 0x7fffffff, 0x80000002), MEMORY_NOWHERE); /* over it */
	EXPECT_EQ(memory_offset(five, 0x100000000, 1), 2 * G);
	EXPECT_EQ(memory_offset(five, 0x100000000, 3 * G), 2 * G);
	EXPECT_EQ(memory_offset(five, 0x100000000, 3 * G + 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, 0x1bfffffff, 1), five - 1);
	EXPECT_EQ(memory_offset(five, 0x1c0000000, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, 0x1bfffffff, ~0ull), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, ~0ull, 1), MEMORY_NOWHERE);
	EXPECT_EQ(memory_offset(five, ~0ull, ~0ull), MEMORY_NOWHERE);
}

/* Kernels and all that is placed for them are below the hole. */
TEST(where_kernels_go)
{
	EXPECT(memory_is_ram(5 * G, 0, 0xa0000) && !memory_is_ram(5 * G, 0, 0xa0001));
	EXPECT(memory_is_ram(5 * G, 0x100000, 0x7ff00000));
	EXPECT(!memory_is_ram(5 * G, 0x100000, 0x7ff00001));
	EXPECT(!memory_is_ram(5 * G, 0x80000000, 1) && !memory_is_ram(5 * G, 0x100000000, 1));
	EXPECT(!memory_is_ram(5 * G, 0x100000, ~0ull) && !memory_is_ram(5 * G, ~0ull, 2));
}
