/* SPDX-License-Identifier: MIT */
/* Interrupts of the host that wait in each core's local APIC. */
#include "machine.h"

static uint64_t pending[MACHINE_CPUS][4];

void machine_interrupt(unsigned cpu, uint8_t vector)
{
	pending[cpu][vector / 64] |= 1ull << vector % 64;
}

int machine_pending(unsigned cpu)
{
	for (int i = 3; i >= 0; i--)
		if (pending[cpu][i])
			return 64 * i + 63 - __builtin_clzll(pending[cpu][i]);
	return -1;
}

void machine_ack(unsigned cpu, uint8_t vector)
{
	pending[cpu][vector / 64] &= ~(1ull << vector % 64);
}
