/* SPDX-License-Identifier: MIT */
/* sources: drivers/igb_pf.c drivers/igb_mail.c drivers/clock.c */
/* The service for an 82576's virtual functions, against a card whose mailboxes work as its manual
 * says. Registers and bits are typed anew here. */
#include "test.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "drivers/igb_pf.h"
#include "hw/sim.h"

static uint32_t regs[0x20000 / 4];
static struct pci_device card = { .vendor = 0x8086, .device = 0x10c9, .vf_count = 3 };
static const char *why;
static uint64_t now;
static unsigned dma_on, decoding_on, interrupts_to_vf;
static bool hung;

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	return regs[((uintptr_t)p - (uintptr_t)regs) / 4];
}

static void mailbox_write(uint32_t at, uint32_t v)
{
	bool vfu = regs[at] & 4;

	if (v & 1 || v & 2)
		interrupts_to_vf++;
	regs[at] = (regs[at] & 4) | (v & 3) | (vfu ? 0 : v & 8);
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	uint32_t at = (uint32_t)((uintptr_t)p - (uintptr_t)regs) / 4;

	EXPECT(at < sizeof(regs) / 4 && bytes == 4);
	if (at == 0xc80 / 4 || at == 0xc88 / 4)
		regs[at] &= (uint32_t)~v;
	else if (at >= 0xc00 / 4 && at < 0xc20 / 4)
		mailbox_write(at, (uint32_t)v);
	else if (at == 0 && v & 1u << 26)
		regs[at] = hung ? (uint32_t)v : 0;
	else
		regs[at] = (uint32_t)v;
}

const struct acpi_info *acpi_info(void)
{
	static const struct acpi_info none;

	return &none;
}

void pci_enable_decoding(devid_t id)
{
	decoding_on++;
}

void pci_enable_dma(devid_t id)
{
	dma_on++;
}

static uint32_t reg(uint32_t at)
{
	return regs[at / 4];
}

/* Started once: it can't be ended, on a machine either. */
static void begin(void)
{
	static bool begun;

	hung = false;
	if (begun)
		return;
	begun = true;
	card.bar[0] = (struct pci_bar){ .base = (uint64_t)regs, .bytes = sizeof(regs) };
	regs[0x5400 / 4] = 0x12005452;
	regs[0x5404 / 4] = 0x80005634;
	EXPECT_EQ(igb_pf_poll(0), IGB_PF_NEVER);
	EXPECT_EQ(igb_pf_start(&card, &why), OK);
}

/* Writes a message as VF n and lets the service look; its first word then. */
static uint32_t say(uint32_t n, uint32_t word0, uint32_t word1, uint32_t word2)
{
	uint32_t box = 0x800 + 64 * n;

	regs[box / 4] = word0;
	regs[box / 4 + 1] = word1;
	regs[box / 4 + 2] = word2;
	regs[0xc80 / 4] |= 1u << n;
	igb_pf_poll(now);
	return reg(box);
}

#define RESET_ANSWER 0x80000001u
#define YES(word)    (0xa0000000u | (word))
#define NO(word)     (0x60000000u | (word))

TEST(a_card_that_serves_its_virtual_functions)
{
	begin();
	EXPECT_EQ(reg(0x5818) & 7, 3);                   /* MRQC: VMDq */
	EXPECT_EQ(reg(0x581c) & 0x60000000, 0x60000000); /* no default pool, replication */
	EXPECT_EQ(reg(0x3500), 0x800000ff);              /* loopback, nobody forges addresses */
	EXPECT_EQ(reg(0x2408), 0xffff);                  /* no queue holds up another */
	EXPECT_EQ(reg(0x100) & 2, 2);
	EXPECT_EQ(reg(0x400) & 2, 2);
	EXPECT_EQ(reg(0x18) & 0x4000, 0x4000); /* PFRSTD */
	EXPECT_EQ(reg(0x1514) & 0x10, 0x10);   /* an MSI-X vector for each */
	EXPECT_EQ(reg(0x150c), ~0u);
	EXPECT_EQ(reg(0x1528), ~0u);
	EXPECT_EQ(reg(0xc8c) | reg(0xc90), 0); /* nobody receives or sends yet */
	EXPECT_EQ(reg(0x20), 1u << 26 | 1 << 21 | 0x1200);
	EXPECT(dma_on == 1 && decoding_on == 1);
}

