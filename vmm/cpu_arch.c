/* SPDX-License-Identifier: MIT */
#include "cpu_arch.h"
#include "cpu.h"
#include "trap.h"
#include "base/bits.h"
#include <hw/cpu.h>
#include <hw/mem.h>

#define HOST_STACK_BYTES (16 * KIB)

/* The stack grows down into the guard page, which isn't mapped: #PF, and with no stack to take it
 * on, #DF on its own stack, which says so. */
struct cpu_stacks {
	uint8_t guard[PAGE_BYTES];
	uint8_t host[HOST_STACK_BYTES];
	uint8_t nmi[PAGE_BYTES];
	uint8_t double_fault[PAGE_BYTES];
	uint8_t machine_check[PAGE_BYTES];
} __attribute__((aligned(4096)));

/* 24593 rev 3.44, "64-Bit Task State Segment". */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7]; /* ist[0] is IST1 */
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "24593, 64-Bit Task State Segment");

struct descriptors {
	uint64_t gdt[5]; /* null, code, data, TSS (two) */
	struct tss tss;
} __attribute__((aligned(64)));

#define GDT_CODE64    0x00af9b000000ffffull
#define GDT_DATA      0x00cf93000000ffffull
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18
#define TSS_PRESENT   (BIT(47) | 9ull << 40) /* available 64-bit TSS */

#define CR0_WANTED  (BIT(31) | BIT(16) | BIT(5) | BIT(4) | BIT(1) | BIT(0)) /* PG WP NE ET MP PE */
#define CR4_WANTED  (BIT(5) | BIT(6) | BIT(7) | BIT(9) | BIT(10)) /* PAE MCE PGE OSFXSR XMMEXCPT */
#define CR4_OSXSAVE BIT(18)
#define EFER_WANTED (BIT(11) | BIT(10) | BIT(8)) /* NXE LMA LME; SVME is svm_init_cpu()'s */
#define PAT_RESET   0x0007040600070406ull
#define MSR_PAT     0x277
#define MSR_EFER    0xc0000080
#define MSR_GS_BASE 0xc0000101
#define PTE_PRESENT BIT(0)
#define PTE_LARGE   BIT(7)
#define PTE_ADDRESS FIELD(51, 12)

static struct cpu_stacks stacks[CPU_MAX];
static struct descriptors descriptors[CPU_MAX];

uint8_t *const cpu_boot_stack = stacks[0].host + HOST_STACK_BYTES; /* for entry.asm */

uint8_t *cpu_stack_top(uint32_t index)
{
	return stacks[index].host + HOST_STACK_BYTES;
}

size_t cpu_stack_bytes_above(uint32_t index, const void *p)
{
	const uint8_t *at = p, *first = stacks[index].host, *end = (uint8_t *)&stacks[index + 1];

	return at >= first && at < end ? (size_t)(end - at) : 0;
}

static uint64_t *page_entry(uint64_t virt)
{
	uint64_t *table = phys_to_virt(PHYS(hw_read_cr3() & PTE_ADDRESS));

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t e = table[virt >> shift & 511];

		if (!(e & PTE_PRESENT) || e & PTE_LARGE)
			return NULL;
		table = phys_to_virt(PHYS(e & PTE_ADDRESS));
	}
	return &table[virt >> 12 & 511];
}

static void unmap_guard(uint8_t *page)
{
	uint64_t *e = page_entry((uint64_t)page);

	if (e)
		*e = 0;
	hw_invlpg(page);
}

void cpu_drop_identity_map(void)
{
	uint64_t *root = phys_to_virt(PHYS(hw_read_cr3() & PTE_ADDRESS));

	root[0] = 0;
	hw_write_cr3(hw_read_cr3());
}

static void load_descriptors(uint32_t index)
{
	struct descriptors *d = &descriptors[index];
	struct cpu_stacks *s = &stacks[index];
	uint64_t tss = (uint64_t)&d->tss;
	const struct hw_table_pointer gdt = { sizeof(d->gdt) - 1, (uint64_t)d->gdt };

	d->tss.ist[IST_NMI - 1] = (uint64_t)s->nmi + sizeof(s->nmi);
	d->tss.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)s->double_fault + sizeof(s->double_fault);
	d->tss.ist[IST_MACHINE_CHECK - 1] = (uint64_t)s->machine_check + sizeof(s->machine_check);
	d->tss.io_map = sizeof(d->tss); /* none */
	d->gdt[SELECTOR_CODE / 8] = GDT_CODE64;
	d->gdt[SELECTOR_DATA / 8] = GDT_DATA;
	d->gdt[SELECTOR_TSS / 8] = TSS_PRESENT | (sizeof(d->tss) - 1) | (tss & 0xffffff) << 16 |
				   (tss >> 24 & 0xff) << 56;
	d->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	hw_load_gdt(&gdt, SELECTOR_CODE, SELECTOR_DATA, SELECTOR_TSS);
}

void cpu_arch_init(struct cpu *cpu)
{
	bool xsave = hw_cpuid(1, 0).ecx >> 26 & 1;

	/* Firmware leaves CR0 and CR4 as it likes, and the next CPU otherwise: all get the same. */
	hw_write_cr0(CR0_WANTED);
	hw_write_cr4(CR4_WANTED | (xsave ? CR4_OSXSAVE : 0));
	hw_wrmsr(MSR_EFER, EFER_WANTED);
	hw_wrmsr(MSR_PAT, PAT_RESET);
	load_descriptors(cpu->index);
	trap_init_cpu();
	hw_wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	unmap_guard(stacks[cpu->index].guard);
}
