/* SPDX-License-Identifier: MIT */
/* The guest inside the image (tests/guest/): its memory and its CPUs' start state. */
#ifndef GUEST_BUILTIN_H
#define GUEST_BUILTIN_H

#include "base/err.h"

struct vm;

/* Image, page tables and information page into the VM's memory, all vCPUs to its entry. The VM's
 * devices are there. */
err_t builtin_place(struct vm *vm, const char **why) MUST_USE;

#endif
