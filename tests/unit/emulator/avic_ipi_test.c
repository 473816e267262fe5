/* SPDX-License-Identifier: MIT */
/* Inter-processor interrupts: types, shorthands, destinations, what ends in exit 401h. */
#include "avic_host.h"
#include "case.h"

#define AREA "AVIC: IPIs"

#define IRR 0x200
#define VEC 0x41u

static enum avic_result send_x(uint32_t dest, uint32_t low)
{
	put32(PAGE(0) + 0x310, dest << 24);
	return avic_page_write(&core, 0x300, 4, low);
}

static enum avic_result send_x2(uint32_t dest, uint32_t low)
{
	return avic_msr_write(&core, 0x830, (uint64_t)dest << 32 | low);
}

static void expect_exit(enum avic_result got, unsigned id, unsigned index)
{
	EXPECT_EQ(got, AVIC_TRAP);
	EXPECT_EQ(core.exit.code, 0x401);
	EXPECT_EQ(core.exit.info2, (uint64_t)id << 32 | index);
}

/* vCPUs 0..4 with physical IDs 0..4; 1 and 2 run, 3 and 4 don't. */
static void five(bool x2)
{
	start(x2);
	put_entry(1, 1, true);
	put_entry(2, 2, true);
	put_entry(3, 3, false);
	put_entry(4, 4, false);
	machine.opt.icr_busy = true;
}

static void expect_irr(unsigned vcpus)
{
	for (unsigned n = 0; n < 5; n++)
		EXPECT_EQ(vector_set(n, IRR, VEC), vcpus >> n & 1);
}

static void types(void)
{
	CASE(APM, "AVIC Incomplete IPI",
		"ID 0: types 1 to 7 and level trigger, before the vector is looked at; the ICR is stored, no IRR bit set");
	ASSUMED(APM, "AVIC Incomplete IPI",
		"ID 0 and 2 leave the delivery status bit set in the page (x-avic-icr-busy)");

	for (unsigned type = 1; type < 8; type++) {
		five(false);
		expect_exit(send_x(1, type << 8 | VEC), 0, 0);
		EXPECT_EQ(core.exit.info1, 0x0100000000000000ull | type << 8 | VEC);
		EXPECT_EQ(get32(PAGE(0) + 0x300), 0x1000 | type << 8 | VEC);
		expect_irr(0);
		five(true);
		expect_exit(send_x2(1, type << 8 | VEC), 0, 0);
		EXPECT_EQ(core.exit.info1, 0x0000000100000000ull | type << 8 | VEC);
		expect_irr(0);
	}
	/* INIT and start-up have low vectors, and are bad types all the same. */
	five(false);
	expect_exit(send_x(1, 0x0000c500), 0, 0);
	expect_exit(send_x(1, 0x00004608), 0, 0);
	/* Level trigger; the level bit alone is nothing. */
	expect_exit(send_x(1, 0x8000 | VEC), 0, 0);
	expect_irr(0);
	EXPECT_EQ(send_x(1, 0x4000 | VEC), AVIC_DONE);
	expect_irr(1 << 1);
	machine.opt.icr_busy = false;
	expect_exit(send_x(1, 0x400 | VEC), 0, 0);
	EXPECT_EQ(get32(PAGE(0) + 0x300), 0x400 | VEC);
}

/* Whom it is for makes no difference to a type that hardware does not send. */
static void types_to_everybody(void)
{
	static const uint32_t whom[] = { 0x40000, 0x80000, 0xc0000, 0x800 };

	CASE(APM, "AVIC Incomplete IPI",
		"ID 0 with each shorthand and to a logical destination, xAVIC and x2AVIC");
	for (unsigned i = 0; i < 7 * 4 * 2; i++) {
		uint32_t low = whom[i % 4] | (1 + i / 8) << 8 | VEC;
		bool x2 = i & 4;

		five(x2);
		expect_exit(x2 ? send_x2(3, low) : send_x(3, low), 0, 0);
		expect_irr(0);
		EXPECT_EQ(doorbell_count, 0);
	}
}

