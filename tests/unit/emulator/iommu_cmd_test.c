// SPDX-License-Identifier: MIT
/* Command buffer and event log of the emulator's IOMMU. */
#include "iommu_bench.h"
#include "case.h"

#define AREA "IOMMU: commands and events"

TEST(completion_wait_stores)
{
	CASE(IOMMU, "COMPLETION_WAIT",
		"S = 1 stores the data at the address; I = 1 sets ComWaitInt; F = 1 is accepted");
	bench_open();
	bench_start(0);
	cmd(0x1000000000131001ull, 0x1122334455667788ull);
	EXPECT_EQ(get64(STORE), 0x1122334455667788ull);
	EXPECT_EQ(rd(0x2000), 0x10);
	EXPECT_EQ(rd(0x2020) & 4, 0);
	cmd(0x1000000000131006ull, 1); /* F and I, no S */
	EXPECT_EQ(get64(STORE), 0x1122334455667788ull);
	EXPECT_EQ(rd(0x2020) & 4, 4);
	EXPECT_EQ(b.records[SW_IOMMU_CMD], 2);
	bench_close();
}

TEST(many_commands_by_one_tail_write)
{
	CASE(IOMMU, "Commands",
		"one write of the tail has all commands up to it fetched, in order");
	bench_open();
	bench_start(0);
	for (unsigned i = 0; i < 3; i++) {
		put64(CMDBUF + 16 * i, 0x1000000000131001ull + 8 * i);
		put64(CMDBUF + 16 * i + 8, i + 1);
	}
	wr(0x2008, 0x30);
	EXPECT_EQ(get64(STORE + 16), 3);
	EXPECT_EQ(get64(STORE + 8), 2);
	bench_close();
}

static void illegal(uint64_t q0, uint64_t q1)
{
	bench_open();
	bench_start(0);
	cmd(0x1000000000131001ull, 1);
	cmd(q0, q1);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2020) & 0x10, 0);
	EXPECT_EQ(rd(0x2000), 0x10); /* the head stays at the offender */
	EXPECT_EVENT(0x5000000000000000ull, CMDBUF + 0x10);
	cmd(0x1000000000131001ull, 2);
	EXPECT_EQ(get64(STORE), 1); /* nothing is fetched any more */
	/* Recovery: off, pointers reset, on. */
	wr(0x0018, RUN_CONTROL & ~(1ull << 12));
	wr(0x2000, 0);
	wr(0x2008, 0);
	wr(0x0018, RUN_CONTROL);
	EXPECT_EQ(rd(0x2020) & 0x10, 0x10);
	cmd(0x1000000000131001ull, 3);
	EXPECT_EQ(get64(STORE), 3);
	bench_close();
}

TEST(illegal_commands)
{
	CASE(IOMMU, "ILLEGAL_COMMAND_ERROR Event",
		"the event has the command's address, the head stays, CmdBufRun is cleared");
	CASE(IOMMU, "Commands",
		"after an error: CmdBufEn off, pointers 0, CmdBufEn on fetches again");
	illegal(0, 0);
	illegal(0x1010000000131001ull, 0);
	illegal(0x2000000000010010ull, 0);
	illegal(0x2000000000000010ull, 1);
	illegal(0x3000000000100000ull, 0);
	illegal(0x3001000000000000ull, 0);
	illegal(0x3000000000000000ull, 4); /* GN without guest translation */
	illegal(0x3000000000000000ull, 8);
	illegal(0x4000000000000010ull, 0); /* no IOTLBs */
	illegal(0x5000000000010010ull, 0);
	illegal(0x5000000000000010ull, 2);
	illegal(0x7000000000000010ull, 0); /* no PPR */
	illegal(0x8000000000000001ull, 0);
	illegal(0x8000000000000000ull, 1);
	illegal(0x9000000000000000ull, 0);
	illegal(0xa000000000000000ull, 0);
	illegal(0xf000000000000000ull, 0);
}

