/* SPDX-License-Identifier: MIT */
/* The sender: goes through the arms. */
#include "apic.h"
#include "bench.h"
#include "devices.h"

#define LOST_MAX 3 /* an arm is given up after so many */

#define POSTED HC_FEATURE_POSTED
#define GALOG  (HC_FEATURE_POSTED | HC_FEATURE_GALOG)
#define GAPPI  (HC_FEATURE_POSTED | HC_FEATURE_GAPPI)

static const struct arm arms[] = {
	{ 1, "emulated-busy", DELIVERY_EMULATED, HALT_AUTO, ORDER_SPIN, COMPANY_NONE, TRIGGER_IGB,
		0 },
	{ 2, "emulated-halted-idle", DELIVERY_EMULATED, HALT_AUTO, ORDER_HALT, COMPANY_NONE,
		TRIGGER_IGB, 0 },
	{ 3, "emulated-halted-busy", DELIVERY_EMULATED, HALT_AUTO, ORDER_HALT, COMPANY_BUSY,
		TRIGGER_IGB, 0 },
	{ 4, "posted-busy", DELIVERY_POSTED, HALT_AUTO, ORDER_SPIN, COMPANY_NONE, TRIGGER_IGB,
		POSTED },
	{ 5, "native-idle", DELIVERY_POSTED, HALT_NATIVE, ORDER_HALT, COMPANY_NONE, TRIGGER_IGB,
		POSTED },
	/* The busy one gets no time: who halts without an exit keeps the pCPU. */
	{ 18, "native-busy", DELIVERY_POSTED, HALT_NATIVE, ORDER_HALT, COMPANY_BUSY, TRIGGER_IGB,
		POSTED },
	{ 6, "galog-idle", DELIVERY_POSTED, HALT_GALOG, ORDER_HALT, COMPANY_NONE, TRIGGER_IGB,
		GALOG },
	{ 7, "galog-busy", DELIVERY_POSTED, HALT_GALOG, ORDER_HALT, COMPANY_BUSY, TRIGGER_IGB,
		GALOG },
	{ 8, "galog-64", DELIVERY_POSTED, HALT_GALOG, ORDER_HALT, COMPANY_SLEEPERS, TRIGGER_IGB,
		GALOG },
	{ 9, "galog-edu", DELIVERY_POSTED, HALT_GALOG, ORDER_EDU, COMPANY_NONE, TRIGGER_EDU,
		GALOG },
	{ 10, "galog-overflow", DELIVERY_POSTED, HALT_GALOG, ORDER_HALT, COMPANY_SLEEPERS,
		TRIGGER_BURST, GALOG },
	{ 11, "gappi-own-idle", DELIVERY_POSTED, HALT_GAPPI, ORDER_HALT, COMPANY_NONE, TRIGGER_IGB,
		GAPPI },
	{ 12, "gappi-own-busy", DELIVERY_POSTED, HALT_GAPPI, ORDER_HALT, COMPANY_BUSY, TRIGGER_IGB,
		GAPPI },
	{ 13, "gappi-own-64", DELIVERY_POSTED, HALT_GAPPI, ORDER_HALT, COMPANY_SLEEPERS,
		TRIGGER_IGB, GAPPI },
	{ 14, "gappi-own-edu", DELIVERY_POSTED, HALT_GAPPI, ORDER_EDU, COMPANY_NONE, TRIGGER_EDU,
		GAPPI },
	{ 15, "gappi-shared-idle", DELIVERY_POSTED, HALT_GAPPI_SHARED, ORDER_HALT, COMPANY_NONE,
		TRIGGER_IGB, GAPPI },
	{ 16, "gappi-shared-busy", DELIVERY_POSTED, HALT_GAPPI_SHARED, ORDER_HALT, COMPANY_BUSY,
		TRIGGER_IGB, GAPPI },
	{ 17, "gappi-shared-64", DELIVERY_POSTED, HALT_GAPPI_SHARED, ORDER_HALT, COMPANY_SLEEPERS,
		TRIGGER_IGB, GAPPI },
};

