/* SPDX-License-Identifier: MIT */
/*
 * Ticket lock. Interrupts are always off in host code (see svm/vmrun.asm and
 * cpu_idle()), so a lock holder is never interrupted by its own CPU.
 * Ranks are acquired upwards only: vm < device < inbox < posts < iommu < page < log.
 */
#ifndef BASE_SPINLOCK_H
#define BASE_SPINLOCK_H

#include <stdint.h>

struct spinlock {
	uint16_t next, owner;
};

#define SPINLOCK_INIT ((struct spinlock){ 0, 0 })

static inline void spin_lock(struct spinlock *l)
{
	uint16_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__builtin_expect(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket, 0))
		__builtin_ia32_pause();
}

/* Non-zero when the lock was taken. */
static inline int spin_trylock(struct spinlock *l)
{
	uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);

	return __atomic_compare_exchange_n(
		&l->next, &owner, (uint16_t)(owner + 1), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_unlock(struct spinlock *l)
{
#ifdef __SANITIZE_THREAD__ /* sees atomic operations only */
	__atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
#else
	/* The holder alone writes owner, so no locked operation; a store is a release on x86. In
	 * one instruction, which the compiler makes of no atomic access. */
	__asm__ volatile("incw %0" : "+m"(l->owner) : : "memory", "cc");
#endif
}

#endif
