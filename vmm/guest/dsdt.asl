// SPDX-License-Identifier: MIT
// The guest's DSDT: built by iasl after the C preprocessor has put in platform.h's numbers.
#include "guest/platform.h"

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
