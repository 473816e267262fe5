/* SPDX-License-Identifier: MIT */
#include "ioapic.h"
#include "acpi.h"
#include "base/bits.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

/* Indirect: the index goes to IOAPIC_SELECT. */
enum ioapic_index { IOAPIC_VERSION = 0x01, IOAPIC_PIN0 = 0x10 };
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define PIN_MASKED    BIT(16)

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

static void mask_pins(volatile uint8_t *regs)
{
	mmio_write32(regs + IOAPIC_SELECT, IOAPIC_VERSION);
	uint64_t last = field_get(FIELD(23, 16), mmio_read32(regs + IOAPIC_WINDOW));

	for (uint32_t pin = 0; pin <= last; pin++) {
		mmio_write32(regs + IOAPIC_SELECT, IOAPIC_PIN0 + 2 * pin);
		mmio_write32(regs + IOAPIC_WINDOW, PIN_MASKED);
	}
}

void ioapic_mask_all(void)
{
	const struct acpi_info *info = acpi_info();

	pic_disable();
	for (uint32_t i = 0; i < info->ioapic_count; i++)
		mask_pins(phys_to_virt(PHYS(info->ioapic[i].base)));
}
