/* SPDX-License-Identifier: MIT */
#include "ioapic.h"
#include "acpi.h"
#include "base/bits.h"
#include "base/spinlock.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

/* Indirect: the index goes to IOAPIC_SELECT. */
enum ioapic_index { IOAPIC_VERSION = 0x01, IOAPIC_PIN0 = 0x10 };
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_EOI    0x40
#define VERSION_EOI   0x20 /* the first one with the EOI register */
#define VERSION_LAST  FIELD(23, 16)
#define PIN_LOW       BIT(13) /* active low */
#define PIN_LEVEL     BIT(15)
#define PIN_MASKED    BIT(16)

static struct spinlock lock; /* rank IOMMU: select and window belong together */

enum pic_port { PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0, PIC2_DATA = 0xa1 };

/* The 8259s must be initialised before they can be masked for good: their spurious interrupts
 * can't be masked, and would arrive as exceptions 0Fh and 08h at the vectors of real mode. */
static void pic_disable(void)
{
	hw_out8(PIC1_COMMAND, 0x11); /* ICW1: cascade, ICW4 follows */
	hw_out8(PIC2_COMMAND, 0x11);
	hw_out8(PIC1_DATA, 0x20); /* ICW2: vectors, outside the exceptions */
	hw_out8(PIC2_DATA, 0x28);
	hw_out8(PIC1_DATA, 0x04); /* ICW3: the second one is on input 2 */
	hw_out8(PIC2_DATA, 0x02);
	hw_out8(PIC1_DATA, 0x01); /* ICW4: 8086 mode */
	hw_out8(PIC2_DATA, 0x01);
	hw_out8(PIC1_DATA, 0xff);
	hw_out8(PIC2_DATA, 0xff);
}

static uint32_t read_register(volatile uint8_t *regs, uint32_t index)
{
	mmio_write32(regs + IOAPIC_SELECT, index);
	return mmio_read32(regs + IOAPIC_WINDOW);
}

static void write_pin(volatile uint8_t *regs, uint32_t pin, uint32_t low)
{
	mmio_write32(regs + IOAPIC_SELECT, IOAPIC_PIN0 + 2 * pin);
	mmio_write32(regs + IOAPIC_WINDOW, low);
}

static uint32_t last_pin(volatile uint8_t *regs)
{
	return (uint32_t)field_get(VERSION_LAST, read_register(regs, IOAPIC_VERSION));
}

static void mask_pins(volatile uint8_t *regs)
{
	for (uint32_t pin = 0, last = last_pin(regs); pin <= last; pin++)
		write_pin(regs, pin, PIN_MASKED);
}

void ioapic_mask_all(void)
{
	const struct acpi_info *info = acpi_info();

	pic_disable();
	for (uint32_t i = 0; i < info->ioapic_count; i++)
		mask_pins(phys_to_virt(PHYS(info->ioapic[i].base)));
}

bool ioapic_find(uint32_t gsi, struct ioapic_pin *pin)
{
	const struct acpi_info *info = acpi_info();

	for (uint32_t i = 0; i < info->ioapic_count; i++) {
		volatile uint8_t *regs = phys_to_virt(PHYS(info->ioapic[i].base));
		uint32_t n = gsi - info->ioapic[i].gsi_base;

		spin_lock(&lock);
		uint32_t last = last_pin(regs), version = read_register(regs, IOAPIC_VERSION);

		spin_unlock(&lock);
		if (gsi < info->ioapic[i].gsi_base || n > last)
			continue;
		*pin = (struct ioapic_pin){
			.regs = regs,
			.ioapic_id = info->ioapic[i].id,
			.pin = (uint8_t)n,
			.eoi_register = (version & 0xff) >= VERSION_EOI,
		};
		return true;
	}
	return false;
}

static uint32_t wired(const struct ioapic_pin *pin)
{
	return pin->index | PIN_LOW | PIN_LEVEL;
}

void ioapic_set(struct ioapic_pin *pin, uint8_t index)
{
	pin->index = index;
	spin_lock(&lock);
	write_pin(pin->regs, pin->pin, (uint32_t)PIN_MASKED);
	mmio_write32(pin->regs + IOAPIC_SELECT, IOAPIC_PIN0 + 2 * pin->pin + 1);
	mmio_write32(pin->regs + IOAPIC_WINDOW, 0); /* the destination is the table's */
	write_pin(pin->regs, pin->pin, wired(pin) | (uint32_t)PIN_MASKED);
	spin_unlock(&lock);
}

void ioapic_mask(const struct ioapic_pin *pin)
{
	spin_lock(&lock);
	write_pin(pin->regs, pin->pin, wired(pin) | (uint32_t)PIN_MASKED);
	spin_unlock(&lock);
}

/* Without an EOI register, a pin that is edge-triggered for a moment forgets its remote IRR. */
void ioapic_unmask(const struct ioapic_pin *pin)
{
	spin_lock(&lock);
	if (pin->eoi_register) {
		mmio_write32(pin->regs + IOAPIC_EOI, pin->index);
	} else {
		write_pin(pin->regs, pin->pin, (uint32_t)PIN_MASKED);
		write_pin(pin->regs, pin->pin, wired(pin) | (uint32_t)PIN_MASKED);
	}
	write_pin(pin->regs, pin->pin, wired(pin));
	spin_unlock(&lock);
}