static void vectors(void)
{
	CASE(APM, "AVIC Incomplete IPI",
		"ID 4: vectors 0 to 15, also by SELF IPI; 16 to 255 are delivered");

	for (unsigned vector = 0; vector < 256; vector++) {
		five(false);
		if (vector < 16) {
			expect_exit(send_x(1, vector), 4, 0);
			expect_exit(send_x(1, 0x40000 | vector), 4, 0);
		} else {
			EXPECT_EQ(send_x(1, vector), AVIC_DONE);
		}
		EXPECT_EQ(vector_set(1, IRR, vector), vector >= 16);
		five(true);
		if (vector < 16)
			expect_exit(avic_msr_write(&core, 0x83f, vector), 4, 0);
		else
			EXPECT_EQ(avic_msr_write(&core, 0x83f, vector), AVIC_DONE);
		EXPECT_EQ(vector_set(0, IRR, vector), vector >= 16);
		EXPECT_EQ(core.recognised, vector >= 16);
	}
}

static void shorthands(bool x2)
{
	const char *mode = x2 ? "x2AVIC" : "xAVIC";

	CASE(APM, "AVIC IPI Delivery", "%s, self: own IRR bit, no doorbell, no exit", mode);
	CASE(APM, "AVIC IPI Delivery",
		"%s, all including self: all IRR bits, doorbells to those that run, exit ID 1 if one does not",
		mode);
	CASE(APM, "AVIC IPI Delivery",
		"%s, all excluding self: the same without the sender; no exit if all run", mode);
	enum avic_result (*send)(uint32_t, uint32_t) = x2 ? send_x2 : send_x;

	five(x2);
	EXPECT_EQ(send(9, 0x40000 | VEC), AVIC_DONE);
	expect_irr(1 << 0);
	EXPECT(core.recognised);
	EXPECT_EQ(doorbell_count, 0);
	five(x2);
	expect_exit(send(9, 0x80000 | VEC), 1, 3);
	expect_irr(0x1f);
	EXPECT_EQ(doorbell_count, 3);
	EXPECT_EQ(doorbells[0], HOST_ID(0));
	EXPECT_EQ(doorbells[1], HOST_ID(1));
	EXPECT_EQ(doorbells[2], HOST_ID(2));
	EXPECT_EQ(get32(PAGE(0) + 0x300), 0x80000 | VEC);
	five(x2);
	expect_exit(send(9, 0xc0000 | VEC), 1, 3);
	expect_irr(0x1e);
	EXPECT(!core.recognised);
	EXPECT_EQ(doorbell_count, 2);
	five(x2);
	put_entry(3, 3, true);
	put_entry(4, 4, true);
	EXPECT_EQ(send(9, 0xc0000 | VEC), AVIC_DONE);
	expect_irr(0x1e);
	EXPECT_EQ(doorbell_count, 4);
}

static void physical(bool x2)
{
	const char *mode = x2 ? "x2AVIC" : "xAVIC";

	CASE(APM, "AVIC IPI Delivery",
		"%s, physical, running target: IRR bit and doorbell, no exit", mode);
	CASE(APM, "AVIC Incomplete IPI",
		"%s, ID 1: IRR bit of the stopped target is set, its index in EXITINFO2", mode);
	CASE(APM, "AVIC Incomplete IPI", "%s, ID 2: target not in the table, no IRR bit", mode);
	CASE(APM, "AVIC Incomplete IPI", "%s, ID 3: the entry's backing page is not there", mode);
	if (x2)
		ASSUMED(APM, "AVIC IPI Delivery",
			"x2AVIC: destination FFFF_FFFFh is a broadcast (x-avic-x2-broadcast)");
	else
		CASE(APM, "AVIC IPI Delivery", "xAVIC: destination FFh is a broadcast");
	enum avic_result (*send)(uint32_t, uint32_t) = x2 ? send_x2 : send_x;

	five(x2);
	EXPECT_EQ(send(2, VEC), AVIC_DONE);
	expect_irr(1 << 2);
	EXPECT_EQ(doorbell_count, 1);
	EXPECT_EQ(doorbells[0], HOST_ID(2));
	five(x2);
	expect_exit(send(3, VEC), 1, 3);
	expect_irr(1 << 3);
	EXPECT_EQ(doorbell_count, 0);
	five(x2);
	expect_exit(send(9, VEC), 2, 9);
	EXPECT_EQ(get32(PAGE(0) + 0x300), 0x1000 | VEC);
	expect_irr(0);
	/* Itself, by its ID. */
	five(x2);
	EXPECT_EQ(send(0, VEC), AVIC_DONE);
	expect_irr(1 << 0);
	EXPECT(core.recognised);
	/* Everybody, by the destination. */
	five(x2);
	expect_exit(send(x2 ? 0xffffffff : 0xff, VEC), 1, 3);
	expect_irr(0x1f);
	/* A page that is not there. */
	five(x2);
	put64(PHYSICAL + 2 * 8, 0xc0000000f0000082ull);
	expect_exit(send(2, VEC), 3, 2);
	EXPECT_EQ(strict_count, 1);
	five(x2);
	put64(PHYSICAL + 2 * 8, 0xc0100000000420ffull);
	EXPECT_EQ(send(2, VEC), AVIC_DONE);
	EXPECT_EQ(strict_count, 1);
	EXPECT_EQ(doorbells[0], 0xff);
}

