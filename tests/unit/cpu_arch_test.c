/* SPDX-License-Identifier: MIT */
/* sources: vmm/cpu_arch.c */
#include "test.h"
#include "cpu_arch.h"
#include "cpu.h"
#include "trap.h"
#include "hw/sim.h"

static struct cpu cpu = { .index = 3 };
static uint64_t efer, pat, gs_base, gdt[5], gdt_at;
static const uint8_t *tss;
static bool xsave;
static unsigned idt_loads, flushes;

void trap_init_cpu(void)
{
	idt_loads++;
}

void sim_wrmsr(uint32_t msr, uint64_t v)
{
	if (msr == 0xc0000080)
		efer = v;
	if (msr == 0x277)
		pat = v;
	if (msr == 0xc0000101)
		gs_base = v;
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	(void)subleaf;
	memset(out, 0, 16);
	if (leaf == 1)
		out[2] = (uint32_t)xsave << 26;
}

void sim_load_gdt(uint64_t base, uint16_t last_byte, uint16_t code, uint16_t data, uint16_t task)
{
	EXPECT_EQ(last_byte, 39);
	EXPECT_EQ(code, 8);
	EXPECT_EQ(data, 0x10);
	EXPECT_EQ(task, 0x18);
	gdt_at = base;
	memcpy(gdt, (const void *)base, sizeof(gdt));
	tss = (const uint8_t *)((gdt[3] >> 16 & 0xffffff) | gdt[3] >> 56 << 24 | gdt[4] << 32);
}

void sim_invlpg(const void *page)
{
	EXPECT(page == cpu_stack_top(3) - 0x5000);
	flushes++;
}

/* Tables that map the guard page of CPU 3, by 4 KiB or by 2 MiB. */
static uint64_t level[4][512] __attribute__((aligned(4096)));

static uint64_t *guard_entry(void)
{
	return &level[3][(uint64_t)(cpu_stack_top(3) - 0x5000) >> 12 & 511];
}

static void map_guard(void)
{
	uint64_t virt = (uint64_t)cpu_stack_top(3) - 0x5000;

	memset(level, 0, sizeof(level));
	for (unsigned i = 0; i < 3; i++)
		level[i][virt >> (39 - 9 * i) & 511] = (uint64_t)level[i + 1] | 3;
	*guard_entry() = 0x8000000012345003;
	level[0][0] |= 1;
	sim_cr[3] = (uint64_t)level[0];
}

TEST(registers)
{
	map_guard();
	xsave = true;
	sim_cr[0] = sim_cr[4] = ~0ull;
	cpu_arch_init(&cpu);
	EXPECT_EQ(sim_cr[0], 0x80010033);
	EXPECT_EQ(sim_cr[4], 0x406e0);
	EXPECT_EQ(efer, 0xd00);
	EXPECT_EQ(pat, 0x0007040600070406);
	EXPECT_EQ(gs_base, (uint64_t)&cpu);
	EXPECT_EQ(idt_loads, 1);
	xsave = false;
	cpu_arch_init(&cpu);
	EXPECT_EQ(sim_cr[4], 0x6e0);
}

TEST(descriptors)
{
	uint64_t ist[3];

	map_guard();
	cpu_arch_init(&cpu);
	EXPECT_EQ(gdt[0], 0);
	EXPECT_EQ(gdt[1], 0x00af9b000000ffff);
	EXPECT_EQ(gdt[2], 0x00cf93000000ffff);
	EXPECT_EQ(gdt[3] & 0x00ffff000000ffff, 0x0000890000000067);
	EXPECT(tss == (const uint8_t *)gdt_at + 40);
	memcpy(ist, tss + 36, sizeof(ist));
	EXPECT_EQ(ist[0], (uint64_t)cpu_stack_top(3) + 0x1000);
	EXPECT_EQ(ist[1], (uint64_t)cpu_stack_top(3) + 0x2000);
	EXPECT_EQ(ist[2], (uint64_t)cpu_stack_top(3) + 0x3000);
	EXPECT_EQ(tss[102] | tss[103] << 8, 104);
}

TEST(the_guard_page)
{
	map_guard();
	flushes = 0;
	cpu_arch_init(&cpu);
	EXPECT_EQ(*guard_entry(), 0);
	EXPECT_EQ(flushes, 1);
	/* Inside a large page it can't be taken out alone. */
	map_guard();
	uint64_t *large = &level[2][(uint64_t)(cpu_stack_top(3) - 0x5000) >> 21 & 511];

	*large |= 0x80;
	uint64_t before = *large;

	cpu_arch_init(&cpu);
	EXPECT_EQ(*large, before);
	EXPECT_EQ(*guard_entry(), 0x8000000012345003);
}

TEST(no_identity_map)
{
	map_guard();
	cpu_drop_identity_map();
	EXPECT_EQ(level[0][0], 0);
}

TEST(where_a_pointer_is_on_the_stacks)
{
	uint8_t *top = cpu_stack_top(3);

	EXPECT_EQ(cpu_stack_bytes_above(3, top - 16), 16 + 0x3000);
	EXPECT_EQ(cpu_stack_bytes_above(3, top - 0x4000), 0x7000);
	EXPECT_EQ(cpu_stack_bytes_above(3, top - 0x4001), 0);
	EXPECT_EQ(cpu_stack_bytes_above(3, top + 0x3000), 0);
	EXPECT_EQ(cpu_stack_bytes_above(2, top), 0);
}
