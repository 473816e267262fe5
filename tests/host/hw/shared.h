/* SPDX-License-Identifier: MIT */
/* Seam 2 of 4, host side: shared memory, with a crossing before each access. */
#ifndef HW_SHARED_H
#define HW_SHARED_H

#include "sim.h"

static inline uint32_t shared_load32(const uint32_t *p)
{
	sim_point();
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline uint64_t shared_load64(const uint64_t *p)
{
	sim_point();
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_gather32(uint32_t bits, const uint32_t *p)
{
	return bits | shared_load32(p);
}

static inline void shared_store32(uint32_t *p, uint32_t v)
{
	sim_point();
	sim_store(p, 4);
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

static inline void shared_store64(uint64_t *p, uint64_t v)
{
	sim_point();
	sim_store(p, 8);
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_or32(uint32_t *p, uint32_t bits)
{
	sim_point();
	sim_drain();
	return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_and32(uint32_t *p, uint32_t bits)
{
	sim_point();
	sim_drain();
	return __atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_swap32(uint32_t *p, uint32_t v)
{
	sim_point();
	sim_drain();
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_add32(uint32_t *p, uint32_t v)
{
	sim_point();
	sim_drain();
	return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}

static inline bool shared_cas32(uint32_t *p, uint32_t expected, uint32_t desired)
{
	sim_point();
	sim_drain();
	return __atomic_compare_exchange_n(
		p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void shared_store128(uint64_t *p, uint64_t lo, uint64_t hi)
{
	uint64_t old_lo = p[0], old_hi = p[1];
	bool done;

	sim_point();
	sim_drain();
	do {
		__asm__ volatile(
			"lock cmpxchg16b %1"
			: "=@ccz"(done), "+m"(*(uint64_t(*)[2])p), "+a"(old_lo), "+d"(old_hi)
			: "b"(lo), "c"(hi)
			: "memory");
	} while (!done);
}

static inline void shared_fence(void)
{
	sim_point();
	sim_drain();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