static const char *why_skipped(const struct arm *arm)
{
	uint64_t have = (uint64_t)hypercall(HC_FEATURES, 0, 0, 0, 0);
	const struct guest_info *info = guest_info();

	if ((arm->features & have) != arm->features)
		return "the machine lacks a feature";
	if (arm->trigger == TRIGGER_EDU && bench.edu == DEVICE_MISSING)
		return "no edu device";
	if (arm->company == COMPANY_BUSY && info->vcpu_count <= BENCH_BUSY)
		return "no third vCPU";
	if (arm->company == COMPANY_SLEEPERS && bench.sleepers < BENCH_SLEEPERS)
		return "fewer than 64 sleepers";
	return NULL;
}

static bool set_modes(const struct arm *arm)
{
	if (hypercall(HC_SET_DELIVERY, arm->delivery, 0, 0, 0))
		return false;
	return arm->halt == HALT_AUTO || hypercall(HC_SET_HALT, arm->halt, 0, 0, 0) == 0;
}

/* T takes up its order first: on its pCPU the others get to run only while it is halted. */
static bool company_comes(const struct arm *arm)
{
	bench.dismissed = 0;
	bench.order = arm->order;
	if (arm->order == ORDER_HALT && !wait_until(bench_is_asleep, BENCH_TARGET))
		return false;
	if (arm->company == COMPANY_BUSY)
		return bench_unpark(BENCH_BUSY);
	for (uint32_t i = 0; arm->company == COMPANY_SLEEPERS && i < bench.sleepers; i++) {
		if (!bench_unpark(BENCH_FIRST_SLEEPER + i) ||
			!wait_until(bench_is_asleep, BENCH_FIRST_SLEEPER + i))
			return false;
	}
	return true;
}

static bool company_goes(const struct arm *arm)
{
	uint64_t spins;

	/* Or else the busy one never learns that it may go. */
	if (arm->halt == HALT_NATIVE && arm->company == COMPANY_BUSY &&
		hypercall(HC_SET_HALT, HALT_GALOG, 0, 0, 0))
		return false;
	bench.dismissed = 1;
	if (arm->company == COMPANY_BUSY && !wait_for(&bench.parked[BENCH_BUSY], 1))
		return false;
	for (uint32_t i = 0; arm->company == COMPANY_SLEEPERS && i < bench.sleepers; i++) {
		bench_nudge(BENCH_FIRST_SLEEPER + i);
		if (!wait_for(&bench.parked[BENCH_FIRST_SLEEPER + i], 1))
			return false;
	}
	spins = bench.spins;
	bench.order = ORDER_SPIN;
	bench_nudge(BENCH_TARGET);
	for (unsigned i = 0; i < 1000000 && bench.spins == spins; i++)
		cpu_relax();
	return bench.spins != spins;
}

static bool fire_one(const struct arm *arm, uint64_t number, struct arm_result *r)
{
	bool halts = arm->order == ORDER_HALT;

	if (halts && !wait_until(bench_is_asleep, BENCH_TARGET))
		return false;
	/* Long enough that it has halted, and never the same. */
	pause_times(halts ? 4 + (unsigned)(number * 7 % 29) : (unsigned)(number % 5));
	bench.sent = number;
	r->sent++;
	igb_fire(bench.igb, 1);
	if (wait_for(&bench.seen, number))
		return true;
	r->lost++;
	bench.seen = number;
	bench_nudge(BENCH_TARGET);
	return r->lost < LOST_MAX;
}

static bool fire_all(const struct arm *arm, struct arm_result *r)
{
	bool ok = true;

	bench_mark(arm, 1);
	for (uint64_t i = 1; ok && i <= bench.count; i++)
		ok = fire_one(arm, i, r);
	if (arm->order == ORDER_HALT)
		ok = wait_until(bench_is_asleep, BENCH_TARGET) && ok;
	pause_times(40);
	bench_mark(arm, 0);
	r->delivered = bench.delivered;
	return ok;
}

