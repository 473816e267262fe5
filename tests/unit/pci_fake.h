/* SPDX-License-Identifier: MIT */
/* A few PCI functions behind an ECAM window, with BARs that size like real ones. */
#ifndef PCI_FAKE_H
#define PCI_FAKE_H

#include <sys/mman.h>
#include "hw/sim.h"
#include "drivers/acpi.h"

#define ECAM_BYTES (256ull << 20)

static uint8_t *ecam;
static struct acpi_info fake_acpi;
static uint32_t bar_mask[65536][6]; /* bits that can be written; 0: no BAR */
static uint32_t vf_bar_mask[6];
static unsigned decoding_while_sizing;
static uint32_t read_only;   /* devid << 12 | offset of a register that keeps its value */
static uint64_t flr_written; /* devid + 1 of the last function level reset */

const struct acpi_info *acpi_info(void)
{
	return &fake_acpi;
}

static uint8_t *config(devid_t id)
{
	return ecam + ((uint64_t)id << 12);
}

static void put(devid_t id, unsigned at, uint32_t v, unsigned bytes)
{
	memcpy(config(id) + at, &v, bytes);
}

static uint32_t get(devid_t id, unsigned at, unsigned bytes)
{
	uint32_t v = 0;

	memcpy(&v, config(id) + at, bytes);
	return v;
}

static void config_write(devid_t id, unsigned at, unsigned bytes, uint32_t v)
{
	if (read_only == ((uint32_t)id << 12 | at))
		return;
	if (at >= 0x10 && at < 0x28) {
		unsigned n = (at - 0x10) / 4;
		uint32_t mask = bar_mask[id][n];

		decoding_while_sizing += v == ~0u && get(id, 4, 2) & 3;
		v = (v & mask) | (get(id, at, 4) & ~mask);
	}
	if (at >= 0x184 && at < 0x19c) { /* the SR-IOV capability at 160h */
		uint32_t mask = vf_bar_mask[(at - 0x184) / 4];

		v = (v & mask) | (get(id, at, 4) & ~mask);
	}
	if (at == 0xa8 && v & 0x8000) /* the PCIe capability at A0h */
		flr_written = id + 1ull;
	put(id, at, v, bytes);
}

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, (const void *)p, bytes);
	return v;
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	uint64_t at = (uint64_t)((volatile uint8_t *)p - ecam);

	if (at < ECAM_BYTES)
		config_write((devid_t)(at >> 12), at & 0xfff, bytes, (uint32_t)v);
	else
		memcpy((void *)p, &v, bytes);
}

/* All ones everywhere: no device. */
static void fake_start(void)
{
	if (!ecam)
		ecam = mmap(NULL, ECAM_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	memset(ecam, 0xff, 2 << 20); /* buses 0 and 1; the test says how far the MCFG goes */
	read_only = 0;
	memset(bar_mask, 0, sizeof(bar_mask));
	memset(vf_bar_mask, 0, sizeof(vf_bar_mask));
	fake_acpi = (struct acpi_info){ .ecam_count = 1 };
	fake_acpi.ecam[0].base = (uint64_t)ecam;
	fake_acpi.ecam[0].bus_last = 1;
}

static void function(
	devid_t id, uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t header)
{
	memset(config(id), 0, 4096);
	put(id, 0, vendor, 2);
	put(id, 2, device, 2);
	put(id, 8, class_code << 8 | 0x42, 4);
	put(id, 14, header, 1);
}

__attribute__((unused)) static void bar(devid_t id, unsigned n, uint32_t value, uint32_t mask)
{
	put(id, 0x10 + 4 * n, value, 4);
	bar_mask[id][n] = mask;
}

/* Capabilities chained from the first one on. */
__attribute__((unused)) static void cap(devid_t id, uint8_t at, uint8_t kind, uint8_t next)
{
	put(id, 6, get(id, 6, 2) | 0x10, 2);
	if (!get(id, 0x34, 1))
		put(id, 0x34, at, 1);
	put(id, at, kind | next << 8, 2);
}

#endif
