/* SPDX-License-Identifier: MIT */
/* sources: vmm/cpu.c */
#include "test.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "drivers/lapic.h"
#include "smp.h"
#include "vectors.h"
#include "hw/sim.h"

static uint32_t sent[64], nmis[64];
static apicid_t others[80];
static uint32_t other_count, boot_limit;
static struct boot_info boot;

apicid_t lapic_id(void)
{
	return 40;
}

void lapic_timer_init(void)
{
}

void lapic_send(apicid_t target, uint8_t vector)
{
	EXPECT_EQ(vector, 0xe1);
	sent[target]++;
}

void lapic_send_nmi(apicid_t target)
{
	nmis[target]++;
}

void cpu_arch_init(struct cpu *cpu)
{
	sim_cpu = cpu;
}

void cpu_drop_identity_map(void)
{
}

/* As smp.c: a slot for each, counted when it runs. */
void smp_start_others(const struct boot_info *info, uint32_t limit)
{
	EXPECT(info == &boot);
	boot_limit = limit;
	for (uint32_t i = 0; i < other_count; i++) {
		struct cpu *cpu = cpu_next_slot(others[i]);

		if (cpu && others[i] != 3) /* this one doesn't come */
			cpu_add(cpu);
	}
}

static void start(uint32_t count)
{
	other_count = count;
	for (uint32_t i = 0; i < count; i++)
		others[i] = i;
	cpu_init_boot();
}

TEST(the_table)
{
	start(6);
	EXPECT_EQ(cpu_count(), 1);
	EXPECT_EQ(cpu_init_all(&boot, 0), 6);
	EXPECT_EQ(boot_limit, 64);
	EXPECT_EQ(cpu_by_index(0)->apicid, 40);
	EXPECT_EQ(cpu_by_index(3)->apicid, 2);
	EXPECT_EQ(cpu_by_index(4)->apicid, 4); /* the slot of the one that didn't come */
	EXPECT_EQ(cpu_by_index(5)->index, 5);
	EXPECT(!cpu_by_index(6));
	EXPECT(cpu_by_apicid(4) == cpu_by_index(4));
	EXPECT(!cpu_by_apicid(3));
	for (uint32_t i = 0; i < 6; i++)
		EXPECT(cpu_by_index(i)->self == cpu_by_index(i));
}

TEST(more_than_the_table_holds)
{
	start(70);
	EXPECT_EQ(cpu_init_all(&boot, 5), 64);
	EXPECT_EQ(boot_limit, 5);
}

TEST(one_kick_until_it_is_taken)
{
	start(3);
	cpu_init_all(&boot, 0);
	memset(sent, 0, sizeof(sent));
	cpu_kick(cpu_by_index(2));
	cpu_kick(cpu_by_index(2));
	EXPECT_EQ(sent[1], 1);
	cpu_by_index(2)->kicked = 0;
	cpu_kick(cpu_by_index(2));
	EXPECT_EQ(sent[1], 2);
}

TEST(vectors)
{
	struct cpu *cpu;
	int owner[2];

	start(2);
	cpu_init_all(&boot, 0);
	cpu = cpu_by_index(1);
	EXPECT_EQ(cpu_vector_alloc(cpu, VECTOR_GAPPI, &owner[0]), 0x30);
	EXPECT_EQ(cpu_vector_alloc(cpu, VECTOR_DEVICE, &owner[1]), 0x31);
	EXPECT(cpu->vectors[0x30].owner == &owner[0]);
	EXPECT_EQ(cpu->vectors[0x31].kind, VECTOR_DEVICE);
	EXPECT_EQ(cpu_vector_alloc(cpu_by_index(0), VECTOR_GAPPI, owner), 0x30);
	cpu_vector_free(cpu, 0x30);
	EXPECT_EQ(cpu->vectors[0x30].kind, VECTOR_FREE);
	EXPECT_EQ(cpu_vector_alloc(cpu, VECTOR_GAPPI, owner), 0x30);
	for (unsigned v = 0x32; v <= 0xcf; v++)
		EXPECT_EQ(cpu_vector_alloc(cpu, VECTOR_GAPPI, owner), v);
	EXPECT_EQ(cpu_vector_alloc(cpu, VECTOR_GAPPI, owner), 0);
	EXPECT_EQ(cpu->vectors[0xd0].kind, VECTOR_FREE);
}

TEST(stopping_the_others)
{
	start(3);
	cpu_init_all(&boot, 0);
	EXPECT(!cpu_stopping());
	cpu_stop_others();
	EXPECT(cpu_stopping());
	EXPECT_EQ(nmis[0] + nmis[1] + nmis[2], 3);
	EXPECT_EQ(nmis[40], 0);
}
