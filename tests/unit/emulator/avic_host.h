/* SPDX-License-Identifier: MIT */
/*
 * A machine for the AVIC model's tests: one megabyte of memory, a log of doorbells and
 * of strict errors, and two vCPUs with their tables laid out as hardware wants them.
 */
#ifndef AVIC_HOST_H
#define AVIC_HOST_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "avic.h"

#define RAM_BYTES  0x100000u
#define LOGICAL    0x10000u
#define PHYSICAL   0x20000u
#define PAGE(n)    (0x40000u + (n)*0x1000u) /* backing page of vCPU n */
#define HOST_ID(n) (0x80u + (n))            /* physical APIC ID of its core */
#define BAR        0xfee00000u

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static uint32_t doorbells[1024];
static unsigned doorbell_count;
static unsigned strict_count;
static char strict_text[256];
static unsigned virq_count;
static uint32_t random_next;
static void (*before_load64)(uint64_t addr);

static unsigned passed, failed;

#define EXPECT(what)                                                                               \
	do {                                                                                       \
		if (what) {                                                                        \
			passed++;                                                                  \
		} else {                                                                           \
			failed++;                                                                  \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #what);                          \
		}                                                                                  \
	} while (0)

#define EXPECT_EQ(got, want)                                                                       \
	do {                                                                                       \
		unsigned long long got_ = (got), want_ = (want);                                   \
		if (got_ == want_) {                                                               \
			passed++;                                                                  \
		} else {                                                                           \
			failed++;                                                                  \
			printf("%s:%d: %s is %llx, not %llx\n", __FILE__, __LINE__, #got, got_,    \
				want_);                                                            \
		}                                                                                  \
	} while (0)

static int summary(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

static bool in_ram(uint64_t addr, size_t bytes)
{
	return addr < RAM_BYTES && bytes <= RAM_BYTES - addr;
}

static bool host_read(void *opaque, uint64_t addr, void *buf, size_t bytes)
{
	(void)opaque;
	if (!in_ram(addr, bytes))
		return false;
	memcpy(buf, ram + addr, bytes);
	return true;
}

static bool host_write(void *opaque, uint64_t addr, const void *buf, size_t bytes)
{
	(void)opaque;
	if (!in_ram(addr, bytes))
		return false;
	memcpy(ram + addr, buf, bytes);
	return true;
}

static bool host_load64(void *opaque, uint64_t addr, uint64_t *value)
{
	if (before_load64)
		before_load64(addr);
	return host_read(opaque, addr, value, 8);
}

static bool host_or32(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old)
{
	uint32_t word;

	if (!host_read(opaque, addr, old, 4))
		return false;
	word = *old | bits;
	return host_write(opaque, addr, &word, 4);
}

static bool host_and32(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old)
{
	uint32_t word;

	if (!host_read(opaque, addr, old, 4))
		return false;
	word = *old & bits;
	return host_write(opaque, addr, &word, 4);
}

static void host_doorbell(void *opaque, uint32_t apicid)
{
	(void)opaque;
	if (doorbell_count < 1024)
		doorbells[doorbell_count++] = apicid;
}

__attribute__((format(printf, 2, 3))) static void host_strict(void *opaque, const char *fmt, ...)
{
	va_list ap;

	(void)opaque;
	va_start(ap, fmt);
	vsnprintf(strict_text, sizeof(strict_text), fmt, ap);
	va_end(ap);
	strict_count++;
}

static void host_stopwatch(
	void *opaque, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c)
{
	(void)opaque, (void)x, (void)a, (void)b, (void)c;
	virq_count += kind == SW_VIRQ;
}

static uint32_t host_random(void *opaque, uint32_t n)
{
	(void)opaque;
	return random_next % n;
}

static const struct model_host host = {
	.read = host_read,
	.write = host_write,
	.load64 = host_load64,
	.or32 = host_or32,
	.and32 = host_and32,
	.doorbell = host_doorbell,
	.strict = host_strict,
	.stopwatch = host_stopwatch,
	.random = host_random,
};

static struct avic_machine machine;
static struct avic_core core; /* runs vCPU 0 on the core with HOST_ID(0) */
static struct avic_vmcb vmcb;

static inline uint32_t get32(uint64_t addr)
{
	uint32_t value;

	memcpy(&value, ram + addr, 4);
	return value;
}

static inline void put32(uint64_t addr, uint32_t value)
{
	memcpy(ram + addr, &value, 4);
}

static inline void put64(uint64_t addr, uint64_t value)
{
	memcpy(ram + addr, &value, 8);
}

/* vCPU n into the physical table; running says whether IsRunning is set. */
static inline void put_entry(unsigned index, unsigned n, bool running)
{
	put64(PHYSICAL + index * 8, 0x8000000000000000ull | (running ? 0x4000000000000000ull : 0) |
					    PAGE(n) | HOST_ID(n));
}

static inline bool vector_set(unsigned n, unsigned base, unsigned vector)
{
	return get32(PAGE(n) + base + vector / 32 * 16) >> vector % 32 & 1;
}

static inline void set_vector(unsigned n, unsigned base, unsigned vector)
{
	uint64_t addr = PAGE(n) + base + vector / 32 * 16;

	put32(addr, get32(addr) | 1u << vector % 32);
}

/* A clean machine; vCPU 0 has physical ID 0 and runs. */
static inline void start(bool x2)
{
	memset(ram, 0, sizeof(ram));
	memset(&machine, 0, sizeof(machine));
	machine.host = &host;
	machine.opt = (struct avic_options){ .phys_bits = 40, .x2_broadcast = true };
	core = (struct avic_core){ .machine = &machine, .apicid = HOST_ID(0) };
	doorbell_count = strict_count = virq_count = 0;
	random_next = 0;
	before_load64 = NULL;
	put_entry(0, 0, true);
	put32(PAGE(0) + 0xe0, 0xffffffff);
	vmcb = (struct avic_vmcb){
		.addr = 0x5000,
		.int_ctl = 0x81000000ull | (x2 ? 0x40000000ull : 0),
		.np_enable = true,
		.apic_bar = x2 ? 0 : BAR,
		.backing = PAGE(0),
		.logical = x2 ? 0 : LOGICAL,
		.physical = PHYSICAL | (x2 ? 511 : 254),
	};
	EXPECT(avic_vmrun(&core, &vmcb));
	EXPECT(core.on);
	EXPECT_EQ(strict_count, 0);
}

#endif
