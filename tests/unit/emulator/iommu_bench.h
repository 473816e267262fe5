/* SPDX-License-Identifier: MIT */
/* An IOMMU model on a bench: 2 MB of memory, and a host that writes down what it is asked. */
#ifndef IOMMU_BENCH_H
#define IOMMU_BENCH_H

#include <stdarg.h>
#include "../test.h"
#include "iommu.h"

#define RAM     0x100000ull
#define RAM_END 0x300000ull
#define DEVTAB  0x100000ull /* 8 KB: device IDs 0 to 255 */
#define CMDBUF  0x110000ull
#define EVTLOG  0x111000ull
#define GALOG   0x112000ull
#define GATAIL  0x122000ull
#define IRT     0x128000ull
#define VAPIC   0x130000ull
#define STORE   0x131000ull
#define TABLES  0x140000ull
#define DEV     0x0010u /* 00:02.0 */

struct seen_irq {
	unsigned count;
	uint32_t dest;
	bool logical;
	unsigned mode;
	bool level;
	uint8_t vector;
};

struct bench {
	struct iommu_config cfg;
	struct iommu *u;
	uint8_t ram[RAM_END - RAM] __attribute__((aligned(16)));
	struct seen_irq irq;
	unsigned msi_count, doorbells, unmaps, laters, records[16];
	uint64_t msi_addr;
	uint32_t msi_data, doorbell_dest;
	unsigned strict;
	char why[256];
	uint32_t next_random;
	unsigned events; /* popped so far */
	/* Called between the OR of an IRR bit and what follows. */
	void (*after_or)(void);
};

static struct bench b;

static void *at(uint64_t addr, size_t bytes)
{
	return addr >= RAM && addr + bytes <= RAM_END ? b.ram + (addr - RAM) : NULL;
}

static bool bench_read(void *o, uint64_t addr, void *buf, size_t bytes)
{
	(void)o;
	return at(addr, bytes) && memcpy(buf, at(addr, bytes), bytes);
}

static bool bench_write(void *o, uint64_t addr, const void *buf, size_t bytes)
{
	(void)o;
	return at(addr, bytes) && memcpy(at(addr, bytes), buf, bytes);
}

static bool bench_load64(void *o, uint64_t addr, uint64_t *value)
{
	return bench_read(o, addr, value, 8);
}

static bool bench_load128(void *o, uint64_t addr, uint64_t value[2])
{
	return bench_read(o, addr, value, 16);
}

static bool bench_or32(void *o, uint64_t addr, uint32_t bits, uint32_t *old)
{
	uint32_t now;

	if (!bench_read(o, addr, old, 4))
		return false;
	now = *old | bits;
	bench_write(o, addr, &now, 4);
	if (b.after_or)
		b.after_or();
	return true;
}

static void bench_interrupt(
	void *o, uint32_t dest, bool logical, unsigned mode, bool level, uint8_t vector)
{
	(void)o;
	b.irq = (struct seen_irq){ b.irq.count + 1, dest, logical, mode, level, vector };
}

static void bench_msi(void *o, uint64_t address, uint32_t data)
{
	(void)o;
	b.msi_count++;
	b.msi_addr = address;
	b.msi_data = data;
}

static void bench_doorbell(void *o, uint32_t apicid)
{
	(void)o;
	b.doorbells++;
	b.doorbell_dest = apicid;
}

static void bench_strict(void *o, const char *fmt, ...)
{
	va_list args;

	(void)o;
	b.strict++;
	va_start(args, fmt);
	vsnprintf(b.why, sizeof(b.why), fmt, args);
	va_end(args);
}

static void bench_stopwatch(
	void *o, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t q, uint64_t c)
{
	(void)o, (void)x, (void)a, (void)q, (void)c;
	b.records[kind]++;
}

static uint32_t bench_random(void *o, uint32_t n)
{
	(void)o;
	return b.next_random % n;
}

static void bench_later(void *o, uint32_t ns)
{
	(void)o, (void)ns;
	b.laters++;
}

static void bench_unmap(void *o, uint64_t first, uint64_t last)
{
	(void)o, (void)first, (void)last;
	b.unmaps++;
}

static inline uint64_t rd(uint32_t offset)
{
	return iommu_mmio_read(b.u, offset, 8);
}

