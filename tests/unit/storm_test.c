/* SPDX-License-Identifier: MIT */
/* sources: vmm/storm.c vmm/notice.c vmm/base/lib.c avic/run.c avic/vapic.c */
/* A device's share of a period, and what becomes of what goes beyond it. */
#include "storm.h"
#include "assign.h"
#include "base/log.h"
#include "drivers/clock.h"
#include "sched.h"
#include "test.h"
#include "vm.h"
#include <hw/sim.h>

#define PERIOD 10000ull /* ticks: a microsecond has one here */

static struct vm_config config = { .name = "bad" };
static struct vm vm;
static struct assigned_irq irqs[2];
static struct vcpu vcpu[2];
static struct vapic page[2] __attribute__((aligned(4096)));
static struct cpu here;
static const struct pci_device pci = { .id = 0x0020 };
static uint64_t now;
static unsigned armed;
static struct irte entries[2];
static unsigned lines;
static char last[200];

uint64_t sim_ticks(void)
{
	return now;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

uint32_t vm_count(void)
{
	return 1;
}

struct vm *vm_by_index(uint32_t i)
{
	return &vm;
}

void log_later(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last, sizeof(last), fmt, args);
	va_end(args);
	lines++;
}

void sched_arm_timer(struct cpu *cpu)
{
	EXPECT(cpu == &here);
	armed++;
}

void route_hold(struct cpu *cpu, struct assigned_irq *irq)
{
	EXPECT(cpu == &here && !irq->held);
	irq->held = true;
	irq->post.galog_intr = 0;
	irq->device->storm.held++;
}

void route_release(struct cpu *cpu, struct assigned_irq *irq)
{
	irq->device->storm.held -= irq->held;
	irq->held = false;
	irq->post.galog_intr = 4;
}

static void start(uint32_t limit)
{
	memset(&vm, 0, sizeof(vm));
	memset(page, 0, sizeof(page));
	config.storm_limit = limit;
	vm.config = &config;
	vm.device_count = 1;
	vm.devices[0] =
		(struct assigned_device){ .vm = &vm, .pci = &pci, .irq = irqs, .irq_count = 2 };
	here = (struct cpu){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		vcpu[i] = (struct vcpu){ .vm = &vm };
		vcpu[i].avic.page = &page[i];
		list_init(&vcpu[i].avic.posts);
		irqs[i] = (struct assigned_irq){ .device = &vm.devices[0],
			.message = i,
			.target = &vcpu[i],
			.posted = true,
			.post = { .vector = (uint8_t)(0x51 + i),
				.irte = &entries[i],
				.galog_intr = 4 } };
		list_init(&irqs[i].post.link);
		list_append(&vcpu[i].avic.posts, &irqs[i].post.link);
	}
	now = 1000000;
	armed = lines = 0;
}

/* As wake.c does it: a wake by the GA log; false: no entry comes, it is held. */
static bool entry(unsigned i)
{
	vapic_set_irr(&page[i], irqs[i].post.vector);
	if (!irqs[i].post.galog_intr)
		return false;
	if (vcpu[i].log_allowance)
		vcpu[i].log_allowance--;
	else
		storm_woken(&here, &vcpu[i]);
	return !irqs[i].held;
}

static unsigned entries_let_through(unsigned i, unsigned most)
{
	unsigned n = 0;

	while (n < most && entry(i))
		n++;
	return n;
}

TEST(a_share_in_a_period)
{
	start(1000); /* ten in 10 ms, and an allowance of two */
	EXPECT_EQ(entries_let_through(0, 100), 12);
	EXPECT(irqs[0].held && !irqs[1].held);
	EXPECT_EQ(here.backstop, now + PERIOD);
	EXPECT_EQ(armed, 1);
	EXPECT_EQ(notice_total(&vm.notices, NOTICE_STORM), 1);
	EXPECT(!entry(0)); /* and stays so */
	EXPECT_EQ(notice_total(&vm.notices, NOTICE_STORM), 1);
}

TEST(all_its_messages_have_one_share)
{
	start(1000);
	EXPECT_EQ(entries_let_through(0, 100), 12);
	EXPECT_EQ(entries_let_through(1, 100), 0);
	EXPECT(irqs[0].held && irqs[1].held);
}

TEST(the_period_ends)
{
	start(1000);
	entries_let_through(0, 100);
	EXPECT_EQ(storm_tick(&here, now + PERIOD - 1), now + PERIOD);
	EXPECT(irqs[0].held);
	EXPECT_EQ(storm_tick(&here, now + PERIOD), 0);
	EXPECT(!irqs[0].held);
	EXPECT_EQ(lines, 1);
	now += PERIOD;
	EXPECT_EQ(entries_let_through(0, 100), 12);
}

/* Nothing is put together for the log while a storm is held, and one line at a time later. */
TEST(told_later_one_by_one)
{
	start(1000);
	entries_let_through(0, 100);
	entries_let_through(1, 100);
	EXPECT_EQ(lines, 0);
	EXPECT_EQ(storm_tick(&here, now), now + PERIOD);
	EXPECT_EQ(lines, 1);
	EXPECT(!strcmp(last, "vm bad: device 00:04.0, message 0: more than 10 host interrupts in "
			     "10 ms: held back until then"));
	EXPECT_EQ(storm_tick(&here, now + PERIOD), 0);
	EXPECT(strstr(last, "message 1"));
	EXPECT_EQ(storm_tick(&here, now + 2 * PERIOD), 0);
	EXPECT_EQ(lines, 2);
}

