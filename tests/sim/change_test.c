/* SPDX-License-Identifier: MIT */
/* sources: tests/sim/tell.c tests/sim/machine.c tests/sim/rig.c tests/sim/rig_guest.c */
/* sources: vmm/audit.c vmm/audit_record.c vmm/ready.c vmm/budget.c vmm/server.c */
/* sources: tests/sim/setup.c tests/sim/stores.c tests/sim/machine_[a-z]*.c vmm/exit_apic.c */
/* sources: vmm/place.c vmm/storm.c */
/* sources: vmm/vcpu.c vmm/wake.c vmm/sched.c vmm/route.c avic/[a-z]*.c iommu/[a-z]*.c */
/* sources: tests/sim/rig_host.c vmm/base/lib.c svm/event.c tools/emulator/model/[a-z]*.c */
/* No interrupt is lost and none comes twice while where it goes, or how, is being changed. */
#include "test.h"
#include "tell.h"

/* ---- a message moves to another vCPU while it fires ---- */

static void route(unsigned message, unsigned vcpu)
{
	err_t err = assign_route(
		&rig_cpu[0], &rig_device->irq[message], &rig_vcpu[vcpu], vector_of[message]);

	EXPECT_EQ(err, OK);
}

static void story_route(void)
{
	machine_fire(X, MACHINE_WHOLE);
	route(Y, 1);
	rig_run();
}

static void route_back(void)
{
	route(Y, 0);
	rig_settle();
}

static void story_route_back(void)
{
	machine_fire(X, MACHINE_WHOLE);
	route(Y, 0);
	rig_run();
}

static void route_away(void)
{
	route(Y, 1);
	rig_settle();
}

static void route_everywhere(const char *name)
{
	struct scenario s = {
		.name = name,
		.story = story_route,
		.after = route_back,
		.fires = { [X] = 1 },
	};
	char back[64];

	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 4));
	snprintf(back, sizeof(back), "%s, back", name);
	s.name = back;
	s.story = story_route_back;
	s.after = route_away;
	route_away();
	EXPECT(tell_everywhere(&s, 2, 4));
	route_back();
	live_on(0, &rig_cpu[0]);
}

TEST(route_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	route_everywhere("route, GALOG");
}

TEST(route_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	route_everywhere("route, GAPPI");
}

/* Nothing else comes for the old vCPU, and the IOMMU takes its time over commands. */
static void story_route_late(void)
{
	route(Y, 1);
	rig_run();
}

/* An interrupt that comes by the old entry leaves it in the IOMMU's cache. */
static void route_back_cached(void)
{
	route_back();
	machine_fire(Y, MACHINE_WHOLE);
	rig_settle();
}

TEST(route_late)
{
	struct scenario s = {
		.name = "route, slow IOMMU",
		.story = story_route_late,
		.after = route_back_cached,
		.fires = { [Y] = 1 },
	};

	use(WAKE_GALOG, HALT_GALOG);
	live_on(0, &rig_cpu[1]);
	rig_late = 150; /* the old vCPU has looked, and blocked again, before */
	EXPECT(tell_everywhere(&s, 2, 1));
	rig_late = 0;
	live_on(0, &rig_cpu[0]);
}

/* ---- messages go from posted to emulated delivery and back: detach, attach ---- */

static void story_attach(void)
{
	EXPECT_EQ(assign_set_delivery(&rig_cpu[0], &rig_vm, DELIVERY_EMULATED), OK);
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
	EXPECT_EQ(assign_set_delivery(&rig_cpu[0], &rig_vm, DELIVERY_POSTED), OK);
	rig_run();
}

static void attach_everywhere(const char *name)
{
	struct scenario s = { .name = name, .story = story_attach, .fires = { [X] = 1 } };

	EXPECT(tell_everywhere(&s, 1, 2));
}

TEST(attach_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	attach_everywhere("attach, GALOG");
}

TEST(attach_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	attach_everywhere("attach, GAPPI");
}

/* ---- the IOMMU goes from GALOG to GAPPI and back ---- */

