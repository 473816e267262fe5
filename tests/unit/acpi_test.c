/* SPDX-License-Identifier: MIT */
/* sources: drivers/acpi.c drivers/acpi_tables.c */
#include <sys/mman.h>
#include "test.h"
#include "drivers/acpi.h"
#include "base/types.h"

/* Tables built by hand, as firmware lays them out; addresses are host pointers. */
static uint8_t madt[200], mcfg[76], fadt[244], rsdp[36];
static uint8_t xsdt[36 + 8 * 4];

static void put(uint8_t *at, uint64_t v, unsigned bytes)
{
	memcpy(at, &v, bytes);
}

static void fix_sum(uint8_t *t, size_t bytes, size_t at)
{
	uint8_t sum = 0;

	t[at] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + t[i]);
	t[at] = (uint8_t)-sum;
}

static void table(uint8_t *t, const char *signature, uint32_t bytes)
{
	memcpy(t, signature, 4);
	put(t + 4, bytes, 4);
	t[8] = 1;
	fix_sum(t, bytes, 9);
}

static const uint8_t madt_entries[] = {
	0, 8, 0, 0, 1, 0, 0, 0,                                /* LAPIC, APIC ID 0, enabled */
	0, 8, 1, 2, 1, 0, 0, 0,                                /* APIC ID 2 */
	0, 8, 2, 3, 0, 0, 0, 0,                                /* APIC ID 3, disabled */
	0, 8, 3, 0xff, 1, 0, 0, 0,                             /* no such ID */
	1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 0x18, 0, 0, 0,          /* I/O APIC 9 at FEC00000, GSI 24 */
	9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, /* x2APIC ID 1234h */
	9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0,       /* ID 2 once more */
	5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0,             /* LAPIC at 1_FEE00000 */
	4, 6, 0xff, 0, 0, 1,                                   /* NMI: of no interest */
};

static void build(void)
{
	memset(madt, 0, sizeof(madt));
	memset(mcfg, 0, sizeof(mcfg));
	memset(fadt, 0, sizeof(fadt));
	put(madt + 36, 0xfee00000, 4);
	memcpy(madt + 44, madt_entries, sizeof(madt_entries));
	table(madt, "APIC", 44 + sizeof(madt_entries));
	put(mcfg + 44, 0xe0000000, 8);
	mcfg[55] = 0xff;
	put(mcfg + 60, 0x123400000000, 8);
	put(mcfg + 68, 1, 2);
	mcfg[70] = 0x10;
	mcfg[71] = 0x20;
	table(mcfg, "MCFG", sizeof(mcfg));
	put(fadt + 76, 0x608, 4);
	put(fadt + 112, 1 << 10, 4);
	fadt[116] = 1; /* I/O */
	put(fadt + 120, 0xcf9, 8);
	fadt[128] = 0x0f;
	table(fadt, "FACP", sizeof(fadt));
	put(xsdt + 36, (uint64_t)madt, 8);
	put(xsdt + 44, (uint64_t)mcfg, 8);
	put(xsdt + 52, 0, 8); /* an empty slot */
	put(xsdt + 60, (uint64_t)fadt, 8);
	table(xsdt, "XSDT", sizeof(xsdt));
	memset(rsdp, 0, sizeof(rsdp));
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	put(rsdp + 20, 36, 4);
	put(rsdp + 24, (uint64_t)xsdt, 8);
	fix_sum(rsdp, 20, 8);
	fix_sum(rsdp, 36, 32);
}

TEST(what_firmware_says)
{
	build();
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	const struct acpi_info *i = acpi_info();

	EXPECT_EQ(i->cpu_count, 3);
	EXPECT_EQ(i->cpu[0], 0);
	EXPECT_EQ(i->cpu[1], 2);
	EXPECT_EQ(i->cpu[2], 0x1234);
	EXPECT_EQ(i->lapic_base, 0x1fee00000);
	EXPECT_EQ(i->ioapic_count, 1);
	EXPECT_EQ(i->ioapic[0].id, 9);
	EXPECT_EQ(i->ioapic[0].base, 0xfec00000);
	EXPECT_EQ(i->ioapic[0].gsi_base, 24);
	EXPECT_EQ(i->ecam_count, 2);
	EXPECT_EQ(i->ecam[0].base, 0xe0000000);
	EXPECT_EQ(i->ecam[0].segment, 0);
	EXPECT_EQ(i->ecam[0].bus_first, 0);
	EXPECT_EQ(i->ecam[0].bus_last, 255);
	EXPECT_EQ(i->ecam[1].base, 0x123400000000);
	EXPECT_EQ(i->ecam[1].segment, 1);
	EXPECT_EQ(i->ecam[1].bus_first, 0x10);
	EXPECT_EQ(i->ecam[1].bus_last, 0x20);
	EXPECT_EQ(i->pm_timer_port, 0x608);
	EXPECT_EQ(i->reset_address, 0xcf9);
	EXPECT_EQ(i->reset_space, 1);
	EXPECT_EQ(i->reset_value, 0x0f);
	EXPECT(acpi_find("FACP") == (const struct acpi_header *)fadt);
	EXPECT(!acpi_find("IVRS"));
}

