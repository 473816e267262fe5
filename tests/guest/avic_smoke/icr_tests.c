/* SPDX-License-Identifier: MIT */
/* What an ICR write leaves to software: types, vectors, targets that are not there. */
#include "smoke.h"

#define AREA       "AVIC: a test hypervisor"
#define INCOMPLETE "AVIC Incomplete IPI"
#define VEC        0x61u
#define LOGICAL    0x800u
#define BUSY       0x1000u
#define IRR        0x200u
#define NOWHERE    0xfed00000ull /* no memory: the HPET's registers */
#define VALID      (1ull << 63)

static struct vcpu *const a = &vcpus[0];
static struct vcpu *const b = &vcpus[1];
static volatile uint64_t icr; /* destination above, the rest below */

static void guest_send(void)
{
	apic_write(0x300, icr);
	vmmcall();
}

/* As EXITINFO1 has it. */
static uint64_t info1(void)
{
	return guest_x2 ? icr : (icr >> 32) << 56 | (uint32_t)icr;
}

static bool posted(const struct vcpu *v)
{
	uint32_t any = 0;

	for (unsigned i = 0; i < 8; i++)
		any |= page_get(v, IRR + 16 * i);
	return any;
}

static void prepare(uint32_t dest, uint32_t low)
{
	setup(a, guest_send);
	setup(b, guest_send);
	set_running(0, 0, true);
	icr = (uint64_t)dest << 32 | low;
}

/* What the exit is, then that the guest goes on behind the write. */
static void incomplete(unsigned id, unsigned index, const char *what)
{
	expect_exit(0x401, info1(), (uint64_t)id << 32 | index, what);
	check((page_get(a, 0x300) & ~BUSY) == (uint32_t)icr, what);
	check(page_get(a, 0x310) == (uint32_t)(info1() >> 32), what);
	expect_exit(VMMCALL, 0, 0, what);
}

#define TYPE(name)                                                                                 \
	"ICR, " name ": exit ID 0 for every shorthand, destination mode, running and stopped "     \
	"target; the ICR is stored, no IRR bit set"

static const struct {
	uint32_t low;
	const char *name;
} types[] = {
	{ 1u << 8, TYPE("lowest priority") },
	{ 2u << 8, TYPE("SMI") },
	{ 3u << 8, TYPE("type 3") },
	{ 4u << 8, TYPE("NMI") },
	{ 5u << 8 | 1u << 14, TYPE("INIT") },
	{ 5u << 8 | 1u << 15, TYPE("INIT, level, de-assert") },
	{ 6u << 8, TYPE("start-up") },
	{ 7u << 8, TYPE("ExtINT") },
	{ 1u << 15 | 1u << 14, TYPE("fixed, level, assert") },
	{ 1u << 15, TYPE("fixed, level, de-assert") },
};

static void one_type(uint32_t low, bool running, const char *name)
{
	for (unsigned shorthand = 0; shorthand < 4; shorthand++) {
		for (unsigned logical = 0; logical < 2; logical++) {
			prepare(logical ? 2 : 1, low | shorthand << 18 | (logical ? LOGICAL : 0));
			set_running(1, 1, running);
			incomplete(0, 0, name);
			check(!posted(a) && !posted(b), name);
		}
	}
}

void icr_types(void)
{
	logical_table[1] = 1u << 31 | 1;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CASE(INCOMPLETE, types[i].name);
		for (unsigned running = 0; running < 2; running++) {
			one_type(types[i].low | VEC, running, types[i].name);
			one_type(types[i].low, running, types[i].name); /* vector 0 */
		}
	}
	set_running(1, 1, false);
	logical_table[1] = 0;
}

void icr_vectors(void)
{
	const char *what =
		"ICR, vectors 0 to 15: exit ID 4 for every shorthand, no IRR bit; 16 is sent";

	CASE(INCOMPLETE, what);
	for (unsigned shorthand = 0; shorthand < 4; shorthand++) {
		for (unsigned vector = 0; vector < 16; vector++) {
			prepare(1, vector | shorthand << 18);
			incomplete(4, 0, what);
			check(!posted(a) && !posted(b), what);
		}
	}
	prepare(1, 16);
	incomplete(1, 1, what);
	check(page_bit(b, IRR, 16), what);
}

