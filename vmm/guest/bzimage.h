/* SPDX-License-Identifier: MIT */
/* Linux by its 64-bit boot protocol (Linux's Documentation/arch/x86/boot.rst, "64-bit Boot
 * Protocol"; zero-page.rst). */
#ifndef GUEST_BZIMAGE_H
#define GUEST_BZIMAGE_H

#include "base/err.h"
#include "base/types.h"
#include "guest/guest_file.h"

struct vm;

struct bzimage_start {
	uint64_t entry;
	gpa_t boot_params, tables, gdt;
	uint16_t gdt_limit;
};

/* Is it such a kernel at all? */
bool bzimage_is(struct guest_file kernel);
/* Kernel, initrd, command line, zero page, page tables and GDT into the VM's memory. rsdp: of its
 * ACPI tables. The files are not trusted. ERR_INVALID: *why says what is wrong with which. */
err_t bzimage_load(struct vm *vm, struct guest_file kernel, struct guest_file initrd,
	const char *cmdline, gpa_t rsdp, struct bzimage_start *start, const char **why) MUST_USE;

#endif
