/* SPDX-License-Identifier: MIT */
#include "pci.h"
#include "guest.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

static volatile uint8_t *ecam(unsigned slot, unsigned at)
{
	return (volatile uint8_t *)(uintptr_t)(guest_info()->pci_ecam + (slot << 15) + at);
}

uint32_t pci_read(unsigned slot, unsigned at, unsigned bytes)
{
	volatile uint8_t *p = ecam(slot, at);

	return bytes == 1 ? *p : bytes == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
}

void pci_write(unsigned slot, unsigned at, unsigned bytes, uint32_t value)
{
	volatile uint8_t *p = ecam(slot, at);

	if (bytes == 1)
		*p = (uint8_t)value;
	else if (bytes == 2)
		*(volatile uint16_t *)p = (uint16_t)value;
	else
		*(volatile uint32_t *)p = value;
}

static void select(unsigned bus, unsigned slot, unsigned at)
{
	uint32_t address = CONFIG_ENABLE | bus << 16 | slot << 11 | (at & ~3u);

	__asm__ volatile("outl %0, %w1" ::"a"(address), "Nd"(CONFIG_ADDRESS));
}

uint32_t pci_port_read(unsigned bus, unsigned slot, unsigned at, unsigned bytes)
{
	uint16_t port = (uint16_t)(CONFIG_DATA + (at & 3));
	uint32_t value = 0;

	select(bus, slot, at);
	if (bytes == 1)
		__asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port));
	else if (bytes == 2)
		__asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port));
	else
		__asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void pci_port_write(unsigned bus, unsigned slot, unsigned at, unsigned bytes, uint32_t value)
{
	uint16_t port = (uint16_t)(CONFIG_DATA + (at & 3));

	select(bus, slot, at);
	if (bytes == 1)
		__asm__ volatile("outb %b0, %w1" ::"a"(value), "Nd"(port));
	else if (bytes == 2)
		__asm__ volatile("outw %w0, %w1" ::"a"(value), "Nd"(port));
	else
		__asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port));
}

unsigned pci_find(uint32_t id)
{
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		if (pci_read(slot, 0, 4) == id)
			return slot;
	}
	return 0;
}

unsigned pci_capability(unsigned slot, uint8_t kind)
{
	unsigned at = pci_read(slot, 0x34, 1);

	for (unsigned i = 0; i < 48 && at; i++) {
		if (pci_read(slot, at, 1) == kind)
			return at;
		at = pci_read(slot, at + 1, 1);
	}
	return 0;
}

uint64_t pci_bar_bytes(unsigned slot, unsigned n)
{
	uint32_t old = pci_read(slot, PCI_BAR(n), 4), sized;

	pci_write(slot, PCI_BAR(n), 4, ~0u);
	sized = pci_read(slot, PCI_BAR(n), 4);
	pci_write(slot, PCI_BAR(n), 4, old);
	return (uint32_t)(~(sized & ~0xfu) + 1);
}

uint64_t pci_bar_address(unsigned slot, unsigned n)
{
	uint32_t low = pci_read(slot, PCI_BAR(n), 4);
	uint64_t high = (low & 6) == 4 ? pci_read(slot, PCI_BAR(n + 1), 4) : 0;

	return high << 32 | (low & ~0xfu);
}

void pci_tell_driver(unsigned slot)
{
	struct guest_info *info = (struct guest_info *)(uintptr_t)GUEST_INFO_GPA;

	info->device[slot - 1].bar[0].gpa = pci_bar_address(slot, 0);
}

volatile uint32_t *msix_table(unsigned slot)
{
	unsigned cap = pci_capability(slot, PCI_CAP_MSIX);
	uint32_t where = pci_read(slot, cap + 4, 4);

	return (volatile uint32_t *)(uintptr_t)(pci_bar_address(slot, where & 7) + (where & ~7u));
}

void msix_enable(unsigned slot)
{
	pci_write(slot, pci_capability(slot, PCI_CAP_MSIX) + 2, 2, 0x8000);
}

uint32_t message_address(uint32_t apic_id)
{
	return 0xfee00000u | apic_id << 12;
}

void msi_write(unsigned slot, uint32_t apic_id, uint8_t vector)
{
	unsigned cap = pci_capability(slot, PCI_CAP_MSI);
	bool wide = pci_read(slot, cap + 2, 2) & 0x80;

	pci_write(slot, cap + 4, 4, message_address(apic_id));
	if (wide)
		pci_write(slot, cap + 8, 4, 0);
	pci_write(slot, cap + (wide ? 12 : 8), 2, vector);
}

void msi_on(unsigned slot)
{
	pci_write(slot, pci_capability(slot, PCI_CAP_MSI) + 2, 2, 1);
}

void msix_move(volatile uint32_t *entry, uint32_t apic_id, uint8_t vector)
{
	entry[MSIX_CONTROL] = 1;
	entry[MSIX_ADDRESS] = message_address(apic_id);
	entry[MSIX_HIGH] = 0;
	entry[MSIX_DATA] = vector;
	entry[MSIX_CONTROL] = 0;
}
