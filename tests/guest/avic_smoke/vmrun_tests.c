/* SPDX-License-Identifier: MIT */
/* What VMRUN checks of a VMCB with AVIC, field by field. */
#include "smoke.h"

#define AREA   "AVIC: a test hypervisor"
#define VMRUN  "VMRUN and #VMEXIT"
#define BEYOND (1ull << 51) /* of every physical address there is */

static struct vcpu *const a = &vcpus[0];

static void guest_ends(void)
{
	vmmcall();
}

static void field_set(unsigned offset, uint64_t value)
{
	setup(a, guest_ends);
	*field64(a, offset) = value;
}

static void refused(unsigned offset, uint64_t value, const char *what)
{
	field_set(offset, value);
	check(run(a) == ~0ull, what);
	check(*field64(a, 0x578) == (uint64_t)guest_ends, what);
}

static void accepted(unsigned offset, uint64_t value, const char *what)
{
	field_set(offset, value);
	expect_exit(VMMCALL, 0, 0, what);
}

static void limits(void)
{
	const char *what = "MAX_INDEX 256 in xAVIC mode and 512 in x2AVIC mode: VMEXIT_INVALID; "
			   "one less is accepted";
	unsigned first_bad = guest_x2 ? 512 : 256;

	CASE(VMRUN, what);
	accepted(0xf8, (uint64_t)physical_table | (first_bad - 1), what);
	refused(0xf8, (uint64_t)physical_table | first_bad, what);
	refused(0xf8, (uint64_t)physical_table | 0xfff, what);
}

static void mode(void)
{
	const char *without = "x2AVIC without AVIC: VMEXIT_INVALID";
	const char *neither = "neither bit: runs, and an access to the APIC is no AVIC exit";

	CASE(VMRUN, without);
	refused(0x60, 0x41000000, without);
	CASE(VMRUN, neither);
	accepted(0x60, 0x01000000, neither);
}

static void pointers(void)
{
	static const struct {
		unsigned offset;
		const char *name;
	} list[] = {
		{ 0x98, "APIC_BAR beyond the physical address width: VMEXIT_INVALID" },
		{ 0xe0, "backing page beyond the physical address width: VMEXIT_INVALID" },
		{ 0xf0, "logical table beyond the physical address width: VMEXIT_INVALID" },
		{ 0xf8, "physical table beyond the physical address width: VMEXIT_INVALID" },
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		ASSUMED(VMRUN, list[i].name);
		setup(a, guest_ends);
		refused(list[i].offset, *field64(a, list[i].offset) | BEYOND, list[i].name);
	}
}

/* Not checked by hardware, as far as is known, and never done by correct software. */
static void reserved(unsigned offset, uint64_t bits, const char *report, const char *what)
{
	setup(a, guest_ends);
	expect_strict(report);
	accepted(offset, *field64(a, offset) | bits, what);
}

static void reserved_bits(void)
{
	const char *what = "reserved bits of APIC_BAR and of the pointers: runs, and is an error "
			   "of software";

	ASSUMED(VMRUN, what);
	reserved(0x98, 8, "APIC_BAR: reserved bits", what);
	reserved(0xe0, 8, "backing page pointer: reserved bits", what);
	reserved(0xf0, 8, "logical table pointer: reserved bits", what);
	reserved(0xf8, 1ull << 60, "physical table pointer: reserved bits", what);
	reserved(0x60, 1 << 8, "V_IRQ is set, and ignored", what);
	reserved(0x0c, 1 << 4, "VINTR is intercepted", what);
	reserved(0x00, 1ull << (16 + 8), "CR8 writes are intercepted", what);
}

void vmrun_checks(void)
{
	mode();
	limits();
	pointers();
	reserved_bits();
}
