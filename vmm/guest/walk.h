/* SPDX-License-Identifier: MIT */
/* A guest's own page tables, read in software. */
#ifndef GUEST_WALK_H
#define GUEST_WALK_H

#include "base/types.h"

struct vm;
struct vcpu;

/* Guest-physical address of a linear one; false: not mapped. Rights are not checked: the caller
 * reads what the CPU has read already. */
bool guest_translate(struct vcpu *v, uint64_t linear, gpa_t *gpa);
/* Up to count bytes at the instruction pointer; returns how many could be read. */
unsigned guest_fetch(struct vcpu *v, uint8_t *code, unsigned count);

#endif
