/* SPDX-License-Identifier: MIT */
/*
 * Seam 2 of 4: memory that another CPU, a device or the IOMMU reads or writes at the same
 * time. x86 is TSO: loads and stores here are single instructions; full ordering comes from
 * locked operations and shared_fence().
 */
#ifndef HW_SHARED_H
#define HW_SHARED_H

#include "base/types.h"

static inline uint32_t shared_load32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint64_t shared_load64(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* bits | *p, in one instruction: for a look at many words of which any will do. */
static inline uint32_t shared_gather32(uint32_t bits, const uint32_t *p)
{
	__asm__ volatile("or %1, %0" : "+r"(bits) : "m"(*p) : "memory", "cc");
	return bits;
}

static inline void shared_store32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void shared_store64(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Locked OR / AND / exchange / add; return the old value; full barriers. */
static inline uint32_t shared_or32(uint32_t *p, uint32_t bits)
{
	return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_and32(uint32_t *p, uint32_t bits)
{
	return __atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_swap32(uint32_t *p, uint32_t v)
{
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t shared_add32(uint32_t *p, uint32_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}

/* True when *p was expected and is desired now. Full barrier. */
static inline bool shared_cas32(uint32_t *p, uint32_t expected, uint32_t desired)
{
	return __atomic_compare_exchange_n(
		p, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* 16 aligned bytes at once (CMPXCHG16B; every CPU with SVM has it). Full barrier. */
static inline void shared_store128(uint64_t *p, uint64_t lo, uint64_t hi)
{
	uint64_t old_lo = p[0], old_hi = p[1];
	bool done = false;

	do {
		__asm__ volatile(
			"lock cmpxchg16b %1"
			: "=@ccz"(done), "+m"(*(uint64_t(*)[2])p), "+a"(old_lo), "+d"(old_hi)
			: "b"(lo), "c"(hi)
			: "memory");
	} while (!done);
}

/* MFENCE: earlier stores are visible to everybody before later loads are done. */
static inline void shared_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
