/* SPDX-License-Identifier: MIT */
/* The timer's registers, for emulated.c: the values are in the page already. */
#ifndef AVIC_EMULATED_TIMER_H
#define AVIC_EMULATED_TIMER_H

#include "base/types.h"

struct emulated_vcpu;

void timer_start(struct emulated_vcpu *e);      /* initial count written; 0 stops it */
void timer_set_divide(struct emulated_vcpu *e); /* divide configuration written */
bool timer_set_mode(struct emulated_vcpu *e);   /* LVT written; true when that stopped it */
uint32_t timer_current(const struct emulated_vcpu *e);

#endif
