/* SPDX-License-Identifier: MIT */
/* How a guest switches its machine off or resets it: the ACPI sleep registers of a hardware-reduced
 * machine, and the reset register at CF9h. */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

struct cpu;
struct vm;
struct port_access;

/* An access to PLATFORM_SLEEP_CONTROL, _STATUS or PLATFORM_RESET. */
void power_access(struct cpu *here, struct vm *vm, struct port_access *a);

#endif
