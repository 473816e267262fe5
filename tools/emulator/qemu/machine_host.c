/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the models ask of their host: the machine's memory, its interrupts, the stopwatch.
 * The core's model and the IOMMU's share it; how each rings, and its chances, are their own.
 */
#include "qemu/osdep.h"
#include "qemu/atomic128.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "hw/core/cpu.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "hw/pci/msi.h"
#include "machine_host.h"
#include "stopwatch.h"
#include "strict.h"

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

static bool host_load128(void *opaque, uint64_t addr, uint64_t value[2])
{
	RCU_READ_LOCK_GUARD();
	MemoryRegion *mr;
	hwaddr offset;
	Int128 *word = ram_word(addr, 16, &mr, &offset);

	if (!word)
		return false;
	smp_mb();
#if defined(CONFIG_ATOMIC128) || HAVE_CMPXCHG128
	Int128 both = HAVE_ATOMIC128_RO ? atomic16_read_ro(word) : atomic16_read_rw(word);

	value[0] = int128_getlo(both);
	value[1] = int128_gethi(both);
#else
	value[0] = qatomic_read((uint64_t *)word);
	smp_rmb();
	value[1] = qatomic_read((uint64_t *)word + 1);
#endif
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

static void host_msi(void *opaque, uint64_t address, uint32_t data)
{
	MSIMessage msg = { .address = address, .data = data };

	apic_get_class(NULL)->send_msi(&msg);
}

/* QEMU's APIC takes bits 31:8 of a destination from address bits 63:40. */
static void host_interrupt(void *opaque, uint32_t dest, bool logical, unsigned delivery_mode,
	bool level, uint8_t vector)
{
	uint64_t address = 0xfee00000 | (dest & 0xffu) << 12 | (logical ? 4 : 0) |
			   (uint64_t)(dest & ~0xffu) << 32;

	host_msi(opaque, address, vector | delivery_mode << 8 | (level ? 0xc000 : 0));
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

uint64_t machine_seed(uint32_t seed)
{
	return 0x9e3779b97f4a7c15ull ^ seed;
}

uint32_t machine_random(uint64_t *state, uint32_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % n;
}

const struct model_host machine_host = {
	.read = host_read,
	.write = host_write,
	.load64 = host_load64,
	.load128 = host_load128,
	.or32 = host_or32,
	.and32 = host_and32,
	.interrupt = host_interrupt,
	.msi = host_msi,
	.strict = host_strict,
	.stopwatch = host_stopwatch,
};
