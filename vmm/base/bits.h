/* SPDX-License-Identifier: MIT */
/* One name per field: the mask. The shift is derived from it. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "check.h"
#include "types.h"

#define BIT(n)        (1ull << (n))
#define FIELD(hi, lo) ((~0ull >> (63 - (hi))) & (~0ull << (lo)))

/* The value of a field; mask is a FIELD() constant and not 0. */
static inline uint64_t field_get(uint64_t mask, uint64_t word)
{
	return (word & mask) >> __builtin_ctzll(mask);
}

/* word with the field set to value; a value that doesn't fit is our bug. */
static inline uint64_t field_set(uint64_t mask, uint64_t word, uint64_t value)
{
	uint64_t shifted = value << __builtin_ctzll(mask);

	CHECK((shifted & ~mask) == 0 && shifted >> __builtin_ctzll(mask) == value);
	return (word & ~mask) | shifted;
}

#endif
