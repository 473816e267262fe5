/* SPDX-License-Identifier: MIT */
/* sources: avic/exits.c avic/vapic.c */
#include "test.h"
#include "avic/avic.h"

/* Eight vCPUs, IDs 0..7; ID 5 doesn't exist. */
static struct vapic page[8] __attribute__((aligned(4096)));
static uint64_t physical[512];
static struct avic_vm vm;

static void set_up(bool x2apic)
{
	vm = (struct avic_vm){ .physical = physical, .max_index = 7 };
	for (uint32_t i = 0; i < 8; i++) {
		vm.mode[i] = x2apic ? VAPIC_X2APIC : VAPIC_XAPIC;
		vapic_reset(&page[i], i, x2apic);
		physical[i] = i == 5 ? 0 : (uint64_t)&page[i] | 1ull << 63;
		if (!x2apic)
			page[i].reg[0xd0 / 4] = 1u << (24 + i);
	}
}

/* Who gets it, as a set of IDs; each at most once. */
static unsigned walk(struct avic_ipi ipi)
{
	unsigned set = 0;
	int id;

	while ((id = avic_ipi_next(&vm, &ipi)) >= 0) {
		EXPECT(id < 8 && !(set >> id & 1));
		set |= 1u << id;
	}
	EXPECT_EQ(avic_ipi_next(&vm, &ipi), (uint64_t)-1);
	return set;
}

static unsigned send(uint64_t icr)
{
	return walk(avic_ipi_from_icr(&vm, 2, icr));
}

static unsigned have_irr(unsigned vector)
{
	unsigned set = 0;

	for (unsigned i = 0; i < 8; i++)
		set |= (page[i].reg[(0x200 + vector / 32 * 16) / 4] >> vector % 32 & 1) << i;
	return set;
}

TEST(physical_x2apic)
{
	set_up(true);
	EXPECT_EQ(send(0x00000003000000d1), 1 << 3);
	EXPECT_EQ(have_irr(0xd1), 1 << 3);
	EXPECT_EQ(send(0x00000005000000d1), 0);
	EXPECT_EQ(send(0x00000008000000d1), 0);
	EXPECT_EQ(send(0x7fffffff000000d1), 0);
	EXPECT_EQ(send(0x00000000000000d1), 1 << 0);
	EXPECT_EQ(send(0xffffffff000000d2), 0xdf);
	EXPECT_EQ(have_irr(0xd2), 0xdf);
	EXPECT_EQ(send(0x000000ff000000d1), 0);
}

TEST(physical_xapic)
{
	set_up(false);
	EXPECT_EQ(send(0x03000000000000d1), 1 << 3);
	EXPECT_EQ(send(0x03123456000000d1), 1 << 3);
	EXPECT_EQ(send(0xff000000000000d1), 0xdf);
	EXPECT_EQ(send(0x05000000000000d1), 0);
}

TEST(shorthands)
{
	set_up(true);
	EXPECT_EQ(send(0x00000007000400d1), 1 << 2);
	EXPECT_EQ(send(0x00000007000800d1), 0xdf);
	EXPECT_EQ(send(0x00000007000c00d1), 0xdb);
}

TEST(logical_x2apic)
{
	set_up(true);
	EXPECT_EQ(send(0x00000009000008d1), 0x09);
	EXPECT_EQ(send(0x0000ffff000008d1), 0xdf);
	EXPECT_EQ(send(0x0001ffff000008d1), 0);
	EXPECT_EQ(send(0xffffffff000008d1), 0xdf);
}

TEST(logical_xapic_flat)
{
	set_up(false);
	EXPECT_EQ(send(0x09000000000008d1), 0x09);
	EXPECT_EQ(send(0x20000000000008d1), 0);
	EXPECT_EQ(send(0xff000000000008d1), 0xdf);
}

TEST(logical_xapic_cluster)
{
	set_up(false);
	for (unsigned i = 0; i < 8; i++) {
		page[i].reg[0xe0 / 4] = 0x0fffffff;
		page[i].reg[0xd0 / 4] = i / 4 << 28 | 1u << (24 + i % 4);
	}
	EXPECT_EQ(send(0x05000000000008d1), 0x05);
	EXPECT_EQ(send(0x1c000000000008d1), 0xc0);
	EXPECT_EQ(send(0x2f000000000008d1), 0);
}

