/* SPDX-License-Identifier: MIT */
/*
 * The monitor of the soak: goes through the arms, a mechanism and a fault each. What the emulator
 * has to do for a fault, tools/soak.py tells it when it sees the arm's first line.
 */
#include "apic.h"
#include "soak.h"
#include "trap.h"

#define SOAK_LOOK_US  20000
#define VICTIM_US     20000
#define VICTIM_ROUTES 10000 /* by then it must have been stopped */
#define ARM_BASE      100   /* arms' numbers: not the bench's */

static const char *const mechanisms[] = { "galog", "gappi-own", "gappi-shared", "native",
	"emulated" };
static const char *const faults[] = { "none", "overflow", "spurious", "completion-late",
	"completion-lost", "wake-lost", "storm", "migrate", "switch" };

static struct {
	uint64_t count; /* wake-ups in each arm */
	uint64_t late;  /* the same, where completions are late */
} monitor;

static struct hc_counters *counters(void)
{
	static struct hc_counters c;

	hypercall(HC_COUNTERS, (uintptr_t)&c, 0, 0, 0);
	return &c;
}

/* Sum over the targets of the word at this offset. */
static uint64_t sum(size_t offset)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < GUEST_VCPUS; i++)
		n += *(volatile uint64_t *)((char *)&soak.of[i] + offset);
	return n;
}
#define SUM(member) sum(offsetof(struct target, member))

static void name_arm(struct arm_result *r, enum soak_mechanism m, enum soak_fault f)
{
	const char *parts[] = { mechanisms[m], "-", faults[f] };
	size_t n = 0;

	for (unsigned i = 0; i < 3; i++)
		for (const char *p = parts[i]; *p && n + 1 < sizeof(r->name); p++)
			r->name[n++] = *p;
	soak.arm = r->name;
}

/* By a mechanism in which the hypervisor takes no part only the guest can count. */
static uint64_t wakeups(void)
{
	const struct hc_counters *c = counters();

	if (soak.mechanism == SOAK_NATIVE)
		return SUM(posted_asleep);
	return c->wakes - c->spurious_wakes - soak.naps;
}

static uint64_t storm_lost(void)
{
	uint64_t n = 0;

	for (uint32_t m = 0; soak.fault == SOAK_STORM && m < IGB_MESSAGES; m++)
		n += soak.storm_seen[m] != soak.storm_sent;
	return n;
}

static bool helper_rests(void)
{
	for (uint64_t i = 0; !soak.helper_rests; i++) {
		if (i == soak.patience)
			return false;
		soak_nap(SOAK_LOOK_US);
	}
	return true;
}

/* Until nothing is under way, or something will never come. */
static void run_out(void)
{
	soak.stop = 1;
	while (__atomic_load_n(&soak.tokens, __ATOMIC_SEQ_CST) && !soak.lost) {
		soak_nap(SOAK_LOOK_US);
		soak_watch();
	}
	if (!helper_rests()) {
		print("soak: the helper does not come back\n");
		soak.lost++;
	}
	for (uint64_t i = 0; storm_lost() && i < soak.patience; i++)
		soak_nap(SOAK_LOOK_US);
	soak.lost += storm_lost();
}

static void start(void)
{
	soak.lost = 0;
	soak.stop = 0;
	soak.helper_rests = 0;
	soak.tokens = soak.waves / 2;
	for (uint32_t w = 0; w < soak.waves; w += 2)
		soak_fire(w, SOAK_MONITOR);
}

static uint64_t fault_count(uint64_t moves)
{
	return soak.fault == SOAK_MIGRATE ? SUM(moves) - moves : soak.helper_done;
}

static void on_alarm(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
}

static bool run_arm(enum soak_mechanism m, enum soak_fault f)
{
	static struct arm_result r;
	uint64_t count = f == SOAK_COMPLETION_LATE ? monitor.late : monitor.count;
	uint64_t begin = read_tsc(), woken, moves = SUM(moves), asleep = SUM(posted_asleep);

	r = (struct arm_result){ .arm = ARM_BASE + (uint32_t)m * SOAK_FAULTS + (uint32_t)f };
	soak.mechanism = m;
	soak.fault = f;
	soak.helper_done = 0;
	name_arm(&r, m, f);
	print("soak: arm %s\n", r.name);
	if (!soak_set_mode(m) || !soak_route_all())
		return false;
	r.sent = SUM(posted);
	r.delivered = SUM(delivered);
	r.duplicates = SUM(twice);
	hypercall(HC_MARK | (uint64_t)r.arm << 32, 1, 0, 0, 0);
	woken = wakeups();
	start();
	/* A wake-up under way may turn out to be a spurious one, or a nap's: one of each vCPU. */
	while (!soak.lost &&
		(SUM(delivered) - r.delivered < count || wakeups() - woken < count + GUEST_VCPUS)) {
		soak_nap(SOAK_LOOK_US);
		soak_watch();
	}
	run_out();
	woken = wakeups() - woken;
	hypercall(HC_MARK | (uint64_t)r.arm << 32, 0, 0, 0, 0);
	print("REPORT soak arm=%u wakeups=%lu asleep=%lu faults=%lu us=%lu\n", r.arm, woken,
		SUM(posted_asleep) - asleep, fault_count(moves),
		(read_tsc() - begin) / guest_info()->tsc_per_us);
	r.sent = SUM(posted) - r.sent;
	r.delivered = SUM(delivered) - r.delivered;
	r.duplicates = SUM(twice) - r.duplicates;
	r.lost = soak.lost;
	r.state = r.lost || r.duplicates || r.sent != r.delivered ? ARM_FAILED : ARM_DONE;
	hypercall(HC_RESULT, (uintptr_t)&r, 0, 0, 0);
	return r.state == ARM_DONE && (f != SOAK_SWITCH || soak_set_mode(m));
}

