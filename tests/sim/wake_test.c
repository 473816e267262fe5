/* SPDX-License-Identifier: MIT */
/* sources: tests/sim/tell.c tests/sim/machine.c tests/sim/rig.c tests/sim/rig_guest.c */
/* sources: vmm/audit.c vmm/audit_record.c vmm/ready.c vmm/budget.c vmm/server.c */
/* sources: tests/sim/setup.c tests/sim/stores.c tests/sim/machine_[a-z]*.c vmm/exit_apic.c */
/* sources: vmm/place.c vmm/storm.c */
/* sources: vmm/vcpu.c vmm/wake.c vmm/sched.c vmm/route.c avic/[a-z]*.c iommu/[a-z]*.c */
/* sources: tests/sim/rig_host.c vmm/base/lib.c svm/event.c tools/emulator/model/[a-z]*.c */
/* No interrupt is lost and none comes twice, wherever it comes: vCPUs that block, are woken, run,
 * halt. plants.py shows that these stories would find a fault. */
#include "test.h"
#include "tell.h"
#include "vectors.h"

/* ---- a halted vCPU is woken, runs, halts ---- */

static void story_halt(void)
{
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
}

static void halt_everywhere(const char *name)
{
	struct scenario s = { .name = name, .story = story_halt, .fires = { [X] = 1 } };
	char far[64];

	live_on(0, &rig_cpu[0]);
	EXPECT(tell_everywhere(&s, 1, 64));
	snprintf(far, sizeof(far), "%s, vCPU on another pCPU", name);
	s.name = far;
	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 16));
	live_on(0, &rig_cpu[0]);
}

TEST(halt_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	halt_everywhere("halt, GALOG");
}

TEST(halt_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	halt_everywhere("halt, GAPPI, own vector");
}

TEST(halt_gappi_shared)
{
	use(WAKE_GAPPI, HALT_GAPPI_SHARED);
	halt_everywhere("halt, GAPPI, shared vector");
}

TEST(halt_gappi_spurious)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	machine_spurious_gappi(50);
	halt_everywhere("halt, GAPPI, half of it spurious");
	machine_spurious_gappi(0);
}

/* ---- somebody of less importance runs meanwhile ---- */

static void story_busy(void)
{
	rig_guest[RIG_VCPUS - 1].busy = 6;
	vcpu_interrupt(&rig_cpu[0], &rig_vcpu[RIG_VCPUS - 1], 0x20);
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
}

static void busy_everywhere(const char *name)
{
	struct scenario s = { .name = name, .story = story_busy, .fires = { [X] = 1 } };

	EXPECT(tell_everywhere(&s, 1, 24));
}

TEST(busy_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	busy_everywhere("busy pCPU, GALOG");
}

TEST(busy_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	busy_everywhere("busy pCPU, GAPPI");
}

/* ---- several at once: one interrupt of the host stands for all ---- */

static void story_several(void)
{
	machine_fire(TO_1, MACHINE_WHOLE);
	machine_fire(TO_2, MACHINE_WHOLE);
	machine_fire(TO_3, MACHINE_WHOLE);
	machine_fire(X, MACHINE_WHOLE);
	rig_settle();
}

static const struct scenario several = {
	.story = story_several,
	.fires = { [X] = 1, [TO_1] = 1, [TO_2] = 1, [TO_3] = 1 },
};

static void several_everywhere(const char *name)
{
	struct scenario s = several;

	s.name = name;
	EXPECT(tell_everywhere(&s, 1, 4));
}

TEST(several_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	several_everywhere("several, GALOG");
}

TEST(several_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	several_everywhere("several, GAPPI");
}

TEST(several_gappi_shared)
{
	use(WAKE_GAPPI, HALT_GAPPI_SHARED);
	several_everywhere("several, GAPPI, shared vector");
}

/* Without GAPPIDisSup the bit stays 0, and a preempted vCPU's posts send GAPPIs too. */
TEST(no_gappidis)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	for (unsigned n = 0; n < RIG_MESSAGES; n++)
		rig_device->irq[n].post.gappi_dis = 0;
	busy_everywhere("busy pCPU, GAPPI without GAPPIDis");
	several_everywhere("several, GAPPI without GAPPIDis");
	for (unsigned n = 0; n < RIG_MESSAGES; n++)
		rig_device->irq[n].post.gappi_dis = 1u << 5;
}

/* ---- a guest that halts with its TPR raised: 4xh is masked until 61h has come ---- */

static void story_masked(void)
{
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
	machine_fire(OPENER, MACHINE_WHOLE);
	rig_run();
}

/* What was masked when the story ended comes with one more opener. */
static void open_again(void)
{
	machine_fire(OPENER, MACHINE_WHOLE);
	rig_settle();
}

static void masked_everywhere(const char *name, uint32_t window)
{
	struct scenario s = {
		.name = name,
		.story = story_masked,
		.fires = { [X] = 1, [OPENER] = 2 },
		.after = open_again,
	};

	live_on(0, &rig_cpu[0]);
	rig_guest[0].tpr = 0x50;
	rig_guest[0].opener = 0x61;
	vcpu_post_event(&rig_cpu[0], &rig_vcpu[0], 0);
	machine_fire(OPENER, MACHINE_WHOLE);
	rig_settle();
	EXPECT(tell_everywhere(&s, 1, window));
	rig_guest[0].tpr = 0;
	open_again();
	rig_settle();
}

