// SPDX-License-Identifier: MIT
/* 24593 rev 3.44, "Memory-Type Range Registers". */
#include "guest/vmtrr.h"
#include "base/bits.h"
#include "svm/regs.h"

#define CAP_FIXED         BIT(8)
#define CAP_WRITE_COMBINE BIT(10)
#define DEFAULT_TYPE      FIELD(7, 0)
#define DEFAULT_FIXED_ON  BIT(10)
#define DEFAULT_ON        BIT(11)
#define DEFAULT_WRITABLE  (DEFAULT_ON | DEFAULT_FIXED_ON | DEFAULT_TYPE)
#define TYPE_WRITE_BACK   6ull
#define EIGHT_TIMES       0x0101010101010101ull
#define VARIABLE_FIRST    0x200u
#define FIXED_64K         0x250u
#define FIXED_16K         0x258u
#define FIXED_4K          0x268u

void vmtrr_reset(struct vmtrr *m)
{
	*m = (struct vmtrr){ .default_type = DEFAULT_ON | DEFAULT_FIXED_ON | TYPE_WRITE_BACK };
	for (unsigned i = 0; i < VMTRR_FIXED; i++)
		m->fixed[i] = TYPE_WRITE_BACK * EIGHT_TIMES;
}

static bool is_type(uint8_t type)
{
	return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

static uint64_t *fixed(struct vmtrr *m, uint32_t msr)
{
	if (msr == FIXED_64K)
		return &m->fixed[0];
	if (msr - FIXED_16K < 2)
		return &m->fixed[1 + msr - FIXED_16K];
	if (msr - FIXED_4K < 8)
		return &m->fixed[3 + msr - FIXED_4K];
	return NULL;
}

static uint64_t *place(struct vmtrr *m, uint32_t msr)
{
	if (msr == MSR_MTRR_DEFAULT)
		return &m->default_type;
	if (msr - VARIABLE_FIRST < 2 * VMTRR_VARIABLE)
		return &m->variable[msr - VARIABLE_FIRST];
	return fixed(m, msr);
}

__attribute__((noinline)) bool vmtrr_read(const struct vmtrr *m, uint32_t msr, uint64_t *value)
{
	const uint64_t *at = place((struct vmtrr *)m, msr);

	if (msr == MSR_MTRR_CAP)
		*value = CAP_WRITE_COMBINE | CAP_FIXED | VMTRR_VARIABLE;
	else if (at)
		*value = *at;
	return at || msr == MSR_MTRR_CAP;
}

__attribute__((noinline)) bool vmtrr_write(struct vmtrr *m, uint32_t msr, uint64_t value)
{
	uint64_t *at = place(m, msr);

	if (!at)
		return false;
	if (msr == MSR_MTRR_DEFAULT && (value & ~DEFAULT_WRITABLE || !is_type((uint8_t)value)))
		return false;
	if (fixed(m, msr))
		for (unsigned i = 0; i < 8; i++)
			if (!is_type((uint8_t)(value >> 8 * i)))
				return false;
	*at = value;
	return true;
}
