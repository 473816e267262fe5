/* SPDX-License-Identifier: MIT */
/*
 * Local APICs that change their modes while they are fired at: vCPU 0 goes round xAPIC, x2APIC and
 * off, spinning and halting; vCPU 1 sends it IPIs, by physical, logical and broadcast
 * destinations, and a device's interrupts, each when the one before has come, and goes round too,
 * at a pace of its own. Each must come, and come once. Then both stay in one mode, and in the
 * other, and what IPIs cost there is counted.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define TARGET 0
#define SENDER 1

enum { VEC_IGB = 0x51, VEC_IPI = 0x71 };

bool probe_wrmsr(uint32_t msr, uint64_t value);

static volatile uint64_t ipis_sent, ipis_seen, igb_sent, igb_seen, twice, ready, failed, turns;
static volatile uint64_t settle, settled; /* a mode that the target shall stay in */
static int igb;

static void seen(uint64_t sent, volatile uint64_t *word)
{
	twice += *word == sent;
	*word = sent;
}

static void on_ipi(uint32_t vcpu, uint8_t vector)
{
	(void)vector;
	if (vcpu == TARGET)
		seen(ipis_sent, &ipis_seen);
}

static void on_igb(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	seen(igb_sent, &igb_seen);
}

static uint64_t base_of(uint64_t mode)
{
	return (apic_base() & ~(uint64_t)(APIC_BASE_ENABLED | APIC_BASE_X2APIC)) | mode;
}

static bool go(uint64_t mode)
{
	return probe_wrmsr(MSR_APIC_BASE, base_of(mode));
}

#define XAPIC  APIC_BASE_ENABLED
#define X2APIC (APIC_BASE_ENABLED | APIC_BASE_X2APIC)
#define OFF    0

/* Those that there must not be, in whatever mode this vCPU is: it stays in it. */
static bool forbidden(void)
{
	uint64_t before = apic_base();
	bool x2apic = before & APIC_BASE_X2APIC;
	bool ok = !go(APIC_BASE_X2APIC) && !probe_wrmsr(MSR_APIC_BASE, before ^ 0x1000) &&
		  !probe_wrmsr(MSR_APIC_BASE, before ^ 1) && (!x2apic || !go(XAPIC));

	return ok && apic_base() == before;
}

/* From xAPIC mode once round. pause: how long in each. */
static bool round(uint32_t index, unsigned pause)
{
	bool ok = forbidden() && go(X2APIC) && forbidden();

	pause_times(pause);
	ok = ok && go(OFF) && !go(X2APIC) && !go(APIC_BASE_X2APIC);
	pause_times(pause % 5);
	ok = ok && go(XAPIC) && apic_read(APIC_ID) == index << 24;
	apic_set_logical_id(index);
	pause_times(pause);
	return ok;
}

static bool nothing_due(void)
{
	return ipis_sent == ipis_seen && igb_sent == igb_seen;
}

/* Halted in xAPIC mode, or in x2APIC mode, until something comes. */
static bool sleep_once(bool x2apic)
{
	bool ok = !x2apic || go(X2APIC);

	irq_disable();
	if (nothing_due() && !settle)
		irq_enable_and_halt();
	irq_enable();
	ok = ok && (!x2apic || (go(OFF) && go(XAPIC)));
	apic_set_logical_id(TARGET);
	return ok;
}

static void target(void)
{
	bool ok = true;

	apic_set_logical_id(TARGET);
	irq_enable();
	ready = 2;
	while (ok && !settle) {
		ok = round(TARGET, (unsigned)(turns * 5 % 23));
		turns++;
		if (ok && turns % 4 == 0)
			ok = sleep_once(turns % 8 == 0);
	}
	for (uint64_t mode = XAPIC; ok; mode = X2APIC) {
		ok = go(mode);
		settled = mode;
		while (ok && settle == mode)
			cpu_relax();
	}
	print("apic-modes: a change of the target went wrong, base %lx\n", apic_base());
	failed = 1;
}

/* One IPI to the target: by its ID, to all others, or by its logical ID; the last from x2APIC mode
 * only, since in xAPIC mode nobody has one until software gives it. */
static bool fire(uint64_t n)
{
	bool x2apic = apic_base() & APIC_BASE_X2APIC;

	ipis_sent = n;
	if (n % 3 == 0)
		apic_ipi(0, ICR_OTHERS | VEC_IPI);
	else if (n % 3 == 1 && x2apic)
		apic_ipi(1u << TARGET, ICR_LOGICAL | VEC_IPI);
	else
		apic_ipi(TARGET, VEC_IPI);
	pause_times((unsigned)(n * 7 % 19));
	igb_sent = n;
	igb_fire(igb, 1);
	return wait_for(&ipis_seen, n) && wait_for(&igb_seen, n);
}

static bool sender_changes(uint64_t n)
{
	if (n % 8 == 0)
		return go(X2APIC);
	return n % 8 != 4 || n < 8 || (go(OFF) && go(XAPIC));
}

/* Both in one mode, the target spins: exits of the whole VM for 100 IPIs, with a hypercall. */
static bool cost(uint64_t mode, const char *name, uint64_t n)
{
	static struct hc_counters before, after;
	bool ok;

	settle = mode;
	/* It may be asleep. */
	ok = fire(n) && wait_for(&settled, mode) && go(mode);
	apic_mode_stays(mode == X2APIC);
	hypercall(HC_COUNTERS, (uintptr_t)&before, 0, 0, 0);
	for (uint64_t i = 1; i <= 100 && ok; i++) {
		ipis_sent = n + i;
		apic_ipi(TARGET, VEC_IPI);
		ok = wait_for(&ipis_seen, n + i);
	}
	hypercall(HC_COUNTERS, (uintptr_t)&after, 0, 0, 0);
	apic_mode_changes();
	print("apic-modes: 100 IPIs in %s mode: %lu exits\n", name, after.exits - before.exits);
	return ok;
}

static bool set_up(void)
{
	apic_mode_changes();
	trap_handler(VEC_IPI, on_ipi);
	trap_handler(VEC_IGB, on_igb);
	igb = igb_find(0);
	if (igb == DEVICE_MISSING)
		return false;
	igb_init(igb);
	return device_route(igb, 0, TARGET, VEC_IGB);
}

void program_apic_modes(uint32_t index)
{
	uint64_t count = args_number("count", 300), n = 0;

	if (index == TARGET) {
		wait_for(&ready, 1);
		target();
	}
	if (index != SENDER)
		return;
	bool ok = set_up();

	ready = 1;
	ok = ok && wait_for(&ready, 2);
	while (ok && n < count && !failed) {
		n++;
		ok = sender_changes(n) && fire(n);
	}
	print("apic-modes: %lu IPIs and %lu igb interrupts sent, %lu and %lu seen, %lu twice%s\n",
		n, igb_sent, ipis_seen, igb_seen, twice, ok ? "" : ": given up");
	print("apic-modes: the target went round %lu times\n", turns);
	ok = ok && (!(apic_base() & APIC_BASE_X2APIC) || go(OFF)) &&
	     cost(XAPIC, "xAPIC", count + 1) && cost(X2APIC, "x2APIC", count + 1000);
	test_end("apic-modes", ok && !failed && !twice && turns > count / 10);
}
