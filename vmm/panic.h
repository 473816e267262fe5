/* SPDX-License-Identifier: MIT */
/* The end: see also base/check.h. */
#ifndef VMM_PANIC_H
#define VMM_PANIC_H

struct trap_frame;

/* An exception in host code. */
_Noreturn void panic_trap(const struct trap_frame *frame);

#endif