/* What is not held any more still gets its line; four have one in all. */
TEST(four_lines)
{
	start(1000);
	for (unsigned i = 0; i < 20; i++) {
		entries_let_through(0, 100);
		now += PERIOD;
		storm_tick(&here, now);
	}
	EXPECT_EQ(lines, 4);
	EXPECT_EQ(notice_total(&vm.notices, NOTICE_STORM), 20);
	start(1000);
	entries_let_through(0, 100);
	route_release(&here, &irqs[0]);
	EXPECT_EQ(storm_tick(&here, now), 0);
	EXPECT_EQ(lines, 1);
}

TEST(slow_ones_are_never_held)
{
	start(1000);
	for (unsigned i = 0; i < 1000; i++) {
		EXPECT(entry(0));
		now += PERIOD / 10;
	}
	EXPECT_EQ(notice_total(&vm.notices, NOTICE_STORM), 0);
	EXPECT_EQ(armed, 0);
}

/* What many vCPUs were granted and didn't use costs nothing. */
TEST(only_what_was_used_is_paid)
{
	start(20000);
	for (unsigned i = 0; i < 100; i++) {
		vcpu[0].log_allowance = vcpu[0].log_granted = 0; /* another one each time */
		EXPECT(entry(0));
	}
	EXPECT_EQ(vm.devices[0].storm.left, 101); /* the first one began the period */
}

TEST(an_old_allowance_is_no_storm)
{
	start(1000);
	vcpu[0].log_granted = now - 1; /* over hours */
	EXPECT(entry(1));              /* begins the period */
	EXPECT(entry(0));
	EXPECT_EQ(vm.devices[0].storm.left, 9);
}

/* A thousandth of the share: but both allowances are used up in the same period. */
TEST(slow_ones_by_turns_are_never_held)
{
	start(1000);
	for (unsigned i = 0; i < 1000; i++) {
		EXPECT(entry(0) && entry(1));
		now += 10 * PERIOD;
	}
	start(1000);
	irqs[0].posted = irqs[1].posted = false;
	irqs[0].granted = irqs[1].granted = now - 1;
	EXPECT(storm_host_interrupt(&here, &irqs[0])); /* begins the period */
	EXPECT(storm_host_interrupt(&here, &irqs[1]));
	EXPECT_EQ(vm.devices[0].storm.left, 9);
	EXPECT(storm_host_interrupt(&here, &irqs[1])); /* granted in this one */
	EXPECT_EQ(vm.devices[0].storm.left, 6);
}

TEST(without_a_limit)
{
	start(0);
	EXPECT_EQ(entries_let_through(0, 100000), 100000);
}

/* A vCPU's other messages wake it as ever. */
TEST(one_that_is_held_does_not_speak_for_others)
{
	start(1000);
	entries_let_through(0, 100);
	struct assigned_device other = vm.devices[0];

	other.storm = (struct storm){ 0 };
	irqs[1].device = &other;
	irqs[1].target = &vcpu[0];
	list_remove(&irqs[1].post.link);
	list_append(&vcpu[0].avic.posts, &irqs[1].post.link);
	vapic_set_irr(&page[0], irqs[1].post.vector);
	storm_woken(&here, &vcpu[0]);
	EXPECT(!irqs[1].held);
	EXPECT(vcpu[0].log_allowance > 0);
}

/* Who has taken the interrupt already gets away with nothing. */
TEST(nothing_pending)
{
	start(1000);
	for (unsigned i = 0; i < 100 && !irqs[0].held; i++)
		storm_woken(&here, &vcpu[0]);
	EXPECT(irqs[0].held);
	start(1000);
	irqs[0].target = &vcpu[1]; /* it has just moved */
	storm_woken(&here, &vcpu[0]);
	EXPECT(!irqs[0].held);
	list_remove(&irqs[0].post.link);
	storm_woken(&here, &vcpu[0]);
	EXPECT_EQ(vcpu[0].log_allowance, 0);
}

TEST(useless_entries)
{
	start(1000);
	vcpu[0].state = VCPU_RUNNABLE;
	vcpu[0].avic.put = PUT_BLOCKING_GALOG;
	storm_useless(&vcpu[0]);
	EXPECT_EQ(vcpu[0].avic.put, PUT_PREEMPTED);
	EXPECT_EQ(vcpu[0].log_useless, 127);
}

TEST(emulated_delivery)
{
	unsigned n = 0;

	start(1000);
	irqs[0].posted = false;
	while (n < 100) {
		if (irqs[0].allowance)
			irqs[0].allowance--;
		else if (!storm_host_interrupt(&here, &irqs[0]))
			break;
		n++;
	}
	EXPECT_EQ(n, 12);
	EXPECT(irqs[0].held);
	EXPECT_EQ(armed, 1);
	/* One that was on its way when the entry went off. */
	EXPECT(storm_host_interrupt(&here, &irqs[0]));
}

TEST(an_earlier_timer_stays)
{
	start(1000);
	here.backstop = now + 5;
	entries_let_through(0, 100);
	EXPECT_EQ(here.backstop, now + 5);
	EXPECT_EQ(armed, 0);
}
