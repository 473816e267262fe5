// SPDX-License-Identifier: MIT
/* ACPI Specification 6.5, "Sleep Control and Status Registers", "Reset Register". */
#include "guest/power.h"
#include "base/bits.h"
#include "exit_io.h"
#include "guest/platform.h"
#include "vm.h"

#define SLEEP_TYPE   FIELD(4, 2)
#define SLEEP_ENABLE BIT(5)
#define RESET_CPU    BIT(2) /* a reset happens as it goes from 0 to 1 */

void power_access(struct cpu *here, struct vm *vm, struct port_access *a)
{
	uint8_t value = (uint8_t)a->value;

	if (a->in) {
		a->value = 0;
		return;
	}
	if (a->port == PLATFORM_SLEEP_CONTROL && (value & SLEEP_ENABLE) &&
		field_get(SLEEP_TYPE, value) == PLATFORM_SLEEP_TYPE_S5)
		vm_end(here, vm, VM_POWER_OFF, "power-off");
	else if (a->port == PLATFORM_RESET && (value & RESET_CPU))
		vm_end(here, vm, VM_RESET, "reset by the guest");
}
