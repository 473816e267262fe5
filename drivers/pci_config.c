/* SPDX-License-Identifier: MIT */
/* Reaching configuration space: ECAM where the MCFG has segment 0, else ports CF8h and CFCh. A
 * devid_t has no segment, so other segments are left alone. */
#include "pci.h"
#include "pci_access.h"
#include "acpi.h"
#include "base/spinlock.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

static struct spinlock ports_lock; /* rank IOMMU: the address and the data port belong together */

static uint64_t ecam_base;
static uint32_t first_bus, last_bus;

err_t pci_config_init(void)
{
	const struct acpi_info *info = acpi_info();

	ecam_base = 0;
	first_bus = 0;
	last_bus = 255;
	for (uint32_t i = 0; i < info->ecam_count; i++) {
		if (info->ecam[i].segment != 0 || !info->ecam[i].base)
			continue;
		ecam_base = info->ecam[i].base;
		first_bus = info->ecam[i].bus_first;
		last_bus = info->ecam[i].bus_last;
		return OK;
	}
	/* The address port reads back what was written where there is one. */
	hw_out32(CONFIG_ADDRESS, CONFIG_ENABLE);
	return hw_in32(CONFIG_ADDRESS) == CONFIG_ENABLE ? OK : ERR_UNFIT;
}

bool pci_config_reaches(uint32_t bus)
{
	return bus >= first_bus && bus <= last_bus;
}

/* NULL: by the ports. The MCFG's base is that of bus 0, also where its first bus isn't 0. */
static volatile uint8_t *ecam(devid_t id, uint16_t offset)
{
	if (!ecam_base)
		return NULL;
	return phys_to_virt(PHYS(ecam_base + ((uint64_t)id << 12) + offset));
}

static uint32_t port_read(devid_t id, uint16_t offset, unsigned bytes)
{
	uint16_t data = (uint16_t)(CONFIG_DATA + (offset & 3));
	uint32_t v;

	if (offset >= 256)
		return ~0u;
	spin_lock(&ports_lock);
	hw_out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)id << 8 | (offset & 0xfcu));
	v = bytes == 1 ? hw_in8(data) : bytes == 2 ? hw_in16(data) : hw_in32(data);
	spin_unlock(&ports_lock);
	return v;
}

static void port_write(devid_t id, uint16_t offset, unsigned bytes, uint32_t value)
{
	uint16_t data = (uint16_t)(CONFIG_DATA + (offset & 3));

	if (offset >= 256)
		return;
	spin_lock(&ports_lock);
	hw_out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)id << 8 | (offset & 0xfcu));
	if (bytes == 1)
		hw_out8(data, (uint8_t)value);
	else if (bytes == 2)
		hw_out16(data, (uint16_t)value);
	else
		hw_out32(data, value);
	spin_unlock(&ports_lock);
}

uint32_t pci_read(devid_t id, uint16_t offset, unsigned bytes)
{
	volatile uint8_t *p = ecam(id, offset);

	if (!p)
		return port_read(id, offset, bytes);
	return bytes == 1 ? mmio_read8(p) : bytes == 2 ? mmio_read16(p) : mmio_read32(p);
}

void pci_write(devid_t id, uint16_t offset, unsigned bytes, uint32_t value)
{
	volatile uint8_t *p = ecam(id, offset);

	if (!p)
		port_write(id, offset, bytes, value);
	else if (bytes == 1)
		mmio_write8(p, (uint8_t)value);
	else if (bytes == 2)
		mmio_write16(p, (uint16_t)value);
	else
		mmio_write32(p, value);
}
