// SPDX-License-Identifier: MIT
#include "guest/pvclock.h"
#include "base/bits.h"
#include "drivers/clock.h"
#include "drivers/rtc.h"
#include "vcpu.h"
#include "vm.h"

#define ENABLE      BIT(0)
#define VERSION     2 /* odd while it is being written, which here nobody can see */
#define FLAG_STABLE 1
#define NS_PER_S    1000000000ull

struct system_time {
	uint32_t version, pad;
	uint64_t tsc, system_ns;
	uint32_t multiplier; /* ns = ((tsc << shift) * multiplier) >> 32 */
	int8_t shift;
	uint8_t flags, pad_2[2];
};
_Static_assert(sizeof(struct system_time) == 32, "pvclock_vcpu_time_info");

struct wall_time {
	uint32_t version, seconds, nanoseconds;
};
_Static_assert(sizeof(struct wall_time) == 12, "pvclock_wall_clock");

/* The multiplier gets a value of 2^31 or more, so that no digit is wasted. */
static void scale(struct system_time *t, uint64_t hz)
{
	for (; hz > 2 * NS_PER_S; hz >>= 1)
		t->shift--;
	for (; hz <= NS_PER_S; hz <<= 1)
		t->shift++;
	t->multiplier = (uint32_t)((NS_PER_S << 32) / hz);
}

static bool write_system(struct vcpu *v, uint64_t value)
{
	struct system_time t = {
		.version = VERSION,
		.tsc = v->vm->clock.start_ticks + svm_tsc_offset(&v->svm),
		.flags = FLAG_STABLE,
	};

	v->pvclock = value;
	if (!(value & ENABLE))
		return true;
	scale(&t, clock_ticks_per_us() * 1000000);
	return vm_write(v->vm, GPA(value & ~ENABLE), &t, sizeof(t));
}

static bool write_wall(struct vm *vm, uint64_t value)
{
	uint64_t us = rtc_us_at(vm->clock.start_ticks);
	const struct wall_time t = { VERSION, (uint32_t)(us / 1000000),
		(uint32_t)(us % 1000000 * 1000) };

	vm->clock.wall = value;
	return vm_write(vm, GPA(value), &t, sizeof(t));
}

__attribute__((noinline)) bool pvclock_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	return msr == MSR_PVCLOCK_WALL ? write_wall(v->vm, value) : write_system(v, value);
}

uint64_t pvclock_read(const struct vcpu *v, uint32_t msr)
{
	return msr == MSR_PVCLOCK_WALL ? v->vm->clock.wall : v->pvclock;
}