TEST(who_is_not_there_gets_nothing)
{
	begin();
	EXPECT_EQ(say(1, 2, 0x11111102, 0x2222), 0x40000002);
	EXPECT_EQ(say(1, 0x10003, 5, 0), 0x40010003);
	EXPECT_EQ(reg(0x5200), 0);
}

TEST(reset_gives_an_address_and_opens_the_pool)
{
	begin();
	EXPECT_EQ(say(0, 1, 0, 0), RESET_ANSWER);
	EXPECT_EQ(reg(0x804), 0x12005552); /* 52:55:00:12:34:56 */
	EXPECT_EQ(reg(0x808), 0x5634);
	EXPECT_EQ(reg(0x5408), 0x12005552);
	EXPECT_EQ(reg(0x540c), 0x80045634); /* valid, pool 0 */
	EXPECT_EQ(reg(0xc8c), 1);
	EXPECT_EQ(reg(0xc90), 1);
	EXPECT_EQ(reg(0x5ad0), 0x890005f2);
	EXPECT_EQ(reg(0xc80), 0);
	EXPECT_EQ(reg(0xc00) & 8, 0); /* the mailbox is free again, answered and acknowledged */
	EXPECT_EQ(reg(0xc00) & 3, 3);
	EXPECT_EQ(say(1, 1, 0, 0), RESET_ANSWER);
	EXPECT_EQ(reg(0x5414), 0x80085634);
	EXPECT_EQ(reg(0xc8c), 3);
}

TEST(addresses)
{
	begin();
	say(0, 1, 0, 0);
	say(1, 1, 0, 0);
	EXPECT_EQ(say(0, 2, 0x33221102, 0x5544), YES(2));
	EXPECT_EQ(reg(0x5408), 0x33221102);
	EXPECT_EQ(reg(0x540c), 0x80045544);
	EXPECT_EQ(say(1, 2, 0x33221102, 0x5544), NO(2)); /* VF 0's */
	EXPECT_EQ(say(1, 2, 0x12005552, 0x5634), NO(2)); /* the one that VF 0 was given */
	EXPECT_EQ(say(1, 2, 0x12005752, 0x5634), NO(2)); /* that of VF 2, which nobody uses yet */
	EXPECT_EQ(say(1, 2, 0x12005452, 0x5634), NO(2)); /* the card's */
	EXPECT_EQ(say(1, 2, 0x33221103, 0x5544), NO(2)); /* multicast */
	EXPECT_EQ(say(1, 2, 0, 0), NO(2));
	EXPECT_EQ(reg(0x5410), 0x12005652);
	EXPECT_EQ(say(1, 0x10002, 0, 0), YES(0x10002)); /* no more addresses: there are none */
	EXPECT_EQ(say(1, 0x20002, 0x33221104, 0x5544), NO(0x20002));
}

TEST(multicast_vlan_length)
{
	begin();
	say(0, 1, 0, 0);
	say(1, 1, 0, 0);
	EXPECT_EQ(say(0, 0x20003, 0x0fff0021, 0), YES(0x20003));
	EXPECT_EQ(reg(0x5204), 2);
	EXPECT_EQ(reg(0x53fc), 0x80000000);
	EXPECT_EQ(reg(0x5ad0) & 1u << 25, 1u << 25);
	EXPECT_EQ(reg(0x5ad4) & 1u << 25, 0);
	EXPECT_EQ(say(1, 0x1f0003, 0, 0), NO(0x1f0003)); /* 31 hashes */
	EXPECT_EQ(say(1, 0xff0003, 0, 0), NO(0xff0003));
	EXPECT_EQ(say(0, 0x3, 0, 0), YES(3));
	EXPECT_EQ(reg(0x5204), 0);
	EXPECT_EQ(say(0, 0x10004, 7, 0), NO(0x10004));
	EXPECT_EQ(say(0, 6, 0, 0), NO(6));
	EXPECT_EQ(say(0, 5, 9000, 0), YES(5));
	EXPECT_EQ(reg(0x5ad0) & 0x13fff, 0x10000 + 9000);
	EXPECT_EQ(say(0, 5, 9729, 0), NO(5));
	EXPECT_EQ(say(0, 5, 63, 0), NO(5));
	EXPECT_EQ(say(0, 0xffffffff, 0, 0), NO(0xffffff));
	EXPECT_EQ(reg(0x5ad4) & 0x3fff, 1522);
}

