/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the AVIC glue: a CPU's core and how requests reach it. */
#ifndef REVEILLE_AVIC_GLUE_INTERNAL_H
#define REVEILLE_AVIC_GLUE_INTERNAL_H

#include "avic_glue.h"
#include "../model/avic.h"

/* Written by the CPU's own thread only. */
typedef struct AvicCpu {
	AvicView view; /* first: hooks look at it */
	struct avic_core core;
	bool trap_pending; /* .core.exit ends the instruction that just ran */
} AvicCpu;

/* Does what the model said: exit, trap, #GP. Own thread, BQL held; may not return. */
void avic_glue_result(CPUState *cs, enum avic_result result, uintptr_t ra);

/* The I/O page at AVIC_WINDOW. */
void avic_window_create(void);

#endif
