/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stopwatch inside QEMU: sw_record writes one record of ../model/stopwatch.h when
 * "-device reveille-stopwatch,file=PATH" is there, and costs one test of a flag when not.
 */
#ifndef REVEILLE_STOPWATCH_H
#define REVEILLE_STOPWATCH_H

#include "hw/core/cpu.h"
#include "../model/model.h"
#include "strict.h"

#define SW_CPUS 255

extern bool sw_on;

/*
 * Instructions that each CPU has executed, up to the last time that QEMU did its
 * instruction accounting (hooks/stopwatch.hook); only counted with -icount.
 */
extern int64_t sw_executed[SW_CPUS];

void sw_write(CPUState *cpu, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c);

/* cpu: in whose context it happens, NULL for none. With or without the BQL. */
static inline void sw_record(
	CPUState *cpu, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c)
{
	if (unlikely(sw_on))
		sw_write(cpu, kind, x, a, b, c);
}

#endif