static void limits(void)
{
	CASE(APM, "Advanced Virtual Interrupt Controller",
		"MAX_INDEX is the last index: one above it is exit ID 2; xAVIC's entry 255 is never reached");

	five(false);
	put_entry(255, 2, true);
	put_entry(254, 1, true);
	EXPECT_EQ(send_x(254, VEC), AVIC_DONE);
	expect_irr(1 << 1);
	core.max_index = 253;
	expect_exit(send_x(254, VEC), 2, 254);
	/* Entry 255 is reserved in xAVIC: the destination FFh never reaches it. */
	start(false);
	core.max_index = 255;
	put_entry(255, 2, true);
	EXPECT_EQ(send_x(0xff, VEC), AVIC_DONE);
	expect_irr(1 << 0);

	five(true);
	put_entry(255, 1, true);
	put_entry(511, 2, true);
	EXPECT_EQ(send_x2(255, VEC), AVIC_DONE);
	EXPECT_EQ(send_x2(511, VEC), AVIC_DONE);
	expect_irr(6);
	expect_exit(send_x2(512, VEC), 2, 512);
	expect_exit(send_x2(0x12345678, VEC), 2, 0x678);
	core.max_index = 510;
	expect_exit(send_x2(511, VEC), 2, 511);
	/* FFFF_FFFFh where it is no broadcast. */
	machine.opt.x2_broadcast = false;
	expect_exit(send_x2(0xffffffff, VEC), 2, 0xfff);
}

static void host_ids(void)
{
	CASE(APM, "Advanced Virtual Interrupt Controller",
		"the host APIC ID in an entry has 12 bits");

	five(true);
	put64(PHYSICAL + 8, 0xc000000000000abcull | PAGE(1));
	EXPECT_EQ(send_x2(1, VEC), AVIC_DONE);
	EXPECT_EQ(doorbells[0], 0xabc);
}

static void logical_flat(void)
{
	CASE(APM, "AVIC IPI Delivery",
		"logical flat: eight entries by bit; running and stopped targets; destination 0 does nothing");
	CASE(APM, "AVIC Incomplete IPI",
		"ID 2 with the slot of a logical entry that is not valid, or the ID that it leads to");
	ASSUMED(APM, "AVIC Incomplete IPI",
		"one unknown target of several: nobody gets it (x-avic-partial-multicast: those before it do)");

	five(false);
	for (unsigned bit = 0; bit < 5; bit++)
		put32(LOGICAL + bit * 4, 0x80000000 | bit);
	EXPECT_EQ(send_x(0x06, 0x800 | VEC), AVIC_DONE);
	expect_irr(0x06);
	EXPECT_EQ(doorbell_count, 2);
	expect_exit(send_x(0x18, 0x800 | VEC), 1, 3);
	expect_irr(0x1e);
	EXPECT_EQ(send_x(0x00, 0x800 | VEC), AVIC_DONE);
	/* One bad destination: nobody gets it. */
	five(false);
	put32(LOGICAL + 4, 0x80000001);
	expect_exit(send_x(0x22, 0x800 | VEC), 2, 5);
	expect_irr(0);
	/* A logical entry that leads nowhere, and a core that notices late. */
	put32(LOGICAL + 5 * 4, 0x80000000 | 0x30);
	expect_exit(send_x(0x22, 0x800 | VEC), 2, 0x30);
	expect_irr(0);
	machine.opt.partial_multicast = true;
	expect_exit(send_x(0x22, 0x800 | VEC), 2, 0x30);
	expect_irr(1 << 1);
	/* Everybody. */
	expect_exit(send_x(0xff, 0x800 | VEC), 1, 3);
	expect_irr(0x1f);
	EXPECT_EQ(strict_count, 0);
	put32(LOGICAL + 4, 0x80000101);
	EXPECT_EQ(send_x(0x02, 0x800 | VEC), AVIC_DONE);
	EXPECT_EQ(strict_count, 1);
}

