// SPDX-License-Identifier: MIT
/* ACPI Specification 6.5, "Sleep Control and Status Registers", "PM1 Event Grouping", "PM1 Control
 * Grouping", "Reset Register". */
#include "guest/power.h"
#include "base/bits.h"
#include "exit_io.h"
#include "guest/platform.h"
#include "vm.h"

#define SLEEP_TYPE   FIELD(4, 2)
#define SLEEP_ENABLE BIT(5)
#define RESET_CPU    BIT(2) /* a reset happens as it goes from 0 to 1 */

#define PM1_SCI_EN       BIT(0)
#define PM1_SLEEP_TYPE   FIELD(12, 10)
#define PM1_SLEEP_ENABLE BIT(13)

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

/* Of the enable register a kernel wants to read what it wrote; no event ever happens. */
void power_pm1_access(struct cpu *here, struct vm *vm, struct port_access *a)
{
	unsigned enable_at = PLATFORM_PM1_EVENT + 2;

	if (a->in) {
		a->value = a->port == PLATFORM_PM1_CONTROL ? (uint32_t)PM1_SCI_EN
			   : a->port == enable_at          ? vm->pm1_enable
							   : 0;
		return;
	}
	if (a->port == enable_at)
		vm->pm1_enable = (uint16_t)a->value;
	if (a->port == PLATFORM_PM1_CONTROL && a->value & PM1_SLEEP_ENABLE &&
		field_get(PM1_SLEEP_TYPE, a->value) == PLATFORM_SLEEP_TYPE_S5)
		vm_end(here, vm, VM_POWER_OFF, "power-off");
}
