/* SPDX-License-Identifier: MIT */
/* The ACPI tables of a guest: a hardware-reduced machine (ACPI Specification 6.5, "Hardware-Reduced
 * ACPI"): no 8254, 8259, 8042 or PM timer that a kernel would look for. */
#ifndef GUEST_ACPI_H
#define GUEST_ACPI_H

#include "base/err.h"
#include "base/types.h"

struct vm;

/* Into the VM's memory at PLATFORM_ACPI; *rsdp is where they begin. */
err_t guest_acpi_place(struct vm *vm, gpa_t *rsdp) MUST_USE;

#endif