TEST(masked_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	masked_everywhere("masked IRR bits, GALOG", 16);
}

TEST(masked_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	masked_everywhere("masked IRR bits, GAPPI", 24);
}

TEST(masked_gappi_shared)
{
	use(WAKE_GAPPI, HALT_GAPPI_SHARED);
	masked_everywhere("masked IRR bits, GAPPI, shared vector", 8);
}

/* ---- a vCPU that runs and never exits must be told by a doorbell ---- */

static void story_running(void)
{
	rig_guest[0].await = vector_of[Y];
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
}

static void post_again(struct cpu *here)
{
	EXPECT_EQ(assign_route(here, &rig_device->irq[Y], &rig_vcpu[0], vector_of[Y]), OK);
}

static void story_running_attach(void)
{
	rig_job = post_again;
	story_running();
}

TEST(running)
{
	struct scenario s = {
		.name = "running, post by the device",
		.story = story_running,
		.fires = { [X] = 1 },
		.limit = 80,
	};

	use(WAKE_GAPPI, HALT_GAPPI);
	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 12));
	s.name = "running, post by software";
	s.by_software = true;
	EXPECT(tell_everywhere(&s, 2, 0));
	s.name = "running, message posted anew";
	s.story = story_running_attach;
	s.by_software = false;
	s.limit = 320;
	EXPECT(tell_everywhere(&s, 2, 3));
	live_on(0, &rig_cpu[0]);
}

/* ---- IPIs by the guest: hardware sets the bit, and leaves a target that doesn't run to us ---- */

static void story_ipi(void)
{
	rig_guest[1].ipi_to = 1 + 0;
	machine_fire(TO_1, MACHINE_WHOLE);
	rig_run();
}

static void ipi_everywhere(const char *name)
{
	unsigned before = rig_guest[0].taken[IPI_VECTOR], told = 0;
	struct scenario s = {
		.name = name,
		.story = story_ipi,
		.fires = { [TO_1] = 1 },
		.told = &told,
	};

	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 4));
	EXPECT_EQ(rig_guest[0].taken[IPI_VECTOR] - before, told);
	live_on(0, &rig_cpu[0]);
}

TEST(ipi)
{
	use(WAKE_GALOG, HALT_GALOG);
	ipi_everywhere("IPI, GALOG");
	use(WAKE_GAPPI, HALT_GAPPI);
	ipi_everywhere("IPI, GAPPI");
}

/* ---- events: left for a vCPU whatever it does, and it does something about them ---- */

static void post_event(struct cpu *here)
{
	vcpu_post_event(here, &rig_vcpu[0], VCPU_EVENT_FLUSH);
}

static void story_event(void)
{
	rig_job = post_event;
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
	if (rig_job)
		post_event(&rig_cpu[0]);
	rig_job = NULL;
	rig_run();
}

TEST(events)
{
	struct scenario s = { .name = "event", .story = story_event, .fires = { [X] = 1 } };

	use(WAKE_GALOG, HALT_GALOG);
	for (uint32_t at = 0; at < 60; at++) {
		rig_job_at = at;
		EXPECT(tell_everywhere(&s, 2, 0));
	}
	rig_job_at = 0;
}

/* ---- the GA log's entries and tails come later than the message, in either order ---- */

TEST(late_log)
{
	struct scenario s = { .name = "late log", .story = story_halt, .fires = { [X] = 1 } };

	use(WAKE_GALOG, HALT_GALOG);
	for (rig_late = 1; rig_late < 80; rig_late += 1 + rig_late / 2)
		EXPECT(tell_everywhere(&s, 1, 4));
	rig_late = 0;
}

/* ---- a device storms, and GAInt is set again without a message (ERBT1312) ---- */

static void story_storm(void)
{
	rig_storm = 64;
	rig_storm_message = TO_1;
	machine_fire(TO_1, MACHINE_WHOLE);
	rig_run();
}

TEST(storm)
{
	struct scenario s = { .name = "storm", .story = story_storm, .fires = { [TO_1] = 1 } };

	use(WAKE_GALOG, HALT_GALOG);
	machine_quiet_galog(VEC_GALOG);
	EXPECT(tell_everywhere(&s, 1, 2));
	machine_quiet_galog(0);
}

/* ---- the GA log overflows ---- */

static void story_overflow(void)
{
	machine_galog_overflow();
	machine_fire(X, MACHINE_WHOLE);
	machine_fire(TO_1, MACHINE_WHOLE);
	rig_run();
	machine_fire(TO_2, MACHINE_WHOLE);
	rig_settle(); /* the slow timer may have to find it */
}

TEST(overflow)
{
	struct scenario s = {
		.name = "overflow",
		.story = story_overflow,
		.fires = { [X] = 1, [TO_1] = 1, [TO_2] = 1 },
	};

	use(WAKE_GALOG, HALT_GALOG);
	EXPECT(tell_everywhere(&s, 1, 8));
	machine_galog_limit(2);
	several_everywhere("ring of two entries");
	machine_galog_limit(0);
}