/* Each bit of both words by itself: what is not a field is reserved. */
static void fields(uint64_t opcode, uint64_t q0, uint64_t q1)
{
	for (unsigned bit = 0; bit < 124; bit++) {
		uint64_t low = bit < 60 ? 1ull << bit : 0;
		uint64_t high = bit < 60 ? 0 : 1ull << (bit - 60);
		bool legal = (low & q0) | (high & q1);

		bench_open();
		bench_start(0);
		/* A COMPLETION_WAIT with S stores there. */
		cmd(opcode << 60 | (opcode == 1 ? STORE : 0) | low, high);
		EXPECT_EQ(rd(0x2000), legal ? 0x10 : 0);
		EXPECT_EQ(rd(0x2020) & 0x10, legal ? 0x10 : 0);
		EXPECT_STRICT(!legal);
		if (!legal)
			EXPECT_EVENT(0x5000000000000000ull, CMDBUF);
		EXPECT_NO_EVENT();
		bench_close();
	}
}

TEST(fields_of_commands)
{
	const uint64_t all = ~0ull;

	CASE(IOMMU, "COMPLETION_WAIT", "bits 51:0 and the data are fields, bits 59:52 illegal");
	fields(1, 0x000fffffffffffffull, all);
	CASE(IOMMU, "INVALIDATE_DEVTAB_ENTRY",
		"DeviceID is the only field, all other bits illegal");
	fields(2, 0xffff, 0);
	CASE(IOMMU, "INVALIDATE_IOMMU_PAGES",
		"PASID, DomainID, S, PDE and Address are fields, GN without GTSup and the rest illegal");
	fields(3, 0xffff000fffffull, 0xfffffffffffff003ull);
	CASE(IOMMU, "INVALIDATE_INTERRUPT_TABLE",
		"DeviceID is the only field, all other bits illegal");
	fields(5, 0xffff, 0);
	ASSUMED(IOMMU, "PREFETCH_IOMMU_PAGES",
		"a hint: no bit of it is checked, nothing is fetched");
	fields(6, all, all);
	CASE(IOMMU, "INVALIDATE_IOMMU_ALL", "no field, each bit illegal");
	fields(8, 0, 0);
	CASE(IOMMU, "INVALIDATE_IOTLB_PAGES", "illegal without IotlbSup");
	fields(4, 0, 0);
	CASE(IOMMU, "COMPLETE_PPR_REQUEST", "illegal without PPRSup");
	fields(7, 0, 0);
}

TEST(unknown_commands)
{
	CASE(IOMMU, "ILLEGAL_COMMAND_ERROR Event", "opcodes 0 and 9 to 15 are illegal");
	fields(0, 0, 0);
	for (unsigned opcode = 9; opcode < 16; opcode++)
		fields(opcode, 0, 0);
}

TEST(legal_commands)
{
	bench_open();
	bench_start(0);
	cmd(0x2000000000000010ull, 0);
	cmd(0x3000000700000000ull, 0x7ffffffffffff003ull);
	cmd(0x5000000000000010ull, 0);
	cmd(0x6000000000000010ull, 0x1000);
	cmd(0x8000000000000000ull, 0);
	EXPECT_EQ(rd(0x2000), 0x50);
	EXPECT_EQ(b.unmaps, 2);
	EXPECT_NO_EVENT();
	bench_close();
}

TEST(inv_all_needs_iasup)
{
	CASE(IOMMU, "INVALIDATE_IOMMU_ALL", "illegal without IASup");

	struct iommu_config cfg = newest();

	cfg.iasup = false;
	bench_open_with(cfg);
	bench_start(0);
	cmd(0x8000000000000000ull, 0);
	EXPECT_STRICT(1);
	EXPECT_EVENT(0x5000000000000000ull, CMDBUF);
	bench_close();
}

TEST(command_hardware_error)
{
	CASE(IOMMU, "COMMAND_HARDWARE_ERROR Event",
		"a store address without memory: the event has the command's address, and fetching stops");
	bench_open();
	bench_start(0);
	cmd(0x1000000000500001ull, 0); /* no memory at the store address */
	EXPECT_EVENT(0x6000000000000000ull, CMDBUF);
	EXPECT_EQ(rd(0x2020) & 0x10, 0);
	bench_close();
}