static void story_switch(void)
{
	EXPECT_EQ(wake_switch(&rig_cpu[0], WAKE_GAPPI), OK);
	rig_run();
	machine_fire(X, MACHINE_WHOLE);
	EXPECT_EQ(wake_switch(&rig_cpu[0], WAKE_GALOG), OK);
	rig_run();
}

TEST(switch_mechanism)
{
	struct scenario s = {
		.name = "switch of mechanism", .story = story_switch, .fires = { [X] = 1 }
	};

	use(WAKE_GALOG, HALT_GAPPI);
	live_on(0, &rig_cpu[0]);
	EXPECT(tell_everywhere(&s, 1, 6));
	s.name = "switch of mechanism, vCPU on another pCPU";
	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 2));
	live_on(0, &rig_cpu[0]);
}

/* ---- a vCPU moves to another pCPU ---- */

static void story_move(void)
{
	rig_guest[0].move_to = &rig_cpu[1];
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
	rig_guest[0].move_to = &rig_cpu[0];
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
}

/* It runs on there, and is told of an interrupt by a doorbell. */
static void story_move_running(void)
{
	rig_guest[0].await = vector_of[Y];
	rig_guest[0].move_to = &rig_cpu[1 - rig_vcpu[0].home->index];
	machine_fire(X, MACHINE_WHOLE);
	rig_run();
}

TEST(move_running)
{
	struct scenario s = {
		.name = "move, and run on",
		.story = story_move_running,
		.fires = { [X] = 1 },
		.limit = 200,
	};

	use(WAKE_GALOG, HALT_GALOG);
	EXPECT(tell_everywhere(&s, 2, 3));
	live_on(0, &rig_cpu[0]);
}

/* Asked by another CPU, while it is halted. */
static void story_asked_to_move(void)
{
	vcpu_move(&rig_cpu[0], &rig_vcpu[0], &rig_cpu[1]);
	rig_run();
	EXPECT(rig_vcpu[0].home == &rig_cpu[1]);
	machine_fire(X, MACHINE_WHOLE);
	vcpu_move(&rig_cpu[1], &rig_vcpu[0], &rig_cpu[0]);
	rig_run();
	EXPECT(rig_vcpu[0].home == &rig_cpu[0]);
}

static void move_everywhere(const char *name)
{
	struct scenario s = { .name = name, .story = story_move, .fires = { [X] = 2 } };
	char asked[64];

	EXPECT(tell_everywhere(&s, 2, 4));
	snprintf(asked, sizeof(asked), "%s, asked to", name);
	s = (struct scenario){ .name = asked, .story = story_asked_to_move, .fires = { [X] = 1 } };
	EXPECT(tell_everywhere(&s, 2, 4));
}

TEST(move_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	move_everywhere("move, GALOG");
}

TEST(move_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	move_everywhere("move, GAPPI");
}

TEST(move_gappi_shared)
{
	use(WAKE_GAPPI, HALT_GAPPI_SHARED);
	move_everywhere("move, GAPPI, shared");
}

/* ---- software posts from another pCPU, first by the story, then by the plan ---- */

static void story_software(void)
{
	vcpu_interrupt(&rig_cpu[0], &rig_vcpu[0], vector_of[X]);
	rig_run();
}

static void software_everywhere(const char *name)
{
	struct scenario s = { .name = name, .story = story_software, .fires = { [X] = 1 } };
	char also[64];

	live_on(0, &rig_cpu[1]);
	EXPECT(tell_everywhere(&s, 2, 8));
	snprintf(also, sizeof(also), "%s, twice", name);
	s.name = also;
	s.by_software = true;
	EXPECT(tell_everywhere(&s, 2, 0));
	live_on(0, &rig_cpu[0]);
}

TEST(software_galog)
{
	use(WAKE_GALOG, HALT_GALOG);
	software_everywhere("post by software, GALOG");
}

TEST(software_gappi)
{
	use(WAKE_GAPPI, HALT_GAPPI);
	software_everywhere("post by software, GAPPI");
}
