/* SPDX-License-Identifier: MIT */
/*
 * A small IOMMU for the unit tests of iommu/: registers with the semantics that the code relies on
 * (status bits W1C, run bits that follow the control register, completion waits done at a write of
 * the tail), a record of every register write and every command, and knobs that break it. Literal
 * offsets and bits throughout: it knows nothing of iommu/regs.h.
 */
#ifndef IOMMU_FAKE_H
#define IOMMU_FAKE_H

#include <hw/sim.h>
#include "base/types.h"
#include "drivers/clock.h"
#include "iommu/iommu.h"
#include "page.h"
#include "test.h"

#define FAKE_UNITS    2
#define FAKE_COMMANDS 512
#define FAKE_WRITES   512
#define FAKE_PAGES    4096

struct fake_unit {
	uint8_t regs[0x4000] __attribute__((aligned(4096)));
	uint64_t command[FAKE_COMMANDS][2];
	uint32_t command_count; /* also those beyond the record */
	struct {
		uint32_t offset;
		uint64_t value;
	} write[FAKE_WRITES];
	uint32_t write_count, read_count;
	bool silent;         /* completions are never stored */
	uint64_t stuck;      /* run bits that never go away */
	uint64_t lame;       /* run bits that never come up */
	uint8_t config[256]; /* of its PCI function */
};

static struct fake_unit fake[FAKE_UNITS];
static uint8_t fake_pool[FAKE_PAGES][4096] __attribute__((aligned(4096)));
static size_t fake_pages_used, fake_pages_limit = FAKE_PAGES;
static uint32_t fake_pages_freed;
/* Called at every crossing of the seam. */
static void (*fake_hook)(void);

static inline uint64_t fake_get(const struct fake_unit *f, uint32_t offset)
{
	uint64_t v;

	memcpy(&v, f->regs + offset, 8);
	return v;
}

static inline void fake_set(struct fake_unit *f, uint32_t offset, uint64_t v)
{
	memcpy(f->regs + offset, &v, 8);
}

static inline void fake_reset(void)
{
	memset(fake, 0, sizeof(fake));
	memset(fake_pool, 0, fake_pages_used * 4096);
	fake_pages_used = 0;
	fake_pages_limit = FAKE_PAGES;
	fake_pages_freed = 0;
	fake_hook = NULL;
}

phys_t page_alloc(size_t count, size_t align_pages)
{
	size_t at = ALIGN_UP(fake_pages_used, align_pages);

	if (at + count > fake_pages_limit)
		return PHYS_NONE;
	fake_pages_used = at + count;
	return PHYS((uint64_t)fake_pool[at]);
}

void page_free(phys_t base, size_t count)
{
	(void)base;
	fake_pages_freed += (uint32_t)count;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

static struct fake_unit *fake_of(const volatile void *p, uint32_t *offset)
{
	for (unsigned i = 0; i < FAKE_UNITS; i++) {
		uint64_t at = (uint64_t)p - (uint64_t)fake[i].regs;

		if (at < sizeof(fake[i].regs)) {
			*offset = (uint32_t)at;
			return &fake[i];
		}
	}
	printf("access outside of the registers\n");
	abort();
}

static void fake_command(struct fake_unit *f, const uint64_t q[2])
{
	if (f->command_count < FAKE_COMMANDS)
		memcpy(f->command[f->command_count], q, 16);
	f->command_count++;
	if (q[0] >> 60 == 1 && q[0] & 1 && !f->silent)
		*(uint64_t *)(q[0] & 0x000ffffffffffff8ull) = q[1];
}

static void fake_commands(struct fake_unit *f)
{
	uint64_t base = fake_get(f, 0x0008);
	uint64_t ring = base & 0x000ffffffffff000ull, bytes = 16ull << (base >> 56 & 15);

	if (!(fake_get(f, 0x0018) & 1 << 12))
		return;
	while (fake_get(f, 0x2000) != fake_get(f, 0x2008)) {
		fake_command(f, (uint64_t *)(ring + fake_get(f, 0x2000)));
		fake_set(f, 0x2000, (fake_get(f, 0x2000) + 16) % bytes);
	}
}

/* CmdBufRun 4, EventLogRun 3, GALogRun 8 follow their enables, except an overflowed GA log. */
static void fake_control(struct fake_unit *f, uint64_t control)
{
	uint64_t run =
		(control >> 12 & 1) << 4 | (control >> 2 & 1) << 3 | (control >> 28 & 1) << 8;

	fake_set(f, 0x0018, control);
	fake_set(f, 0x2020, (fake_get(f, 0x2020) & ~0x118ull) | (run & ~f->lame) | f->stuck);
}

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	uint32_t offset;
	struct fake_unit *f = fake_of(p, &offset);

	EXPECT(bytes == 8 && offset % 8 == 0);
	f->read_count++;
	return fake_get(f, offset);
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	uint32_t offset;
	struct fake_unit *f = fake_of(p, &offset);

	EXPECT(bytes == 8 && offset % 8 == 0);
	if (f->write_count < FAKE_WRITES) {
		f->write[f->write_count].offset = offset;
		f->write[f->write_count].value = v;
	}
	f->write_count++;
	if (offset == 0x2020) {
		fake_set(f, offset, fake_get(f, offset) & ~(v & 0x6647ull));
		return;
	}
	if (offset == 0x0018) {
		fake_control(f, v);
		return;
	}
	fake_set(f, offset, v);
	if (offset == 0x2008)
		fake_commands(f);
}

void sim_point(void)
{
	void (*hook)(void) = fake_hook;

	if (!hook)
		return;
	fake_hook = NULL; /* what the hook does itself isn't a crossing */
	hook();
	fake_hook = hook;
}

/* The last write to a register, and how many there were. */
static inline uint32_t fake_writes(const struct fake_unit *f, uint32_t offset, uint64_t *last)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < f->write_count && i < FAKE_WRITES; i++) {
		if (f->write[i].offset != offset)
			continue;
		count++;
		*last = f->write[i].value;
	}
	return count;
}

#endif
