/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions of a range of virtual addresses were executed outside of any guest:
 * "-device reveille-coverage,file=PATH,base=ADDRESS,bytes=SIZE". Every translated instruction
 * of the range is preceded by a store to a map, so nothing is estimated from translation
 * blocks; an instruction that faults counts. Code elsewhere, and every run without the device,
 * is translated as ever.
 *
 * The file, written when QEMU ends: u64 COVERAGE_MAGIC, u64 base, u64 bytes, all little endian,
 * then a bit for each address, lowest first.
 */
#ifndef REVEILLE_COVERAGE_H
#define REVEILLE_COVERAGE_H

#include "exec/vaddr.h"

#define COVERAGE_MAGIC 0x315245564f435652ULL /* "RVCOVER1" */

extern bool coverage_on;

void coverage_mark(vaddr pc);

/* During translation, before the code of the instruction at pc. guest: between VMRUN and exit. */
static inline void coverage_insn(vaddr pc, bool guest)
{
	if (unlikely(coverage_on) && !guest)
		coverage_mark(pc);
}

#endif
