/* SPDX-License-Identifier: MIT */
/* sources: drivers/pci.c drivers/pci_bar.c drivers/pci_config.c drivers/pci_reset.c */
/* sources: drivers/pci_acs.c drivers/pci_sriov.c drivers/pci_bridge.c drivers/clock.c */
#include "test.h"
#include "drivers/pci.h"
#include "pci_fake.h"

#define PORT  DEVID(0, 1, 0)
#define PF    DEVID(1, 0, 0)
#define VF(n) ((devid_t)(PF + 0x80 + 2 * (n)))

static const char *why;

static void vf_config(unsigned n)
{
	function(VF(n), 0xffff, 0xffff, 0x020000, 0);
	cap(VF(n), 0x70, 0x11, 0);
	put(VF(n), 0x72, 2, 2);
}

/* A port, and behind it a card with 8 virtual functions of 16 KiB and 16 KiB. */
static struct pci_device *machine(void)
{
	fake_start();
	function(PORT, 0x1b36, 0x000c, 0x060400, 1);
	put(PORT, 0x19, 1, 1);
	put(PORT, 0x1a, 1, 1);
	cap(PORT, 0x54, 0x10, 0);
	put(PORT, 0x54 + 0x24, 0x20, 4);
	function(PF, 0x8086, 0x10c9, 0x020000, 0);
	put(PF, 0x100, 0x1500000e, 4); /* ARI */
	put(PF, 0x150, 0x16010003, 4);
	put(PF, 0x160, 0x00010010, 4);
	put(PF, 0x16c, 0x00080008, 4);
	put(PF, 0x174, 0x00020080, 4);
	put(PF, 0x17a, 0x10ca, 2);
	put(PF, 0x17c, 0x553, 4);
	put(PF, 0x184, 0x0000000c, 4);
	put(PF, 0x188, 0x00000038, 4);
	put(PF, 0x190, 0x8002000c, 4);
	put(PF, 0x194, 0x00000038, 4);
	vf_bar_mask[0] = vf_bar_mask[3] = 0xffffc000;
	vf_bar_mask[1] = vf_bar_mask[4] = 0xffffffff;
	for (unsigned n = 0; n < 8; n++)
		vf_config(n);
	EXPECT_EQ(pci_init(), OK);
	return pci_find(PF);
}

TEST(virtual_functions)
{
	struct pci_device *pf = machine();

	EXPECT(pf && !pci_find(VF(0)));
	EXPECT_EQ(pci_enable_vfs(pf, 3, &why), OK);
	EXPECT_EQ(get(PF, 0x168, 2), 0x19); /* enabled, memory, ARI */
	EXPECT_EQ(get(PF, 0x170, 2), 3);
	EXPECT_EQ(get(PF, 0x180, 4), 1);
	EXPECT_EQ(get(PORT, 0x54 + 0x28, 2), 0x20);
	EXPECT_EQ(pf->vf_count, 3);
	EXPECT(!pci_find(VF(3)));
	const struct pci_device *vf = pci_find(VF(2));

	EXPECT(vf && vf == pci_find_nth(0x8086, 0x10ca, 2));
	EXPECT_EQ(vf->cap_msix, 0x70);
	EXPECT_EQ(vf->bar[0].base, 0x3800008000);
	EXPECT_EQ(vf->bar[0].bytes, 0x4000);
	EXPECT_EQ(vf->bar[3].base, 0x3880028000);
	EXPECT(vf->bar[3].wide && !vf->bar[1].bytes);
	EXPECT_EQ(pci_enable_vfs(pf, 1, &why), ERR_INVALID);
	EXPECT(strstr(why, "already"));
}

TEST(reset_of_one)
{
	struct pci_device *pf = machine();

	cap(VF(0), 0x70, 0x11, 0xa0);
	cap(VF(0), 0xa0, 0x10, 0);
	put(VF(0), 0xa4, 0x10000000, 4);
	EXPECT_EQ(pci_enable_vfs(pf, 1, &why), OK);
	struct pci_reset reset;

	EXPECT_EQ(
		pci_reset(pci_find(VF(0)), &reset), OK); /* its vendor reads as ones all the time */
	EXPECT_EQ(flr_written, VF(0) + 1);
}

static void expect_refused(uint32_t count, const char *part)
{
	EXPECT(pci_enable_vfs(pci_find(PF), count, &why) != OK);
	EXPECT(why && strstr(why, part));
	EXPECT(!(get(PF, 0x168, 2) & 1) && !pci_find(VF(0)));
}

TEST(refusals)
{
	machine();
	put(PF, 0x160, 0, 4);
	expect_refused(1, "no SR-IOV");
	machine();
	expect_refused(9, "that many");
	expect_refused(0, "that many");
	put(PF, 0x17c, 0x550, 4);
	expect_refused(1, "4 KiB");
	machine();
	put(PF, 0x174, 0x00020100, 4); /* bus 2 */
	expect_refused(1, "bus numbers");
	machine();
	put(PF, 0x174, 0x00000080, 4);
	expect_refused(2, "same number");
	machine();
	put(PF, 0x174, 0, 4);
	expect_refused(1, "another device");
	machine();
	put(PF, 0x190, 0xc, 4);
	put(PF, 0x194, 0, 4);
	expect_refused(1, "no addresses");
	machine();
	memset(vf_bar_mask, 0, sizeof(vf_bar_mask));
	put(PF, 0x184, 0, 4);
	put(PF, 0x188, 0, 4);
	put(PF, 0x190, 0, 4);
	put(PF, 0x194, 0, 4);
	expect_refused(1, "no registers");
	machine();
	memset(config(VF(0)), 0xff, 4096);
	EXPECT_EQ(pci_enable_vfs(pci_find(PF), 1, &why), ERR_UNFIT);
	EXPECT(strstr(why, "answer"));
}
