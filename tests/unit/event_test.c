/* SPDX-License-Identifier: MIT */
/* sources: iommu/[a-z]*.c */
#include "iommu/access.h"
#include "iommu_fake_pci.h"

static struct iommu u;
static struct iommu_event e;

static void start(void)
{
	fake_reset();
	u = (struct iommu){ .regs = fake[0].regs };
	EXPECT_EQ(event_init(&u), OK);
	iommu_control(&u, 8, 0); /* EventIntEn */
	fake[0].write_count = 0;
}

static void status_set(uint64_t bits)
{
	fake_set(&fake[0], 0x2020, fake_get(&fake[0], 0x2020) | bits);
}

static void post(uint64_t q0, uint64_t q1)
{
	uint64_t tail = fake_get(&fake[0], 0x2018);
	uint64_t *at = (uint64_t *)((fake_get(&fake[0], 0x10) & 0x000ffffffffff000ull) + tail);

	at[0] = q0;
	at[1] = q1;
	fake_set(&fake[0], 0x2018, (tail + 16) % 8192);
	status_set(2);
}

TEST(registers)
{
	start();
	EXPECT_EQ(fake_get(&fake[0], 0x10), (uint64_t)u.event.entry | 0x0900000000000000ull);
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0xc);
	fake_pages_limit = fake_pages_used;
	EXPECT_EQ(event_init(&u), ERR_NOMEM);
}

TEST(decoded)
{
	uint64_t v = 0;

	start();
	EXPECT(!event_next(&u, &e));
	post(0x203a00070000beefull, 0xfee01234ull);
	EXPECT(event_next(&u, &e));
	EXPECT_EQ(e.code, 2);
	EXPECT_EQ(e.dev, 0xbeef);
	EXPECT_EQ(e.domain, 7);
	EXPECT_EQ(e.flags, 0x03a);
	EXPECT_EQ(e.address, 0xfee01234);
	EXPECT(strcmp(e.name, "IO_PAGE_FAULT") == 0);
	EXPECT_EQ(fake_get(&fake[0], 0x2010), 0x10);
	EXPECT_EQ(u.event.entry[0], 0);
	EXPECT_EQ(u.event.entry[1], 0);
	EXPECT(!event_next(&u, &e));
	EXPECT_EQ(fake_get(&fake[0], 0x2020) & 2, 0);
	EXPECT_EQ(fake_writes(&fake[0], 0x2020, &v), 1);
	EXPECT_EQ(v, 2);
}

TEST(names)
{
	static const char *const name[16] = { NULL, "ILLEGAL_DEV_TABLE_ENTRY", "IO_PAGE_FAULT",
		"DEV_TAB_HARDWARE_ERROR", "PAGE_TAB_HARDWARE_ERROR", "ILLEGAL_COMMAND_ERROR",
		"COMMAND_HARDWARE_ERROR", "IOTLB_INV_TIMEOUT", "INVALID_DEVICE_REQUEST",
		"INVALID_PPR_REQUEST", "EVENT_COUNTER_ZERO", "GUEST_EVENT_FAULT",
		"VIOMMU_HARDWARE_ERROR", "RMP_PAGE_FAULT", "RMP_HARDWARE_ERROR", "reserved event" };

	start();
	for (uint64_t code = 1; code < 16; code++) {
		post(code << 60, 0);
		EXPECT(event_next(&u, &e));
		EXPECT_EQ(e.code, code);
		EXPECT(strcmp(e.name, name[code]) == 0);
	}
}

TEST(wraps)
{
	start();
	for (uint32_t i = 0; i < 1300; i++) {
		post(0x2000000000000000ull | i, i);
		EXPECT(event_next(&u, &e));
		EXPECT_EQ(e.dev, i);
	}
	EXPECT(!event_next(&u, &e));
	EXPECT_EQ(fake_get(&fake[0], 0x2010), 1300 % 512 * 16);
	EXPECT_EQ(u.event.events, 1300);
}

TEST(overflow_restarts_the_empty_log)
{
	start();
	post(0x2000000000000001ull, 0);
	fake_set(&fake[0], 0x2020, 1); /* overflow, stopped */
	EXPECT(event_next(&u, &e));
	EXPECT_EQ(u.event.overflows, 0);
	EXPECT(!event_next(&u, &e));
	EXPECT_EQ(u.event.overflows, 1);
	EXPECT_EQ(fake_get(&fake[0], 0x2020), 8); /* runs again */
	EXPECT_EQ(fake_get(&fake[0], 0x18), 0xc);
}

static unsigned crossings;

static void entry_appears(void)
{
	if (++crossings == 30)
		u.event.entry[0] = 0x1000000000000042ull;
}

TEST(tail_before_entry)
{
	start();
	post(0x1000000000000042ull, 0);
	u.event.entry[0] = 0;
	crossings = 0;
	fake_hook = entry_appears;
	EXPECT(event_next(&u, &e));
	fake_hook = NULL;
	EXPECT_EQ(e.dev, 0x42);
	post(0, 0); /* and one that never comes */
	EXPECT(!event_next(&u, &e));
}