void icr_bad_page(void)
{
	const char *directed = "ICR, the target's backing page is no memory: exit ID 3 with its "
			       "index, no IRR bit";
	const char *broadcast = "ICR, the same in a broadcast: exit ID 3, the others have the bit";

	CASE(INCOMPLETE, directed);
	physical_table[5] = VALID | NOWHERE;
	for (unsigned running = 0; running < 2; running++) {
		physical_table[5] ^= (uint64_t)running << 62;
		prepare(5, VEC);
		expect_strict("entry 5, no page at fed00000");
		incomplete(3, 5, directed);
		check(!posted(a) && !posted(b), directed);
	}
	ASSUMED(INCOMPLETE, broadcast);
	prepare(0, VEC | 3u << 18);
	set_running(1, 1, false);
	expect_strict("entry 5, no page at fed00000");
	incomplete(3, 5, broadcast);
	check(page_bit(b, IRR, VEC) && !posted(a), broadcast);
	physical_table[5] = 0;
}

/* IDs up to MAX_INDEX are there if their entry is valid; what is above it is not. */
static void limit(unsigned max, unsigned dest, uint32_t low, unsigned id, const char *what)
{
	prepare(dest, low | VEC);
	*field64(a, 0xf8) = (uint64_t)physical_table | max;
	incomplete(id, id == 2 ? dest & 0xfff : dest, what);
	check(page_bit(b, IRR, VEC) == (id == 1), what);
}

void icr_limits(void)
{
	const char *what = "MAX_INDEX is the last ID that an IPI reaches: one above it is exit ID "
			   "2 whatever its entry says, and no broadcast gets there";
	unsigned last = guest_x2 ? 511 : 254;

	CASE("Advanced Virtual Interrupt Controller", what);
	set_running(1, 1, false);
	set_running(2, 1, true);
	limit(1, 1, 0, 1, what);
	limit(1, 2, 0, 2, what);
	limit(0, 1, 0, 2, what);
	set_running(last, 1, false);
	limit(last, last, 0, 1, what);
	limit(last - 1, last, 0, 2, what);
	physical_table[last] = physical_table[2] = 0;
	if (guest_x2) {
		limit(511, 512, 0, 2, what);
		limit(511, 0x7fffffff, 0, 2, what);
	}
	limit(last, 2, 0, 2, what); /* V = 0 */
	prepare(0, VEC | 2u << 18);
	*field64(a, 0xf8) = (uint64_t)physical_table;
	expect_exit(VMMCALL, 0, 0, what);
	check(page_bit(a, IRR, VEC) && !posted(b), what);
}

void icr_logical_unknown(void)
{
	const char *unknown = "IPI, logical, one target of two unknown: exit ID 2, nobody gets it";
	const char *nobody = "IPI, logical, destination 0: no exit, no IRR bit";

	ASSUMED(INCOMPLETE, unknown);
	logical_table[0] = 1u << 31;
	set_running(1, 1, false);
	physical_table[3] = 0;
	prepare(1 << 0 | 1 << 3, LOGICAL | VEC);
	incomplete(2, 3, unknown);
	check(!posted(a) && !posted(b), unknown);
	if (!guest_x2) {
		logical_table[1] = 1u << 31 | 3; /* valid, but that ID is not */
		prepare(1 << 1, LOGICAL | VEC);
		incomplete(2, 3, unknown);
		logical_table[1] = 1u << 31 | 255; /* never an ID */
		prepare(1 << 1, LOGICAL | VEC);
		incomplete(2, 255, unknown);
		logical_table[1] = 0;
	}
	CASE("AVIC IPI Delivery", nobody);
	prepare(0, LOGICAL | VEC);
	expect_exit(VMMCALL, 0, 0, nobody);
	check(!posted(a) && !posted(b), nobody);
	logical_table[0] = 0;
}
