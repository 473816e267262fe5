/* SPDX-License-Identifier: MIT */
/*
 * The machine that a guest with a kernel of its own finds: where everything lies. Numbers only:
 * dsdt.asl is compiled with this file too.
 *
 *   0           RAM, up to 2 GiB, without A0000h..FFFFFh
 *   E0000h      ACPI tables (reserved)
 *   C0000000h   PCI memory below 4 GiB, then configuration space of bus 0: guest/vpci.h
 *   FEC00000h   I/O APIC
 *   FED00000h   HPET, where the VM has it (timer = hpet)
 *   FEE00000h   local APICs (xAPIC)
 *   100000000h  RAM, what is more than 2 GiB of it
 *   5000000000h PCI memory above 4 GiB
 */
#ifndef GUEST_PLATFORM_H
#define GUEST_PLATFORM_H

#define PLATFORM_LOW_RAM_END 0xa0000
#define PLATFORM_ACPI        0xe0000
#define PLATFORM_ACPI_END    0x100000
#define PLATFORM_HIGH_RAM    0x100000
/* RAM ends here, where firmware of real machines puts devices and what it reserves for them (IVMD),
 * and goes on at 4 GiB. */
#define PLATFORM_HOLE     0x80000000
#define PLATFORM_HOLE_END 0x100000000

/* In real mode F000:FFF0, where a PC's firmware begins. */
#define PLATFORM_RESET_VECTOR 0xffff0

/* The PCI host bridge's windows and configuration space: the same numbers as vpci.h's, as iasl
 * wants them (guest_acpi.c asserts it). */
#define PLATFORM_PCI_BASE       0xc0000000
#define PLATFORM_PCI_BYTES      0x20000000
#define PLATFORM_PCI_LAST       0xdfffffff
#define PLATFORM_PCI_HIGH_BASE  0x5000000000
#define PLATFORM_PCI_HIGH_BYTES 0x1000000000
#define PLATFORM_PCI_HIGH_LAST  0x5fffffffff
#define PLATFORM_PCI_IO_BASE    0xc000
#define PLATFORM_PCI_IO_BYTES   0x4000
#define PLATFORM_PCI_IO_LAST    0xffff
#define PLATFORM_ECAM           0xe0000000
#define PLATFORM_ECAM_BYTES     0x00100000

#define PLATFORM_IOAPIC    0xfec00000
#define PLATFORM_IOAPIC_ID 0
#define PLATFORM_HPET      0xfed00000

/* INTA of slot n leads to pin 16 + n % 8 of the I/O APIC. */
#define PLATFORM_INTX_FIRST 16
#define PLATFORM_INTX_PINS  8

/* Ports. */
#define PLATFORM_RTC           0x70
#define PLATFORM_COM1          0x3f8
#define PLATFORM_COM1_IRQ      4
#define PLATFORM_SLEEP_CONTROL 0x600
#define PLATFORM_SLEEP_STATUS  0x601
#define PLATFORM_PM1_EVENT     0x604
#define PLATFORM_PM1_CONTROL   0x608
#define PLATFORM_SCI           9
#define PLATFORM_RESET         0xcf9
#define PLATFORM_RESET_VALUE   0x0e
#define PLATFORM_SLEEP_TYPE_S5 5

#endif
