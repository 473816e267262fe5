/* SPDX-License-Identifier: MIT */
/* The PCI functions of the fake's units: 00:00.2 and 40:00.2. */
#ifndef IOMMU_FAKE_PCI_H
#define IOMMU_FAKE_PCI_H

#include "drivers/pci.h"
#include "iommu_fake.h"

#define FAKE_DEV0 0x0002
#define FAKE_DEV1 0x4002

static uint8_t *fake_config(devid_t id)
{
	return id == FAKE_DEV0 ? fake[0].config : id == FAKE_DEV1 ? fake[1].config : NULL;
}

uint32_t pci_read(devid_t id, uint16_t offset, unsigned bytes)
{
	uint8_t *c = fake_config(id);
	uint32_t v = ~0u >> (32 - 8 * bytes);

	if (c)
		memcpy(&v, c + offset, bytes);
	return v;
}

void pci_write(devid_t id, uint16_t offset, unsigned bytes, uint32_t value)
{
	uint8_t *c = fake_config(id);

	if (c)
		memcpy(c + offset, &value, bytes);
}

uint16_t pci_find_cap(devid_t id, uint8_t cap)
{
	uint8_t *c = fake_config(id);

	return c && cap == 5 && c[0x70] == 5 ? 0x70 : 0;
}

/* Capability block at 40h (type 3, revision 1, EFRSup, CapExt), MSI at 70h (64-bit, up to 4). */
static inline void fake_config_init(struct fake_unit *f)
{
	static const uint8_t block[] = { 0x0f, 0x70, 0x0b, 0x18 };

	memcpy(f->config + 0x40, block, sizeof(block));
	f->config[0x54] = 1; /* MsiNumGA; MsiNum is 0 */
	f->config[0x70] = 0x05;
	f->config[0x72] = 0x84;
}

#endif
