/* SPDX-License-Identifier: MIT */
/* What a VM starts with: its guest in memory and its vCPUs in their first state. */
#ifndef GUEST_PLACE_H
#define GUEST_PLACE_H

#include "base/err.h"

struct vm;
struct boot_info;

/* Where the loader's files are. Before the first VM is made. */
void guest_files_init(const struct boot_info *boot);
/* The VM's memory is zero, its vCPUs and devices are there. On failure *why says what is wrong. */
err_t guest_place(struct vm *vm, const char **why) MUST_USE;

#endif
