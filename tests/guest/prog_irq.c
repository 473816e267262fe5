/* SPDX-License-Identifier: MIT */
/*
 * Programs in which devices fire: vCPU 0 is the target, vCPU 1 sends, vCPU 2 (switch) changes the
 * modes. No interrupt may be lost or come twice.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "trap.h"
#include "config.h"

#define TARGET   0
#define SENDER   1
#define SWITCHER 2

enum { VEC_IGB = 0x51, VEC_EDU = 0x55, VEC_LOW = 0x41, VEC_HIGH = 0xa1 };

static volatile uint64_t sent, seen, twice, asleep, target_stop, switches, target_ready;
static volatile uint64_t low_seen, high_seen, edu_seen, migrations;
static int igb, edu;

static void on_igb(uint32_t vcpu, uint8_t vector)
{
	uint64_t now = sent;

	(void)vcpu;
	(void)vector;
	if (seen == now)
		twice++;
	seen = now;
}

static void on_edu(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	edu_ack(edu);
	edu_seen++;
}

static bool is_asleep(uint64_t n)
{
	return asleep == n + 1;
}

/* Fires count interrupts, the odd ones (or all) when the target is about to halt. */
static bool fire(uint64_t count, bool when_asleep)
{
	for (uint64_t i = 1; i <= count; i++) {
		if (when_asleep && !wait_until(is_asleep, seen))
			return false;
		pause_times((unsigned)(i * 7 % 29));
		sent = i;
		igb_fire(igb, 1);
		if (!wait_for(&seen, i))
			return false;
	}
	return true;
}

static void target_halts(void)
{
	target_ready = 1;
	while (!target_stop) {
		irq_disable();
		asleep = seen + 1;
		irq_enable_and_halt();
	}
}

static bool setup(void)
{
	igb = igb_find(0);
	if (igb == DEVICE_MISSING)
		return false;
	igb_init(igb);
	trap_handler(VEC_IGB, on_igb);
	return device_route(igb, 0, TARGET, VEC_IGB);
}

static void say(const char *name, bool ok)
{
	print("%s: %lu sent, %lu seen, %lu twice%s\n", name, sent, seen, twice,
		ok ? "" : ": given up");
}

/* In whatever modes the config says: to a spinning target (unless spin=0: on one pCPU it would keep
 * the sender from it), then to a halted one, then by edu. */
void program_irq(uint32_t index)
{
	uint64_t count = args_number("count", 500);
	static volatile uint64_t phase;
	bool ok;

	if (index == TARGET) {
		irq_enable();
		target_ready = 1;
		while (!phase && args_number("spin", 1))
			cpu_relax();
		target_halts();
		return;
	}
	if (index != SENDER)
		return;
	ok = wait_for(&target_ready, 1) && setup() &&
	     (!args_number("spin", 1) || fire(count, false));
	say("irq, spinning", ok);
	phase = 1;
	sent = seen = 0;
	ok = ok && fire(count, true);
	say("irq, halted", ok);
	edu = edu_find(0);
	if (edu != DEVICE_MISSING) {
		trap_handler(VEC_EDU, on_edu);
		ok = ok && device_route(edu, 0, TARGET, VEC_EDU);
		edu_fire(edu);
		ok = wait_for(&edu_seen, 1) && ok;
	}
	test_end("irq", ok && twice == 0);
}

/* The target moves itself to another pCPU after each interrupt, sleeping or not. */
void program_migrate(uint32_t index)
{
	const struct guest_info *info = guest_info();
	uint64_t count = args_number("count", 1000), pcpus = args_number("pcpus", 2);
	bool ok;

	if (index == TARGET) {
		irq_enable();
		target_ready = 1;
		while (!target_stop) {
			uint64_t before = seen;

			if (hypercall(HC_MIGRATE, ~0ull, (info->vcpu_pcpu[0] + seen) % pcpus, 0,
				    0) == 0)
				migrations++;
			irq_disable();
			asleep = seen + 1;
			if (before == seen)
				irq_enable_and_halt();
			irq_enable();
		}
		return;
	}
	if (index != SENDER)
		return;
	ok = wait_for(&target_ready, 1) && setup() && fire(count, false);
	say("migrate", ok);
	print("migrate: moved %lu times\n", migrations);
	test_end("migrate", ok && twice == 0 && migrations >= count / 10);
}