static void logical_cluster(void)
{
	CASE(APM, "AVIC IPI Delivery",
		"logical cluster: fifteen clusters of four; cluster 15 and missing entries are exit ID 2");
	ASSUMED(APM, "AVIC IPI Delivery",
		"flat or cluster is chosen by the DFR of the sender's page");

	five(false);
	put32(PAGE(0) + 0xe0, 0x0fffffff);
	put32(LOGICAL + 3 * 16 + 0 * 4, 0x80000001);
	put32(LOGICAL + 3 * 16 + 3 * 4, 0x80000002);
	put32(LOGICAL + 14 * 16 + 1 * 4, 0x80000004);
	EXPECT_EQ(send_x(0x39, 0x800 | VEC), AVIC_DONE);
	expect_irr(0x06);
	expect_exit(send_x(0xe2, 0x800 | VEC), 1, 4);
	expect_irr(0x16);
	expect_exit(send_x(0x3b, 0x800 | VEC), 2, 13);
	expect_exit(send_x(0xf1, 0x800 | VEC), 2, 0);
	put32(PAGE(0) + 0xe0, 0x5fffffff);
	expect_exit(send_x(0x39, 0x800 | VEC), 2, 0);
}

static void logical_x2(void)
{
	CASE(APM, "AVIC IPI Delivery",
		"x2AVIC logical: cluster times 16 plus bit, without a table; missing ones are exit ID 2");

	five(true);
	put_entry(0x1f0, 1, true);
	put_entry(0x1ff, 2, true);
	EXPECT_EQ(send_x2(0x001f8001, 0x800 | VEC), AVIC_DONE);
	expect_irr(0x06);
	expect_exit(send_x2(0x0000000c, 0x800 | VEC), 1, 3);
	expect_irr(0x0e);
	expect_exit(send_x2(0x001f0003, 0x800 | VEC), 2, 0x1f1);
	expect_exit(send_x2(0x00200001, 0x800 | VEC), 2, 0x200);
}

/* The other side clears IsRunning between the OR of the IRR and the look at the entry. */
static unsigned loads;

static void stop_target(uint64_t addr)
{
	if (addr == PHYSICAL + 8 && ++loads == 2)
		put_entry(1, 1, false);
}

static void race_with_block(void)
{
	CASE(APM, "AVIC IPI Delivery", "the IRR bit is set before IsRunning is read");

	five(false);
	loads = 0;
	before_load64 = stop_target;
	expect_exit(send_x(1, VEC), 1, 1);
	expect_irr(1 << 1);
	EXPECT_EQ(doorbell_count, 0);
}

static void erratum_1235(void)
{
	ASSUMED(APM, "AVIC IPI Delivery",
		"erratum 1235: a sender may miss that IsRunning was cleared, of entries that once had it set");

	five(false);
	machine.opt.erratum_1235_percent = 50;
	random_next = 49;
	/* Never seen running: seen as it is. */
	expect_exit(send_x(3, VEC), 1, 3);
	EXPECT_EQ(doorbell_count, 0);
	EXPECT_EQ(send_x(1, VEC), AVIC_DONE);
	put_entry(1, 1, false);
	EXPECT_EQ(send_x(1, VEC), AVIC_DONE);
	EXPECT_EQ(doorbell_count, 2);
	random_next = 50;
	expect_exit(send_x(1, VEC), 1, 1);
	EXPECT_EQ(doorbell_count, 2);
	/* Without the erratum the truth is seen. */
	machine.opt.erratum_1235_percent = 0;
	random_next = 0;
	expect_exit(send_x(1, VEC), 1, 1);
}

int main(void)
{
	types();
	types_to_everybody();
	vectors();
	for (int x2 = 0; x2 < 2; x2++) {
		shorthands(x2);
		physical(x2);
	}
	limits();
	host_ids();
	logical_flat();
	logical_cluster();
	logical_x2();
	race_with_block();
	erratum_1235();
	return summary();
}