/* Without HLT exits the machine must be laid out for it, and a completion that is lost leaves an
 * IOMMU that takes no commands any more. */
static bool applies(enum soak_mechanism m, enum soak_fault f)
{
	bool gappi = m == SOAK_GAPPI_OWN || m == SOAK_GAPPI_SHARED;

	if ((m == SOAK_NATIVE) != (args_number("hole", ~0u) != ~0u))
		return false;
	switch (f) {
	case SOAK_OVERFLOW:
		return m == SOAK_GALOG;
	case SOAK_SPURIOUS:
		return gappi;
	case SOAK_WAKE_LOST:
		return gappi || m == SOAK_GALOG;
	case SOAK_COMPLETION_LOST:
		return args_number("victim", 0);
	default:
		return true;
	}
}

static bool setup(void)
{
	const struct guest_info *info = guest_info();
	uint32_t igbs = 0;

	while (igbs < GUEST_INFO_DEVICES && igb_find(igbs) != DEVICE_MISSING)
		igb_init(igb_find(igbs++));
	monitor.count = args_number("count", 20000);
	monitor.late = args_number("late", monitor.count);
	soak.patience = args_number("patience", 500);
	soak.wave_messages = (uint32_t)args_number("wave", IGB_MESSAGES);
	soak.waves = (uint32_t)args_number("waves", igbs ? (igbs - 1) & ~1u : 0);
	soak.target_pcpus = (uint32_t)args_number("pcpus", 2);
	soak.hole = (uint32_t)args_number("hole", ~0u);
	soak.targets = soak.waves * soak.wave_messages;
	soak.storm = igbs > soak.waves ? igb_find(soak.waves) : DEVICE_MISSING;
	if (!soak.waves || soak.waves > SOAK_WAVES || soak.waves > igbs || soak.waves % 2 ||
		!soak.wave_messages || soak.wave_messages > IGB_MESSAGES ||
		info->vcpu_count < SOAK_TARGET + soak.targets) {
		print("soak: %u igb devices, %u vCPUs: too few, or wrong arguments\n", igbs,
			info->vcpu_count);
		return false;
	}
	for (uint32_t w = 0; w < soak.waves; w++)
		soak.waves_of[w].device = igb_find(w);
	soak.stop = 1;
	soak_handlers();
	return true;
}

static _Noreturn void soak_monitor(void)
{
	bool ok = setup();

	soak.ready = 1;
	for (unsigned m = 0; ok && m <= SOAK_EMULATED; m++) {
		for (unsigned f = 0; ok && f < SOAK_FAULTS; f++) {
			if (applies((enum soak_mechanism)m, (enum soak_fault)f) &&
				args_selects("mechanism", mechanisms[m]) &&
				args_selects("fault", faults[f]))
				ok = run_arm((enum soak_mechanism)m, (enum soak_fault)f);
		}
	}
	test_end("soak", ok);
}

void program_soak(uint32_t index)
{
	if (index == SOAK_MONITOR)
		soak_monitor();
	while (!soak.ready)
		cpu_relax();
	if (index == SOAK_HELPER)
		soak_helper();
	soak_target(index);
}

/* A VM beside the one that is measured, whose commands to the IOMMU are those that get lost. */
void program_soak_victim(uint32_t index)
{
	int igb = igb_find(0);

	if (index)
		return;
	trap_handler(VEC_ALARM, on_alarm);
	for (unsigned i = 0; i < VICTIM_ROUTES && igb != DEVICE_MISSING; i++) {
		if (!device_route(igb, 0, 0, (uint8_t)(VEC_SOAK + i % 2)))
			break;
		soak_nap(VICTIM_US);
	}
	test_end("soak-victim", false);
}
