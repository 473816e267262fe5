/* SPDX-License-Identifier: MIT */
/* sources: drivers/msi.c drivers/msix.c drivers/pci.c drivers/pci_bar.c drivers/pci_config.c */
/* sources: drivers/clock.c */
#include "test.h"
#include "drivers/msi.h"
#include "drivers/msix.h"
#include "pci_fake.h"

#define NIC DEVID(0, 3, 0) /* MSI-X, 10 messages, table in BAR 3 */
#define EDU DEVID(0, 4, 0) /* MSI, 64-bit, one message */
#define MSI DEVID(0, 5, 0) /* MSI, 32-bit with masks, 4 messages */

static uint32_t table[0x1000] __attribute__((aligned(4096)));

static void machine(void)
{
	uint64_t at = (uint64_t)table;

	fake_start();
	memset(table, 0xaa, sizeof(table));
	function(NIC, 0x8086, 0x10c9, 0x020000, 0);
	bar(NIC, 3, (uint32_t)at | 4, 0xffffc000);
	bar(NIC, 4, (uint32_t)(at >> 32), 0xffffffff);
	cap(NIC, 0x70, 0x11, 0);
	put(NIC, 0x72, 0x4009, 2); /* 10 messages, function masked */
	put(NIC, 0x74, 0x0003, 4); /* table: BAR 3, offset 0 */
	put(NIC, 0x78, 0x2003, 4); /* PBA: BAR 3, offset 2000h */
	function(EDU, 0x1234, 0x11e8, 0x00ff00, 0);
	cap(EDU, 0x40, 0x05, 0);
	put(EDU, 0x42, 0x0080, 2);
	function(MSI, 0x1111, 0x2222, 0x00ff00, 0);
	cap(MSI, 0x50, 0x05, 0);
	put(MSI, 0x52, 0x0104, 2); /* 4 messages, maskable */
	put(MSI, 0x5c, 0xf, 4);
	EXPECT_EQ(pci_init(), OK);
}

TEST(how_many)
{
	machine();
	EXPECT_EQ(msi_count(pci_find(NIC)), 10);
	EXPECT_EQ(msi_count(pci_find(EDU)), 1);
	EXPECT_EQ(msi_count(pci_find(MSI)), 4);
	put(EDU, 6, 0, 2);
	EXPECT_EQ(pci_init(), OK);
	EXPECT_EQ(msi_count(pci_find(EDU)), 0);
	EXPECT_EQ(msi_program(pci_find(EDU), 0, 0), ERR_UNFIT);
	msi_enable(pci_find(EDU));
}

TEST(msix)
{
	machine();
	struct pci_device *d = pci_find(NIC);

	EXPECT_EQ(msi_program(d, 9, 0x155), OK);
	EXPECT_EQ(table[36], 0xfee00000);
	EXPECT_EQ(table[37], 0);
	EXPECT_EQ(table[38], 0x155);
	EXPECT_EQ(table[39], 0);
	EXPECT_EQ(table[40], 0xaaaaaaaa);
	EXPECT_EQ(get(NIC, 4, 2) & 2, 2);
	EXPECT_EQ(msi_program_direct(d, 0, 0x12, 0x45), OK);
	EXPECT_EQ(table[0], 0xfee12000);
	EXPECT_EQ(table[2], 0x45);
	EXPECT_EQ(msi_program(d, 10, 0), ERR_INVALID);
	EXPECT_EQ(msi_program(d, 0, 0x800), ERR_INVALID);
	EXPECT_EQ(msi_program_direct(d, 0, 256, 0x45), ERR_INVALID);
	msi_enable(d);
	EXPECT_EQ(get(NIC, 0x72, 2), 0x8009);
	msi_disable(d);
	EXPECT_EQ(get(NIC, 0x72, 2), 0x0009);
	put(NIC, 0x74, 0x3ff3, 4); /* the last entries lie outside the BAR */
	EXPECT_EQ(msi_program(d, 1, 0), ERR_INVALID);
	put(NIC, 0x74, 0x0007, 4); /* no such BAR */
	EXPECT_EQ(msi_program(d, 1, 0), ERR_INVALID);
}

TEST(msi_one)
{
	machine();
	struct pci_device *d = pci_find(EDU);

	EXPECT_EQ(msi_program(d, 0, 7), OK);
	EXPECT_EQ(get(EDU, 0x44, 4), 0xfee00000);
	EXPECT_EQ(get(EDU, 0x48, 4), 0);
	EXPECT_EQ(get(EDU, 0x4c, 2), 7);
	msi_enable(d);
	EXPECT_EQ(get(EDU, 0x42, 2), 0x0081);
	msi_disable(d);
	EXPECT_EQ(get(EDU, 0x42, 2), 0x0080);
	EXPECT_EQ(msi_program(d, 1, 8), ERR_INVALID);
}

TEST(msi_four_with_masks)
{
	machine();
	struct pci_device *d = pci_find(MSI);

	EXPECT_EQ(msi_program(d, 2, 14), OK); /* 12 + 2 */
	EXPECT_EQ(get(MSI, 0x54, 4), 0xfee00000);
	EXPECT_EQ(get(MSI, 0x58, 2), 12);
	EXPECT_EQ(get(MSI, 0x5c, 4), 0xb);
	EXPECT_EQ(get(MSI, 0x52, 2), 0x0124);
	EXPECT_EQ(msi_program(d, 2, 13), ERR_INVALID); /* 11 isn't aligned to 4 */
	EXPECT_EQ(msi_program(d, 2, 1), ERR_INVALID);
}

TEST(where_the_table_is)
{
	unsigned n;
	uint64_t offset, bytes;

	machine();
	EXPECT(msix_table_range(pci_find(NIC), &n, &offset, &bytes));
	EXPECT_EQ(n, 3);
	EXPECT_EQ(offset, 0);
	EXPECT_EQ(bytes, 0x2008);
	put(NIC, 0x78, 0x1001, 4); /* PBA in another BAR */
	EXPECT(msix_table_range(pci_find(NIC), &n, &offset, &bytes));
	EXPECT_EQ(bytes, 160);
	put(NIC, 0x74, 0x3003, 4);
	put(NIC, 0x78, 0x1003, 4); /* PBA first */
	EXPECT(msix_table_range(pci_find(NIC), &n, &offset, &bytes));
	EXPECT_EQ(offset, 0x1000);
	EXPECT_EQ(bytes, 0x20a0);
	EXPECT(!msix_table_range(pci_find(EDU), &n, &offset, &bytes));
}