TEST(a_new_owner_finds_nothing_of_the_last)
{
	begin();
	say(0, 1, 0, 0);
	say(1, 1, 0, 0);
	say(0, 2, 0x33221102, 0x5544);
	say(0, 0x10003, 0x21, 0);
	say(0, 5, 9000, 0);
	regs[0xc88 / 4] = 1;
	igb_pf_poll(now);
	EXPECT_EQ(reg(0xc88), 0);
	EXPECT_EQ(reg(0xc8c), 2);
	EXPECT_EQ(reg(0xc90), 2);
	EXPECT_EQ(reg(0x5408), 0x12005552);
	EXPECT_EQ(reg(0x5204), 0);
	EXPECT_EQ(reg(0x5ad0), 0x890005f2);
	EXPECT_EQ(say(0, 5, 9000, 0), 0x40000005);
}

TEST(a_mailbox_that_its_owner_keeps)
{
	begin();
	say(0, 1, 0, 0);
	interrupts_to_vf = 0;
	regs[0xc04 / 4] |= 4;
	EXPECT_EQ(say(1, 1, 0, 0), 1); /* not answered, and still wanted */
	EXPECT_EQ(reg(0xc80), 2);
	EXPECT_EQ(say(0, 1, 0, 0), RESET_ANSWER);
	EXPECT_EQ(interrupts_to_vf, 1);
	regs[0xc04 / 4] = 0;
	igb_pf_poll(now);
	EXPECT_EQ(reg(0x840), RESET_ANSWER);
}

TEST(looks_more_often_while_somebody_talks)
{
	begin();
	now += clock_us_to_ticks(6000000);
	regs[0xc80 / 4] = 0;
	EXPECT_EQ(igb_pf_poll(now), 250000);
	regs[0xc80 / 4] = 1;
	regs[0x800 / 4] = 1;
	EXPECT_EQ(igb_pf_poll(now), 10000);
	EXPECT_EQ(igb_pf_poll(now), 10000);
	now += clock_us_to_ticks(5000000);
	EXPECT_EQ(igb_pf_poll(now), 250000);
	regs[0xc80 / 4] = 0x30000; /* answers that were read */
	igb_pf_poll(now);
	EXPECT_EQ(reg(0xc80), 0);
	regs[0xc80 / 4] = regs[0xc88 / 4] = ~0u; /* the card has gone */
	EXPECT_EQ(igb_pf_poll(now + clock_us_to_ticks(5000000)), 250000);
	EXPECT_EQ(reg(0xc80), ~0u);
	regs[0xc80 / 4] = regs[0xc88 / 4] = 0;
}

TEST(cards_that_it_does_not_serve)
{
	struct pci_device other = card;

	begin();
	other.device = 0x1521;
	EXPECT_EQ(igb_pf_start(&other, &why), ERR_UNFIT);
	other = card;
	other.vf_count = 9;
	EXPECT_EQ(igb_pf_start(&other, &why), ERR_UNFIT);
	other = card;
	other.bar[0].bytes = 0x10000;
	EXPECT_EQ(igb_pf_start(&other, &why), ERR_UNFIT);
	hung = true;
	EXPECT_EQ(igb_pf_start(&card, &why), ERR_TIMEOUT);
	EXPECT(dma_on == 1);
}
