/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the AVIC model asks of its host: the machine's memory, doorbells, records. */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "avic_glue_internal.h"
#include "stopwatch.h"

static uint64_t random_state;

void avic_host_seed(uint32_t seed)
{
	random_state = 0x9e3779b97f4a7c15ull ^ seed;
}

static uint32_t host_random(void *opaque, uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 32) % n;
}

static bool host_read(void *opaque, uint64_t addr, void *buf, size_t bytes)
{
	return address_space_read(
		       &address_space_memory, addr, MEMTXATTRS_UNSPECIFIED, buf, bytes) == MEMTX_OK;
}

static bool host_write(void *opaque, uint64_t addr, const void *buf, size_t bytes)
{
	return address_space_write(
		       &address_space_memory, addr, MEMTXATTRS_UNSPECIFIED, buf, bytes) == MEMTX_OK;
}

/* Atomics need the word itself: RAM only. The caller holds the RCU read lock. */
static void *ram_word(uint64_t addr, unsigned bytes, MemoryRegion **mr, hwaddr *offset)
{
	hwaddr length = bytes;

	*mr = address_space_translate(
		&address_space_memory, addr, offset, &length, true, MEMTXATTRS_UNSPECIFIED);
	if (length < bytes || addr % bytes ||
		!memory_access_is_direct(*mr, true, MEMTXATTRS_UNSPECIFIED))
		return NULL;
	return qemu_map_ram_ptr((*mr)->ram_block, *offset);
}

static bool host_load64(void *opaque, uint64_t addr, uint64_t *value)
{
	RCU_READ_LOCK_GUARD();
	MemoryRegion *mr;
	hwaddr offset;
	uint64_t *word = ram_word(addr, 8, &mr, &offset);

	if (!word)
		return false;
	smp_mb();
	*value = qatomic_read(word);
	return true;
}

static bool host_or32(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old)
{
	RCU_READ_LOCK_GUARD();
	MemoryRegion *mr;
	hwaddr offset;
	uint32_t *word = ram_word(addr, 4, &mr, &offset);

	if (!word)
		return false;
	*old = qatomic_fetch_or(word, bits);
	memory_region_set_dirty(mr, offset, 4);
	return true;
}

static bool host_and32(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old)
{
	RCU_READ_LOCK_GUARD();
	MemoryRegion *mr;
	hwaddr offset;
	uint32_t *word = ram_word(addr, 4, &mr, &offset);

	if (!word)
		return false;
	*old = qatomic_fetch_and(word, bits);
	memory_region_set_dirty(mr, offset, 4);
	return true;
}

static void host_doorbell(void *opaque, uint32_t apicid)
{
	avic_glue_ring(apicid);
}

static void host_stopwatch(
	void *opaque, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c)
{
	sw_record(current_cpu, kind, x, a, b, c);
}

static void G_GNUC_PRINTF(2, 3) host_strict(void *opaque, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	reveille_vstrict(fmt, args);
	va_end(args);
}

const struct model_host avic_host = {
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
