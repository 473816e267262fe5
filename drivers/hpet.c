/* SPDX-License-Identifier: MIT */
#include "hpet.h"
#include "acpi.h"
#include "base/lib.h"
#include <hw/mem.h>
#include <hw/mmio.h>

/* The table: a generic address structure (space, width, offset, reserved, address), the number. */
#define TABLE_SPACE   40
#define TABLE_ADDRESS 44
#define TABLE_NUMBER  52
#define TABLE_BYTES   56
#define SPACE_MEMORY  0

bool hpet_find(struct hpet *h)
{
	const struct acpi_header *t = acpi_find("HPET");
	const uint8_t *p = (const uint8_t *)t;
	uint64_t base;

	if (!t || t->length < TABLE_BYTES || p[TABLE_SPACE] != SPACE_MEMORY)
		return false;
	memcpy(&base, p + TABLE_ADDRESS, sizeof(base));
	/* Its page is given away as a whole. */
	if (!base || base & PAGE_MASK)
		return false;
	h->base = PHYS(base);
	h->regs = phys_to_virt(h->base);
	h->number = p[TABLE_NUMBER];
	uint32_t capabilities = mmio_read32(h->regs + HPET_CAPABILITIES);

	h->comparators = (uint32_t)field_get(HPET_CAP_LAST, capabilities) + 1;
	return capabilities != ~0u && capabilities != 0 &&
	       hpet_tn(h->comparators, HPET_TN_CONFIG) <= HPET_BYTES;
}

uint32_t hpet_messages(const struct hpet *h)
{
	uint32_t n = 0;

	while (n < h->comparators &&
		mmio_read32(h->regs + hpet_tn(n, HPET_TN_CONFIG)) & HPET_TN_FSB_CAP)
		n++;
	return n;
}

void hpet_stop(const struct hpet *h)
{
	mmio_write32(h->regs + HPET_CONFIG, 0);
	for (uint32_t n = 0; n < h->comparators; n++)
		mmio_write32(h->regs + hpet_tn(n, HPET_TN_CONFIG), 0);
}
