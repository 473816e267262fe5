/* SPDX-License-Identifier: MIT */
/* One IPI in every way to name its target, which runs on the second CPU or does not. */
#include "smoke.h"

#define AREA    "AVIC: a test hypervisor"
#define VEC     0x61u
#define LOGICAL 0x800u

/* What each of them shows. */
#define WAY(how)                                                                                   \
	"IPI, " how ": IRR bit and exit ID 1 if the target is stopped, taken without exit if it "  \
	"runs"

struct way {
	const char *name;
	uint32_t dest, dest_x2; /* 0 in both, and no shorthand: not there in that mode */
	uint32_t low;
	uint32_t dfr;
	bool self_too;
};

/* vCPU 1 has bit 1 in the flat model, bit 2 of cluster 3, bit 1 of x2APIC's cluster 0; vCPU 0,
 * the sender, has the bit below. */
static const struct way ways[] = {
	{ WAY("physical"), 1, 1, 0, ~0u, false },
	{ WAY("physical broadcast"), 0xff, ~0u, 0, ~0u, true },
	{ WAY("logical flat"), 1 << 1, 0, LOGICAL, ~0u, false },
	{ WAY("logical cluster"), 0x34, 0, LOGICAL, 0x0fffffff, false },
	{ WAY("logical flat, two"), 3, 0, LOGICAL, ~0u, true },
	{ WAY("logical cluster, two"), 0x36, 0, LOGICAL, 0x0fffffff, true },
	{ WAY("logical broadcast"), 0xff, ~0u, LOGICAL, ~0u, true },
	{ WAY("x2APIC logical"), 0, 1 << 1, LOGICAL, ~0u, false },
	{ WAY("x2APIC logical, two"), 0, 3, LOGICAL, ~0u, true },
	{ WAY("all including self"), 0, 0, 0x80000, ~0u, true },
	{ WAY("all including self, logical"), 1, 1, 0x80000 | LOGICAL, ~0u, true },
	{ WAY("all excluding self"), 0, 0, 0xc0000, ~0u, false },
	{ WAY("all excluding self, logical"), 1, 1, 0xc0000 | LOGICAL, ~0u, false },
};

static struct vcpu *const a = &vcpus[0];
static struct vcpu *const b = &vcpus[1];
static volatile uint64_t icr; /* destination above, the rest below */
static volatile bool ready, open;

static void guest_send(void)
{
	apic_write(0x300, icr);
	vmmcall();
}

static void guest_wait(void)
{
	__asm__ volatile("sti");
	ready = true;
	while (!counts[1][VEC])
		pause();
	__asm__ volatile("cli");
	vmmcall();
}

static void sender(const struct way *w)
{
	setup(a, guest_send);
	page_set(a, 0xe0, w->dfr);
	icr = (uint64_t)(guest_x2 ? w->dest_x2 : w->dest) << 32 | w->low | VEC;
	set_running(0, 0, true);
	logical_table[0] = logical_table[3 * 4 + 1] = 1u << 31;
	logical_table[1] = logical_table[3 * 4 + 2] = 1u << 31 | 1;
}

static void to_stopped(const struct way *w)
{
	uint64_t dest = guest_x2 ? (uint64_t)w->dest_x2 << 32 : (uint64_t)w->dest << 56;

	setup(b, guest_wait);
	sender(w);
	set_running(1, 1, false);
	expect_exit(0x401, dest | w->low | VEC, 1ull << 32 | 1, w->name);
	check(page_bit(b, 0x200, VEC), w->name);
	check(page_bit(a, 0x200, VEC) == w->self_too, w->name);
	expect_exit(VMMCALL, 0, 0, w->name);
}

static void to_running(const struct way *w)
{
	sender(w);
	set_running(1, 1, true);
	ready = false;
	run_on_second(guest_wait);
	while (!ready)
		pause();
	expect_exit(VMMCALL, 0, 0, w->name);
	wait_second();
	check(counts[1][VEC] == 1, w->name);
	check(page_bit(a, 0x200, VEC) == w->self_too, w->name);
}

void ipi_ways(void)
{
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *w = &ways[i];

		if (!(guest_x2 ? w->dest_x2 : w->dest) && w->low < 0x40000)
			continue;
		if (guest_x2 && w->dest_x2 == ~0u)
			ASSUMED("AVIC IPI Delivery", w->name);
		else
			CASE("AVIC IPI Delivery", w->name);
		to_stopped(w);
		to_running(w);
	}
	set_running(1, 1, false);
	logical_table[0] = logical_table[1] = logical_table[3 * 4 + 1] = logical_table[3 * 4 + 2] =
		0;
}

static void guest_closed(void)
{
	apic_write(0x80, 0x70);
	__asm__ volatile("sti");
	ready = true;
	while (!open)
		pause();
	__asm__ volatile("cli");
	apic_write(0x80, 0);
	vmmcall();
	__asm__ volatile("sti; nop; nop; cli");
	vmmcall();
}

/* First by the TPR, then by IF: the doorbell is not lost, the interrupt comes in the end. */
void doorbell_held(void)
{
	CASE("Doorbell Mechanism", "target in its guest with a TPR too high, then IF = 0: the "
				   "interrupt waits and is taken when both allow it");
	ready = open = false;
	run_on_second(guest_closed);
	while (!ready)
		pause();
	post(b, VEC);
	doorbell(host_apicid[1]);
	for (volatile unsigned i = 0; i < 20000; i++)
		pause();
	check(counts[1][VEC] == 0, "held by the TPR");
	open = true;
	wait_second();
	check(counts[1][VEC] == 0 && page_bit(b, 0x200, VEC), "held by IF");
	*field64(b, 0x578) += 3;
	b->running = true;
	wait_second();
	check(counts[1][VEC] == 1, "taken in the end");
}
