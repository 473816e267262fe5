/* SPDX-License-Identifier: MIT */
#include "apic.h"
#include "guest.h"

#define MSR_X2APIC      0x800
#define XAPIC_PAGE      0xfee00000u
#define SVR_ENABLE      0x100
#define VECTOR_SPURIOUS 0xff

static uint32_t x2apic_msr(enum apic_register r)
{
	return MSR_X2APIC + (uint32_t)r / 16;
}

static volatile uint32_t *xapic_word(enum apic_register r)
{
	return (volatile uint32_t *)(uintptr_t)(XAPIC_PAGE + (uint32_t)r);
}

static void write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static uint64_t read_msr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static enum { MODE_OF_INFO, MODE_CHANGES, MODE_XAPIC, MODE_X2APIC } mode;

void apic_mode_changes(void)
{
	mode = MODE_CHANGES;
}

void apic_mode_stays(bool x2apic)
{
	mode = x2apic ? MODE_X2APIC : MODE_XAPIC;
}

uint64_t apic_base(void)
{
	return read_msr(MSR_APIC_BASE);
}

static bool is_x2apic(void)
{
	switch (mode) {
	case MODE_CHANGES:
		return apic_base() & APIC_BASE_X2APIC;
	case MODE_OF_INFO:
		return guest_info()->x2apic;
	default:
		return mode == MODE_X2APIC;
	}
}

uint32_t apic_read(enum apic_register r)
{
	return is_x2apic() ? (uint32_t)read_msr(x2apic_msr(r)) : *xapic_word(r);
}

void apic_write(enum apic_register r, uint32_t value)
{
	if (is_x2apic())
		write_msr(x2apic_msr(r), value);
	else
		*xapic_word(r) = value;
}

void apic_init(void)
{
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_ipi(uint32_t destination, uint32_t low)
{
	/* A WRMSR of the ICR is not ordered behind earlier stores (24593 rev 3.44, "Accessing
	 * x2APIC Registers"): what the receiver is to see must be visible before. */
	__asm__ volatile("mfence" ::: "memory");
	if (is_x2apic()) {
		write_msr(x2apic_msr(APIC_ICR), (uint64_t)destination << 32 | low | ICR_ASSERT);
		return;
	}
	*xapic_word(APIC_ICR_HIGH) = destination << 24;
	*xapic_word(APIC_ICR) = low | ICR_ASSERT;
}

bool apic_irr(uint8_t vector)
{
	uint32_t word = apic_read((enum apic_register)(APIC_IRR + vector / 32 * 16));

	return word >> (vector % 32) & 1;
}

void apic_set_logical_id(uint32_t index)
{
	if (!is_x2apic())
		apic_write(APIC_LDR, 1u << (24 + index));
}

enum ioapic_register { IOAPIC_SELECT = 0x00, IOAPIC_WINDOW = 0x10, IOAPIC_EOI = 0x40 };
#define IOAPIC_TABLE 0x10 /* index of the first pin */

static void ioapic_write(enum ioapic_register r, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)(0xfec00000u + r) = value;
}

void ioapic_pin(unsigned pin, uint32_t apic_id, uint32_t low)
{
	ioapic_write(IOAPIC_SELECT, IOAPIC_TABLE + 2 * pin + 1);
	ioapic_write(IOAPIC_WINDOW, apic_id << 24);
	ioapic_write(IOAPIC_SELECT, IOAPIC_TABLE + 2 * pin);
	ioapic_write(IOAPIC_WINDOW, low);
}

void ioapic_eoi(uint8_t vector)
{
	ioapic_write(IOAPIC_EOI, vector);
}