static inline void wr(uint32_t offset, uint64_t value)
{
	iommu_mmio_write(b.u, offset, value, 8);
}

static inline void put64(uint64_t addr, uint64_t value)
{
	memcpy(at(addr, 8), &value, 8);
}

static inline uint64_t get64(uint64_t addr)
{
	uint64_t value;

	memcpy(&value, at(addr, 8), 8);
	return value;
}

static inline uint32_t get32(uint64_t addr)
{
	return (uint32_t)get64(addr);
}

static inline void put_dte(uint16_t id, uint64_t q0, uint64_t q1, uint64_t q2, uint64_t q3)
{
	put64(DEVTAB + id * 32u, q0);
	put64(DEVTAB + id * 32u + 8, q1);
	put64(DEVTAB + id * 32u + 16, q2);
	put64(DEVTAB + id * 32u + 24, q3);
}

static inline void put_irte(unsigned index, uint64_t lo, uint64_t hi)
{
	put64(IRT + index * 16, lo);
	put64(IRT + index * 16 + 8, hi);
}

/* A command at the tail, in a ring of 256. */
static inline void cmd(uint64_t q0, uint64_t q1)
{
	uint64_t tail = rd(0x2008);

	put64(CMDBUF + tail, q0);
	put64(CMDBUF + tail + 8, q1);
	wr(0x2008, (tail + 16) & 0xfff);
}

/* The next unread event's words; false: none. */
static inline bool event(uint64_t *q0, uint64_t *q1)
{
	uint64_t head = rd(0x2010);

	if (head == rd(0x2018))
		return false;
	*q0 = get64(EVTLOG + head);
	*q1 = get64(EVTLOG + head + 8);
	wr(0x2010, (head + 16) & 0xfff);
	return true;
}

#define EXPECT_EVENT(want0, want1)                                                                 \
	do {                                                                                       \
		uint64_t e0_ = 0, e1_ = 0;                                                         \
		EXPECT(event(&e0_, &e1_));                                                         \
		EXPECT_EQ(e0_, want0);                                                             \
		EXPECT_EQ(e1_, want1);                                                             \
	} while (0)

#define EXPECT_NO_EVENT() EXPECT_EQ(rd(0x2010), rd(0x2018))

/* Something was reported, or nothing was; and starts afresh. */
#define EXPECT_STRICT(n)                                                                           \
	do {                                                                                       \
		EXPECT_EQ(b.strict, n);                                                            \
		if (b.strict != (n))                                                               \
			printf("  last: %s\n", b.why);                                             \
		b.strict = 0;                                                                      \
	} while (0)

static inline void bench_open_with(struct iommu_config cfg)
{
	static const struct model_host host = {
		.read = bench_read,
		.write = bench_write,
		.load64 = bench_load64,
		.load128 = bench_load128,
		.or32 = bench_or32,
		.interrupt = bench_interrupt,
		.msi = bench_msi,
		.doorbell = bench_doorbell,
		.strict = bench_strict,
		.stopwatch = bench_stopwatch,
		.random = bench_random,
	};

	memset(&b, 0, sizeof(b));
	cfg.later = bench_later;
	cfg.unmap = bench_unmap;
	b.cfg = cfg;
	b.u = iommu_new(&host, &cfg);
}

static inline struct iommu_config newest(void)
{
	struct iommu_config cfg;

	iommu_config_newest(&cfg);
	return cfg;
}

static inline void bench_open(void)
{
	bench_open_with(newest());
}

/* IommuEn, event log, command buffer, 128-bit IRTEs, guest mode, XT: what a hypervisor has
 * on; extra control bits as given. */
#define RUN_CONTROL (1ull << 0 | 1ull << 2 | 1ull << 12 | 1ull << 17 | 1ull << 25 | 1ull << 50)

static inline void bench_start(uint64_t extra)
{
	wr(0x0000, DEVTAB | 1);
	wr(0x0008, CMDBUF | 8ull << 56);
	wr(0x0010, EVTLOG | 8ull << 56);
	wr(0x00e0, GALOG | 8ull << 56);
	wr(0x00e8, GATAIL);
	wr(0x0018, RUN_CONTROL | extra);
}

static inline void bench_close(void)
{
	EXPECT_STRICT(0);
	iommu_free(b.u);
}

#endif
