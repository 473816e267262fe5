/* SPDX-License-Identifier: MIT */
/* Configuration space of bus 0, and MSI and MSI-X as a guest's driver sets them up. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_SLOTS    32
#define PCI_BAR(n)   (0x10 + 4 * (n))
#define PCI_COMMAND  0x04
#define PCI_STATUS   0x06
#define PCI_ROM      0x30
#define PCI_PIN      0x3d
#define PCI_MEMORY   2u
#define PCI_MASTER   4u
#define PCI_INTX_OFF 0x400u
#define PCI_INTX     8u /* in the status: asserted */
#define PCI_CAP_MSI  0x05
#define PCI_CAP_MSIX 0x11

/* By memory (guest_info.pci_ecam) and by the ports. at is aligned to bytes. */
uint32_t pci_read(unsigned slot, unsigned at, unsigned bytes);
void pci_write(unsigned slot, unsigned at, unsigned bytes, uint32_t value);
uint32_t pci_port_read(unsigned bus, unsigned slot, unsigned at, unsigned bytes);
void pci_port_write(unsigned bus, unsigned slot, unsigned at, unsigned bytes, uint32_t value);

/* The slot of the device with that ID (device in 31:16, vendor in 15:0); 0: none. */
unsigned pci_find(uint32_t id);
/* Offset of a capability; 0: none. */
unsigned pci_capability(unsigned slot, uint8_t kind);
/* What a memory BAR reads after ones were written to it, as a size; its address stays. */
uint64_t pci_bar_bytes(unsigned slot, unsigned n);
uint64_t pci_bar_address(unsigned slot, unsigned n);

/* Slot n is device n - 1 of the information page, which devices.c reads: where its BAR 0 is. */
void pci_tell_driver(unsigned slot);

/* The MSI-X table, once the device decodes memory. */
volatile uint32_t *msix_table(unsigned slot);
enum { MSIX_ADDRESS, MSIX_HIGH, MSIX_DATA, MSIX_CONTROL };
void msix_enable(unsigned slot);
/* An entry masked, changed, unmasked: as drivers do it. */
void msix_move(volatile uint32_t *entry, uint32_t apic_id, uint8_t vector);
/* The message that interrupts a vCPU by its APIC ID with a vector. */
uint32_t message_address(uint32_t apic_id);

/* One message of MSI, without touching what is on: address, then data. */
void msi_write(unsigned slot, uint32_t apic_id, uint8_t vector);
void msi_on(unsigned slot);

#endif
