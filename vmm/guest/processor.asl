// SPDX-License-Identifier: MIT
// One processor of the guest. guest_acpi.c makes an SSDT of one copy of this for each vCPU, in which
// it writes name and _UID.
//
// What it is for is _CST. A Linux that knows no idle state of its processors lets the tick run once
// more each time that it goes idle, which costs three exits; with C1 told it predicts the idle time
// and stops the tick at once. C1 is HLT (fixed hardware, no MWAIT), as before.
DefinitionBlock ("", "SSDT", 2, "RVEIL", "REVEILLE", 1)
{
	Scope (\_SB)
	{
		Device (CPUX)
		{
			Name (_HID, "ACPI0007")
			Name (_UID, 0xAA)
			Name (_CST, Package ()
			{
				1,
				Package () { ResourceTemplate () { Register (FFixedHW, 0, 0, 0) }, 1, 1, 1000 }
			})
		}
	}
}
