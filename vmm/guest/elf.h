/* SPDX-License-Identifier: MIT */
/* Executable ELF files of both classes (System V ABI, "Object Files", "Program Loading"). */
#ifndef GUEST_ELF_H
#define GUEST_ELF_H

#include "guest/image.h"

bool elf_is(struct guest_file file);
/* Loadable segments, by their physical addresses, and the entry. ERR_INVALID: *why. */
err_t elf_read(struct image *image, const char **why) MUST_USE;

#endif
