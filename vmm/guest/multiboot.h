/* SPDX-License-Identifier: MIT */
/* Multiboot 1 kernels (Multiboot Specification version 0.6.96): ELF files of either class, or any
 * file whose header says where it goes; entered at 32 bits without paging. */
#ifndef GUEST_MULTIBOOT_H
#define GUEST_MULTIBOOT_H

#include "guest/image.h"

/* In EAX of a kernel that was started this way. */
#define MULTIBOOT_LOADED 0x2badb002u

/* What the header in the image's file asks for. ERR_INVALID: *why says what is wrong. */
err_t multiboot_read(struct image *image, const char **why) MUST_USE;
/* The image, the initrd as the only module (of that name), and what the kernel is told: memory map,
 * command line, module; *info is for EBX. */
err_t multiboot_place(struct vm *vm, struct image *image, struct guest_file initrd, gpa_t *info,
	const char **why) MUST_USE;

#endif
