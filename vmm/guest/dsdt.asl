// SPDX-License-Identifier: MIT
// The guest's DSDT: built by iasl after the C preprocessor has put in platform.h's numbers.
#include "guest/platform.h"

// INTA of a slot: PLATFORM_INTX_FIRST + slot % PLATFORM_INTX_PINS.
#define SLOT(n, pin) Package () { 0x##n##FFFF, 0, 0, pin }

DefinitionBlock ("", "DSDT", 2, "RVEIL", "REVEILLE", 1)
{
	Name (\_S5, Package () { PLATFORM_SLEEP_TYPE_S5, PLATFORM_SLEEP_TYPE_S5, 0, 0 })

	Scope (\_SB)
	{
		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PLATFORM_COM1, PLATFORM_COM1, 1, 8)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive)
				{
					PLATFORM_COM1_IRQ
				}
			})
			// 1 where the configuration gives the VM a console; guest_acpi.c writes it.
			Name (UART, 0xAA)
			Method (_STA)
			{
				If (UART == 1)
				{
					Return (0xF)
				}
				Return (0)
			}
		}

		Device (RTC0)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, PLATFORM_RTC, PLATFORM_RTC, 1, 2)
			})
			// 1 where the machine has a clock; guest_acpi.c writes it.
			Name (CMOS, 0xAA)
			Method (_STA)
			{
				If (CMOS == 1)
				{
					Return (0xF)
				}
				Return (0)
			}
		}

		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_SEG, 0)
			Name (_BBN, 0)
			Name (_UID, 0)
			Name (_CCA, 1)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, PLATFORM_PCI_IO_BASE, PLATFORM_PCI_IO_LAST, 0,
					PLATFORM_PCI_IO_BYTES)
				IO (Decode16, 0xCF8, 0xCF8, 1, 8)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite, 0, PLATFORM_PCI_BASE,
					PLATFORM_PCI_LAST, 0, PLATFORM_PCI_BYTES)
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite, 0, PLATFORM_PCI_HIGH_BASE,
					PLATFORM_PCI_HIGH_LAST, 0, PLATFORM_PCI_HIGH_BYTES)
			})
			Name (_PRT, Package ()
			{
				SLOT (1, 17), SLOT (2, 18), SLOT (3, 19), SLOT (4, 20),
				SLOT (5, 21), SLOT (6, 22), SLOT (7, 23), SLOT (8, 16),
				SLOT (9, 17), SLOT (A, 18), SLOT (B, 19), SLOT (C, 20),
				SLOT (D, 21), SLOT (E, 22), SLOT (F, 23), SLOT (10, 16),
				SLOT (11, 17), SLOT (12, 18), SLOT (13, 19), SLOT (14, 20),
				SLOT (15, 21), SLOT (16, 22), SLOT (17, 23), SLOT (18, 16),
				SLOT (19, 17), SLOT (1A, 18), SLOT (1B, 19), SLOT (1C, 20),
				SLOT (1D, 21), SLOT (1E, 22), SLOT (1F, 23)
			})
		}

		// The configuration space is memory that is taken.
		Device (MRES)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, PLATFORM_ECAM, PLATFORM_ECAM_BYTES)
			})
		}
	}
}