TEST(lost_completion_hangs_the_queue_once)
{
	struct iommu_config cfg = newest();

	cfg.completion_lost = 2;
	bench_open_with(cfg);
	bench_start(0);
	cmd(0x1000000000131001ull, 1);
	cmd(0x1000000000131001ull, 2);
	cmd(0x1000000000131001ull, 3);
	EXPECT_EQ(get64(STORE), 1);
	EXPECT_EQ(rd(0x2000), 0x10);
	EXPECT_EQ(rd(0x2020) & 0x10, 0x10); /* it does not say so */
	wr(0x0018, RUN_CONTROL & ~(1ull << 12));
	wr(0x2000, 0);
	wr(0x2008, 0);
	wr(0x0018, RUN_CONTROL);
	cmd(0x1000000000131001ull, 4);
	EXPECT_EQ(get64(STORE), 4);
	bench_close();
}

TEST(commands_can_take_time)
{
	struct iommu_config cfg = newest();

	cfg.command_delay_ns = 1000;
	bench_open_with(cfg);
	bench_start(0);
	cmd(0x1000000000131001ull, 5);
	EXPECT_EQ(get64(STORE), 0);
	EXPECT_EQ(b.laters, 1);
	iommu_later(b.u);
	EXPECT_EQ(get64(STORE), 5);
	bench_close();
}

/* A device that may do nothing: an event for every read. */
static void provoke(unsigned times)
{
	struct iommu_mapping m;

	put_dte(DEV, 1, 7, 0, 0);
	for (unsigned i = 0; i < times; i++)
		EXPECT(!iommu_translate(b.u, DEV, 0x5000, IOMMU_READ, &m));
}

TEST(event_log_overflows_and_restarts)
{
	CASE(IOMMU, "Event Logging",
		"with all entries but one used, the next event sets EventOverflow and clears EventLogRun; nothing is logged");
	CASE(IOMMU, "Event Logging",
		"moving the head does not restart the log; EventLogEn off, EventOverflow cleared, EventLogEn on does");
	CASE(IOMMU, "IOMMU Interrupt Support",
		"EventLogInt and EventOverflow each send the event interrupt when they are set");
	bench_open();
	bench_start(1ull << 3 | 1ull << 51);
	provoke(255);
	EXPECT_EQ(rd(0x2020), 0x1a);
	EXPECT_EQ(rd(0x2018), 0xff0);
	EXPECT_EQ(b.irq.count, 1); /* EventLogInt, once */
	provoke(1);
	EXPECT_EQ(rd(0x2020), 0x13); /* overflow; EventLogRun gone */
	EXPECT_EQ(rd(0x2018), 0xff0);
	EXPECT_EQ(b.irq.count, 2);
	wr(0x2010, 0xff0); /* draining does not restart it */
	provoke(1);
	EXPECT_EQ(rd(0x2018), 0xff0);
	wr(0x0018, (RUN_CONTROL | 1ull << 51) & ~(1ull << 2));
	wr(0x2020, 3);
	wr(0x0018, RUN_CONTROL | 1ull << 51 | 1ull << 3);
	EXPECT_EQ(rd(0x2020), 0x18);
	provoke(1);
	EXPECT_EQ(rd(0x2018), 0);
	EXPECT_EVENT(0x2000000700000010ull, 0x5000);
	EXPECT_EQ(b.irq.count, 3);
	bench_close();
}

TEST(restart_without_acknowledging_overflow)
{
	ASSUMED(IOMMU, "Event Logging",
		"EventLogEn set while EventOverflow is still set does not restart the log");
	bench_open();
	bench_start(0);
	provoke(256);
	wr(0x0018, RUN_CONTROL & ~(1ull << 2));
	wr(0x0018, RUN_CONTROL);
	EXPECT_STRICT(1);
	EXPECT_EQ(rd(0x2020) & 8, 0);
	bench_close();
}

TEST(late_entries)
{
	ASSUMED(IOMMU, "Event Logging",
		"errata 732 and 733: the tail may be seen before the entry is in memory");

	struct iommu_config cfg = newest();

	cfg.late_log = true;
	bench_open_with(cfg);
	bench_start(0);
	provoke(1);
	EXPECT_EQ(rd(0x2018), 0x10);
	EXPECT_EQ(get64(EVTLOG), 0); /* erratum 732 */
	EXPECT_EQ(b.laters, 1);
	iommu_later(b.u);
	EXPECT_EVENT(0x2000000700000010ull, 0x5000);
	provoke(20); /* more than can be late at a time */
	iommu_later(b.u);
	for (unsigned i = 0; i < 20; i++)
		EXPECT_EVENT(0x2000000700000010ull, 0x5000);
	bench_close();
}
