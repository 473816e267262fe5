/* SPDX-License-Identifier: MIT */
/* sources: drivers/hpet.c */
/* Offsets are typed from the IA-PC HPET Specification 1.0a; registers are plain memory. */
#include "drivers/acpi.h"
#include "drivers/hpet.h"
#include "test.h"

static uint8_t table[56];
static uint8_t regs[0x1000] __attribute__((aligned(4096)));
static bool has_table;
static struct hpet h;

const struct acpi_header *acpi_find(const char signature[4])
{
	return has_table && !memcmp(signature, "HPET", 4) ? (struct acpi_header *)table : NULL;
}

static void set(uint32_t at, uint32_t value)
{
	memcpy(regs + at, &value, 4);
}

static uint32_t get(uint32_t at)
{
	uint32_t value;

	memcpy(&value, regs + at, 4);
	return value;
}

/* The second of a machine's, at base, with comparators that all send messages. */
static void machine(uint64_t base, uint32_t comparators)
{
	has_table = true;
	memset(table, 0, sizeof(table));
	table[4] = sizeof(table);
	memcpy(table + 44, &base, 8);
	table[52] = 1;
	memset(regs, 0, sizeof(regs));
	set(0, 0x8086a001 | (comparators - 1) << 8);
	for (uint32_t n = 0; n < comparators; n++)
		set(0x100 + 0x20 * n, 0x8000);
	memset(&h, 0, sizeof(h));
}

TEST(found)
{
	machine((uint64_t)regs, 3);
	EXPECT(hpet_find(&h));
	EXPECT(h.regs == regs);
	EXPECT_EQ(h.base.v, (uint64_t)regs);
	EXPECT_EQ(h.number, 1);
	EXPECT_EQ(h.comparators, 3);
	machine((uint64_t)regs, 24);
	EXPECT(hpet_find(&h));
	EXPECT_EQ(h.comparators, 24);
	EXPECT_EQ(hpet_messages(&h), 24);
}

TEST(not_found)
{
	machine((uint64_t)regs, 3);
	has_table = false;
	EXPECT(!hpet_find(&h));
	machine((uint64_t)regs, 3);
	table[4] = 55; /* short */
	EXPECT(!hpet_find(&h));
	machine((uint64_t)regs, 3);
	table[40] = 1; /* I/O space */
	EXPECT(!hpet_find(&h));
	machine(0, 3);
	EXPECT(!hpet_find(&h));
	machine((uint64_t)regs + 0x400, 3); /* not a page of its own */
	EXPECT(!hpet_find(&h));
}

TEST(nothing_answers)
{
	machine((uint64_t)regs, 3);
	set(0, 0xffffffff);
	EXPECT(!hpet_find(&h));
	set(0, 0);
	EXPECT(!hpet_find(&h));
	/* More than fit into its 1 KiB. */
	machine((uint64_t)regs, 25);
	EXPECT(!hpet_find(&h));
	machine((uint64_t)regs, 32);
	EXPECT(!hpet_find(&h));
}

TEST(messages)
{
	machine((uint64_t)regs, 4);
	EXPECT(hpet_find(&h));
	EXPECT_EQ(hpet_messages(&h), 4);
	set(0x140, 0x7fff);
	EXPECT_EQ(hpet_messages(&h), 2); /* the fourth can, but is behind one that can't */
	set(0x100, 0);
	EXPECT_EQ(hpet_messages(&h), 0);
}

TEST(stopped)
{
	machine((uint64_t)regs, 3);
	EXPECT(hpet_find(&h));
	set(0x10, 3);
	set(0xf0, 0x1234);
	for (uint32_t n = 0; n < 4; n++) {
		set(0x100 + 0x20 * n, 0x4004);
		set(0x108 + 0x20 * n, 77);
	}
	hpet_stop(&h);
	EXPECT_EQ(get(0x10), 0);
	EXPECT_EQ(get(0xf0), 0x1234);
	for (uint32_t n = 0; n < 3; n++) {
		EXPECT_EQ(get(0x100 + 0x20 * n), 0);
		EXPECT_EQ(get(0x108 + 0x20 * n), 77);
	}
	EXPECT_EQ(get(0x160), 0x4004); /* none of its comparators */
}