/* T does the work: bench_roles.c, target_edu(). */
static bool edu_all(struct arm_result *r)
{
	bench_park(BENCH_SENDER);
	r->sent = bench.sent;
	r->delivered = bench.delivered;
	r->lost = r->sent - r->delivered;
	return true;
}

static bool arm_fire(const struct arm *arm, struct arm_result *r)
{
	switch (arm->trigger) {
	case TRIGGER_EDU:
		return edu_all(r);
	case TRIGGER_BURST:
		return burst_run(r);
	default:
		return fire_all(arm, r);
	}
}

/* False when the target can't be had back, so that no other arm makes sense. */
static bool arm_run(const struct arm *arm, bool *all_done)
{
	static struct arm_result r;
	const char *why = why_skipped(arm);

	r = (struct arm_result){ .arm = arm->number, .state = ARM_SKIPPED };
	for (unsigned i = 0; arm->name[i] && i < sizeof(r.name) - 1; i++)
		r.name[i] = arm->name[i];
	if (why) {
		print("bench: %s: skipped: %s\n", arm->name, why);
		hypercall(HC_RESULT, (uintptr_t)&r, 0, 0, 0);
		return true;
	}
	bench.arm = arm;
	bench.sent = bench.seen = bench.delivered = bench.duplicates = 0;
	bool ok = set_modes(arm) && company_comes(arm) && arm_fire(arm, &r);

	r.duplicates = bench.duplicates;
	bool usable = company_goes(arm);

	if (arm->trigger == TRIGGER_BURST)
		ok = device_route(bench.igb, 0, BENCH_TARGET, VEC_BENCH) && ok;
	r.state = ok && usable && !r.lost && !r.duplicates ? ARM_DONE : ARM_FAILED;
	print("bench: %s: %s: %lu sent, %lu delivered, %lu duplicates, %lu lost\n", arm->name,
		r.state == ARM_DONE ? "done" : "FAILED", r.sent, r.delivered, r.duplicates, r.lost);
	hypercall(HC_RESULT, (uintptr_t)&r, 0, 0, 0);
	*all_done = *all_done && r.state == ARM_DONE;
	return usable;
}

static bool setup(void)
{
	const struct guest_info *info = guest_info();

	if (info->vcpu_pcpu[BENCH_TARGET] == info->vcpu_pcpu[BENCH_SENDER]) {
		print("bench: target and sender need a pCPU each\n");
		return false;
	}
	if (bench.igb == DEVICE_MISSING) {
		print("bench: no igb device\n");
		return false;
	}
	for (uint32_t i = 0; i < info->vcpu_count; i++) {
		if (i != BENCH_SENDER && !wait_for(&bench.parked[i], 1)) {
			print("bench: vCPU %u did not come up\n", i);
			return false;
		}
	}
	igb_init(bench.igb);
	return device_route(bench.igb, 0, BENCH_TARGET, VEC_BENCH) &&
	       (bench.edu == DEVICE_MISSING || device_route(bench.edu, 0, BENCH_TARGET, VEC_EDU)) &&
	       bench_unpark(BENCH_TARGET);
}

static _Noreturn void bench_sender(void)
{
	bool usable, ok = true;

	bench.count = args_number("count", 10000);
	bench.igb = igb_find(0);
	bench.edu = edu_find(0);
	bench.sleepers = guest_info()->vcpu_count > BENCH_FIRST_SLEEPER
				 ? guest_info()->vcpu_count - BENCH_FIRST_SLEEPER
				 : 0;
	irq_enable();
	usable = setup();
	for (size_t i = 0; usable && i < sizeof(arms) / sizeof(arms[0]); i++) {
		if (args_selects("only", arms[i].name))
			usable = arm_run(&arms[i], &ok);
	}
	test_end("bench", usable && ok);
}

void program_bench(uint32_t index)
{
	if (index == BENCH_TARGET)
		bench_handlers();
	switch (index) {
	case BENCH_TARGET:
		bench_target();
		break;
	case BENCH_SENDER:
		bench_sender();
	case BENCH_BUSY:
		bench_busy();
		break;
	default:
		bench_sleeper(index);
	}
}
