/* SPDX-License-Identifier: MIT */
/* How a guest switches its machine off or resets it: the ACPI sleep registers of a hardware-reduced
 * machine, or the PM1 blocks of one with an HPET, and the reset register at CF9h. */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

struct cpu;
struct vm;
struct port_access;

/* An access to PLATFORM_SLEEP_CONTROL, _STATUS or PLATFORM_RESET. */
void power_access(struct cpu *here, struct vm *vm, struct port_access *a);
/* Of PLATFORM_PM1_EVENT (status and enable, 16 bits each) and PLATFORM_PM1_CONTROL. */
void power_pm1_access(struct cpu *here, struct vm *vm, struct port_access *a);

#endif
