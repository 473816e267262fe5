/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O page that stands for the APIC page of whatever guest runs on the CPU that
 * accesses it. QEMU makes every I/O access the last of its translation block, so a trap
 * requested here is taken before the next instruction.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "avic_glue_internal.h"

static struct avic_core *current_core(void)
{
	if (!current_cpu || !avic_glue_active(cpu_env(current_cpu)))
		return NULL;
	return &X86_CPU(current_cpu)->avic->core;
}

static MemTxResult window_read(
	void *opaque, hwaddr offset, uint64_t *value, unsigned bytes, MemTxAttrs attrs)
{
	struct avic_core *core = current_core();

	*value = 0;
	if (!core)
		return MEMTX_DECODE_ERROR;
	avic_glue_result(
		current_cpu, avic_page_read(core, offset, bytes, value), current_cpu->mem_io_pc);
	return MEMTX_OK;
}

static MemTxResult window_write(
	void *opaque, hwaddr offset, uint64_t value, unsigned bytes, MemTxAttrs attrs)
{
	struct avic_core *core = current_core();

	if (!core)
		return MEMTX_DECODE_ERROR;
	avic_glue_result(
		current_cpu, avic_page_write(core, offset, bytes, value), current_cpu->mem_io_pc);
	return MEMTX_OK;
}

static const MemoryRegionOps window_ops = {
	.read_with_attrs = window_read,
	.write_with_attrs = window_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

void avic_window_create(void)
{
	static MemoryRegion window;

	memory_region_init_io(&window, NULL, &window_ops, NULL, "avic-apic-page", 4096);
	memory_region_add_subregion(get_system_memory(), AVIC_WINDOW, &window);
}