/* While they switch: 1 and 3 are in x2APIC mode already. The sender's mode says how its ICR is
 * read; x2AVIC goes by IDs, whatever mode the target is in. */
TEST(mixed_modes)
{
	set_up(false);
	vm.mode[1] = vm.mode[3] = VAPIC_X2APIC;
	page[1].reg[0xd0 / 4] = 1 << 1;
	page[3].reg[0xd0 / 4] = 1 << 3;
	EXPECT_EQ(send(0x03000000000000d1), 0x08);
	EXPECT_EQ(send(0xff000000000000d1), 0xdf);
	EXPECT_EQ(send(0x0b000000000008d1), 0x0b);
	vm.mode[2] = VAPIC_X2APIC;
	EXPECT_EQ(send(0x00000003000000d1), 0x08);
	EXPECT_EQ(send(0x000000ff000000d1), 0);
	EXPECT_EQ(send(0xffffffff000000d1), 0xdf);
	EXPECT_EQ(send(0x0000000b000008d1), 0x0b);
	/* A device's message has 8 bits of target always. */
	EXPECT_EQ(walk(avic_ipi_from_message(&vm, 0x03000000000000d1)), 0x08);
	EXPECT_EQ(walk(avic_ipi_from_message(&vm, 0xff000000000000d1)), 0xdf);
}

TEST(lowest_priority_goes_to_one)
{
	set_up(true);
	EXPECT_EQ(send(0x00000088000009d1), 1 << 3);
	EXPECT_EQ(send(0xffffffff000001d1), 1 << 0);
}

TEST(startup)
{
	struct avic_ipi ipi;

	set_up(true);
	ipi = avic_ipi_from_icr(&vm, 2, 0x0000000300004500);
	EXPECT(ipi.init && !ipi.sipi && !ipi.nmi && !ipi.emulate);
	EXPECT_EQ(walk(ipi), 1 << 3);
	ipi = avic_ipi_from_icr(&vm, 2, 0x0000000300004608);
	EXPECT(ipi.sipi && !ipi.init);
	EXPECT_EQ(ipi.vector, 8);
	EXPECT_EQ(walk(ipi), 1 << 3);
	ipi = avic_ipi_from_icr(&vm, 2, 0x00000000000c4400);
	EXPECT(ipi.nmi);
	EXPECT_EQ(walk(ipi), 0xdb);
	EXPECT_EQ(have_irr(0), 0);
	EXPECT_EQ(have_irr(8), 0);
	/* Reserved: with a shorthand that includes the sender; INIT's de-assert; SMI; ExtINT. */
	EXPECT_EQ(send(0x0000000000044500), 0);
	EXPECT_EQ(send(0x0000000000084400), 0);
	EXPECT_EQ(send(0x0000000300008500), 0);
	EXPECT_EQ(send(0x0000000300004200), 0);
	EXPECT_EQ(send(0x0000000300004700), 0);
	EXPECT_EQ(send(0x0000000300004300), 0);
}

TEST(illegal_vector)
{
	struct avic_ipi ipi;

	set_up(true);
	ipi = avic_ipi_from_icr(&vm, 2, 0x000000030000000f);
	EXPECT(ipi.illegal_vector);
	EXPECT_EQ(walk(ipi), 0);
	EXPECT_EQ(have_irr(0xf), 0);
	EXPECT(!avic_ipi_from_icr(&vm, 2, 0x0000000300000010).illegal_vector);
}

/* Cause 1: hardware has set IRR in all targets; setting it again could deliver twice. */
TEST(exit_causes)
{
	struct vmexit exit = { .kind = VMEXIT_KIND_AVIC_IPI };

	set_up(true);
	exit.ipi.icr = 0x00000009000008d1;
	exit.ipi.cause = 1;
	exit.ipi.index = 3;
	EXPECT_EQ(walk(avic_ipi_begin(&vm, 2, &exit)), 0x09);
	EXPECT_EQ(have_irr(0xd1), 0);
	for (unsigned cause = 0; cause < 5; cause += cause ? 1 : 2) {
		set_up(true);
		exit.ipi.cause = cause;
		EXPECT_EQ(walk(avic_ipi_begin(&vm, 2, &exit)), 0x09);
		EXPECT_EQ(have_irr(0xd1), 0x09);
	}
}