TEST(extended_pm_timer_block)
{
	build();
	fadt[208] = 1;
	put(fadt + 212, 0x1808, 8);
	table(fadt, "FACP", sizeof(fadt));
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->pm_timer_port, 0x1808);
	/* A short, old FADT has neither that nor a reset register. */
	table(fadt, "FACP", 116);
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->pm_timer_port, 0x608);
	EXPECT_EQ(acpi_info()->reset_address, 0);
}

TEST(bad_root)
{
	build();
	EXPECT_EQ(acpi_init(0), ERR_NOT_FOUND);
	rsdp[0] = 'X';
	EXPECT_EQ(acpi_init((uint64_t)rsdp), ERR_INVALID);
	build();
	rsdp[9] ^= 1; /* first checksum */
	EXPECT_EQ(acpi_init((uint64_t)rsdp), ERR_INVALID);
	build();
	rsdp[33] ^= 1; /* second checksum: the XSDT isn't believed, and there is no RSDT */
	EXPECT_EQ(acpi_init((uint64_t)rsdp), ERR_INVALID);
	EXPECT(!acpi_find("APIC"));
	build();
	xsdt[36] ^= 1;
	EXPECT_EQ(acpi_init((uint64_t)rsdp), ERR_INVALID);
}

TEST(revision_0_and_the_rsdt)
{
	/* An RSDT holds 32-bit addresses. */
	uint8_t *low = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint8_t *rsdt = low + 1024;

	build();
	memcpy(low, madt, sizeof(madt));
	put(rsdt + 36, (uint64_t)low, 4);
	table(rsdt, "RSDT", 40);
	rsdp[15] = 0;
	put(rsdp + 16, (uint64_t)rsdt, 4);
	fix_sum(rsdp, 20, 8);
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->cpu_count, 3);
	table(rsdt, "RSXT", 40);
	EXPECT_EQ(acpi_init((uint64_t)rsdp), ERR_INVALID);
	munmap(low, 4096);
}

TEST(a_damaged_table_is_left_out)
{
	build();
	madt[50] ^= 1;
	put(mcfg + 4, 35, 4); /* shorter than its header */
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT(!acpi_find("APIC"));
	EXPECT(!acpi_find("MCFG"));
	EXPECT(acpi_find("FACP"));
	EXPECT_EQ(acpi_info()->cpu_count, 0);
	build();
	put(mcfg + 4, 2 << 20, 4); /* longer than any */
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT(!acpi_find("MCFG"));
}

TEST(madt_entries_that_lie)
{
	build();
	madt[45] = 0; /* a length of 0 would go on for ever */
	table(madt, "APIC", 44 + sizeof(madt_entries));
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->cpu_count, 0);
	EXPECT_EQ(acpi_info()->lapic_base, 0xfee00000);
	build();
	madt[45] = 200; /* beyond the table */
	table(madt, "APIC", 44 + sizeof(madt_entries));
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->cpu_count, 0);
	build();
	table(madt, "APIC", 40); /* no room for any */
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->lapic_base, 0);
	build();
	mcfg[54] = 9; /* first bus after the last one */
	mcfg[55] = 8;
	table(mcfg, "MCFG", sizeof(mcfg));
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->ecam_count, 1);
}

TEST(more_cpus_than_we_take)
{
	static uint8_t many[44 + 8 * 100];

	build();
	for (unsigned i = 0; i < 100; i++) {
		uint8_t *e = many + 44 + 8 * i;

		e[1] = 8;
		e[3] = (uint8_t)i;
		e[4] = 1;
	}
	table(many, "APIC", sizeof(many));
	put(xsdt + 36, (uint64_t)many, 8);
	table(xsdt, "XSDT", sizeof(xsdt));
	EXPECT_EQ(acpi_init((uint64_t)rsdp), OK);
	EXPECT_EQ(acpi_info()->cpu_count, ACPI_CPUS);
	EXPECT_EQ(acpi_info()->cpu[63], 63);
}
