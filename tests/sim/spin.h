/* SPDX-License-Identifier: MIT */
/*
 * Included before all else, by -include: what locks mean to the simulation. A pCPU that waits for
 * one lets the others go on, or whoever holds it never would. Taking one is a crossing and a locked
 * operation, which empties the store buffer; giving it back is a plain store, behind those before.
 */
#ifndef SIM_SPIN_H
#define SIM_SPIN_H

void sim_point(void);
void sim_spin(void);
void sim_store(void *p, unsigned bytes);
void sim_drain(void);

#define __builtin_ia32_pause sim_spin
#include "base/spinlock.h"

static inline void sim_lock(struct spinlock *l)
{
	sim_point();
	sim_drain();
	spin_lock(l);
}

static inline int sim_trylock(struct spinlock *l)
{
	sim_drain();
	return spin_trylock(l);
}

static inline void sim_unlock(struct spinlock *l)
{
	sim_store(&l->owner, sizeof(l->owner));
	spin_unlock(l);
}

#define spin_lock    sim_lock
#define spin_trylock sim_trylock
#define spin_unlock  sim_unlock

#endif