static const struct {
	enum delivery_mode delivery;
	enum halt_mode halt;
	uint64_t needs;
} modes[] = {
	{ DELIVERY_POSTED, HALT_GALOG, HC_FEATURE_POSTED | HC_FEATURE_GALOG },
	{ DELIVERY_POSTED, HALT_GAPPI, HC_FEATURE_POSTED | HC_FEATURE_GAPPI },
	{ DELIVERY_EMULATED, HALT_AUTO, 0 },
	{ DELIVERY_POSTED, HALT_GAPPI_SHARED, HC_FEATURE_POSTED | HC_FEATURE_GAPPI },
	{ DELIVERY_POSTED, HALT_NATIVE, HC_FEATURE_POSTED },
};

static void switch_modes(uint64_t n)
{
	uint64_t have = (uint64_t)hypercall(HC_FEATURES, 0, 0, 0, 0);
	size_t i = n % (sizeof(modes) / sizeof(modes[0]));

	if ((modes[i].needs & have) != modes[i].needs)
		return;
	if (hypercall(HC_SET_DELIVERY, modes[i].delivery, 0, 0, 0))
		return;
	if (modes[i].halt == HALT_AUTO || hypercall(HC_SET_HALT, modes[i].halt, 0, 0, 0) == 0)
		switches++;
}

/* Modes change while interrupts are under way. */
void program_switch(uint32_t index)
{
	uint64_t count = args_number("count", 1000);
	bool ok;

	switch (index) {
	case TARGET:
		target_halts();
		break;
	case SENDER:
		ok = wait_for(&target_ready, 1) && setup() && fire(count, false);
		say("switch", ok);
		print("switch: modes changed %lu times\n", switches);
		test_end("switch", ok && twice == 0 && switches >= 10);
	case SWITCHER:
		for (uint64_t n = 0; !target_stop; n++) {
			switch_modes(n);
			pause_times((unsigned)(n * 11 % 37));
		}
		break;
	default:
		break;
	}
}

static void on_tpr(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	if (vector == VEC_LOW)
		low_seen++;
	else
		high_seen++;
}

/* Halts with a vector pending that the task priority holds back; only the higher one may wake it,
 * and must, though the IRR was not empty before. */
static bool tpr_round(uint64_t n)
{
	bool ok;

	apic_write(APIC_TPR, 0x80);
	asleep = 2 * n + 1;
	ok = wait_for(&sent, 2 * n + 1);
	ok = ok && apic_irr(VEC_LOW) && low_seen == n;
	irq_disable();
	asleep = 2 * n + 2;
	while (high_seen == n) {
		irq_enable_and_halt();
		irq_disable();
	}
	irq_enable();
	ok = ok && low_seen == n && apic_irr(VEC_LOW);
	apic_write(APIC_TPR, 0);
	return wait_for(&low_seen, n + 1) && ok;
}

void program_tpr(uint32_t index)
{
	uint64_t count = args_number("count", 200);
	bool ok = true;

	if (index == TARGET) {
		irq_enable();
		target_ready = 1;
		for (uint64_t n = 0; ok && n < count; n++)
			ok = tpr_round(n);
		print("tpr: %lu low, %lu high of %lu\n", low_seen, high_seen, count);
		test_end("tpr", ok);
	}
	if (index != SENDER)
		return;
	trap_handler(VEC_LOW, on_tpr);
	trap_handler(VEC_HIGH, on_tpr);
	ok = wait_for(&target_ready, 1) && setup() && device_route(igb, 1, TARGET, VEC_LOW) &&
	     device_route(igb, 2, TARGET, VEC_HIGH);
	for (uint64_t n = 0; ok && n < count; n++) {
		ok = wait_for(&asleep, 2 * n + 1);
		igb_fire(igb, 2);
		sent = 2 * n + 1;
		ok = ok && wait_for(&asleep, 2 * n + 2);
		pause_times(20 + (unsigned)(n * 7 % 29));
		igb_fire(igb, 4);
		ok = ok && wait_for(&low_seen, n + 1);
	}
	if (!ok)
		test_end("tpr", false);
}
