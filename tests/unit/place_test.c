/* SPDX-License-Identifier: MIT */
/* sources: vmm/place.c */
#include "test.h"
#include "place.h"

#include <string.h>

#include "cpu.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "iommu/galog.h"
#include "slow.h"
#include "vcpu.h"
#include "vectors.h"
#include "wake.h"
#include "hw/sim.h"

#define CPUS  4
#define VCPUS 4

static struct cpu cpu[CPUS];
static struct vcpu vcpu[VCPUS];
static struct post posts[2 * VCPUS];
static struct iommu unit;
static uint64_t now = 1;
static uint32_t asked, scans;
static err_t move_result;

uint32_t wake_word;

uint32_t iommu_count(void)
{
	return 1;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return i ? NULL : &unit;
}

struct cpu *cpu_by_index(uint32_t i)
{
	return i < CPUS ? &cpu[i] : NULL;
}

uint32_t cpu_count(void)
{
	return CPUS;
}

struct vcpu *vcpu_from_tag(uint32_t tag)
{
	return tag < VCPUS ? &vcpu[tag] : NULL;
}

uint32_t vcpu_tag_end(void)
{
	return VCPUS;
}

uint64_t sim_ticks(void)
{
	return now;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

/* At once, as an owner that sleeps does it. */
void lapic_send(apicid_t target, uint8_t vector)
{
	EXPECT_EQ(vector, VEC_GALOG_MOVE);
	asked++;
	for (unsigned i = 0; i < CPUS; i++)
		if (cpu[i].apicid == target)
			place_obey(&cpu[i]);
}

err_t galog_move(struct iommu *u, apicid_t to)
{
	if (!move_result)
		u->galog_apicid = to;
	return move_result;
}

uint32_t wake_scan(struct cpu *on)
{
	scans++;
	return 0;
}

static uint32_t where(void)
{
	for (unsigned i = 0; i < CPUS; i++)
		if (cpu[i].apicid == unit.galog_apicid)
			return i;
	return CPUS;
}

/* The log is on a pCPU; vCPU n lives on home[n] and has so many messages. */
static void start(uint32_t on, const uint32_t home[VCPUS], const uint32_t messages[VCPUS])
{
	now += 10 * SLOW_US;
	wake_word = WAKE_GALOG;
	unit = (struct iommu){ .xt = true };
	memset(vcpu, 0, sizeof(vcpu));
	for (unsigned i = 0; i < CPUS; i++) {
		cpu[i].index = i;
		cpu[i].apicid = 0x20 + i;
		cpu[i].count.galog_moves = 0;
	}
	unit.galog_apicid = cpu[on].apicid;
	for (unsigned n = 0; n < VCPUS; n++) {
		vcpu[n].home = &cpu[home[n]];
		vcpu[n].halt = HALT_GALOG;
		list_init(&vcpu[n].avic.posts);
		for (unsigned m = 0; m < messages[n]; m++) {
			posts[2 * n + m].iommu = &unit;
			list_append(&vcpu[n].avic.posts, &posts[2 * n + m].link);
		}
	}
	place_order(&cpu[0], &unit, on);
	asked = scans = 0;
}

TEST(first_route_pulls_it)
{
	start(0, (uint32_t[]){ 2, 3, 3, 3 }, (uint32_t[]){ 1, 0, 0, 0 });
	place_routed(&cpu[1], &unit);
	EXPECT_EQ(where(), 2);
	EXPECT_EQ(cpu[0].count.galog_moves, 1);
	EXPECT_EQ(scans, 1);
}

/* The log is turned on before any message has a target: that look must not delay the next. */
TEST(nothing_there_yet)
{
	start(0, (uint32_t[]){ 2, 3, 3, 3 }, (uint32_t[]){ 0, 0, 0, 0 });
	place_routed(&cpu[0], &unit);
	EXPECT_EQ(asked, 0);
	posts[0].iommu = &unit;
	list_append(&vcpu[0].avic.posts, &posts[0].link);
	place_routed(&cpu[1], &unit);
	EXPECT_EQ(where(), 2);
}

TEST(routes_dont_move_it_twice)
{
	start(0, (uint32_t[]){ 2, 3, 3, 3 }, (uint32_t[]){ 1, 0, 0, 0 });
	place_routed(&cpu[1], &unit);
	vcpu[0].home = &cpu[3];
	place_routed(&cpu[1], &unit);
	EXPECT_EQ(where(), 2);
	now += SLOW_US;
	place_routed(&cpu[1], &unit);
	EXPECT_EQ(where(), 3);
}

TEST(a_route_leaves_it_with_its_vcpus)
{
	start(0, (uint32_t[]){ 0, 3, 3, 3 }, (uint32_t[]){ 1, 2, 0, 0 });
	place_routed(&cpu[1], &unit);
	EXPECT_EQ(where(), 0);
}

TEST(slow_timer_looks_twice)
{
	start(0, (uint32_t[]){ 0, 3, 3, 3 }, (uint32_t[]){ 1, 2, 0, 0 });
	place_look(&cpu[0]);
	EXPECT_EQ(where(), 0);
	place_look(&cpu[0]);
	EXPECT_EQ(where(), 3);
	place_look(&cpu[0]);
	EXPECT_EQ(asked, 1);
}

/* A vCPU that is elsewhere at each look doesn't have the log behind it. */
TEST(not_after_a_wanderer)
{
	start(1, (uint32_t[]){ 1, 0, 0, 0 }, (uint32_t[]){ 1, 0, 0, 0 });
	for (unsigned i = 0; i < 20; i++) {
		vcpu[0].home = &cpu[i % 2 ? 3 : 2];
		place_look(&cpu[0]);
	}
	EXPECT_EQ(where(), 1);
	EXPECT_EQ(asked, 0);
}

TEST(equals_leave_it)
{
	start(1, (uint32_t[]){ 0, 1, 2, 3 }, (uint32_t[]){ 1, 1, 1, 1 });
	place_look(&cpu[0]);
	place_look(&cpu[0]);
	EXPECT_EQ(where(), 1);
}

TEST(never_to_a_pcpu_of_a_native_vcpu)
{
	start(0, (uint32_t[]){ 3, 2, 2, 2 }, (uint32_t[]){ 2, 1, 0, 0 });
	vcpu[0].halt = HALT_NATIVE;
	place_routed(&cpu[0], &unit);
	EXPECT_EQ(where(), 2);
	vcpu[1].halt = HALT_NATIVE;
	place_look(&cpu[0]);
	place_look(&cpu[0]);
	EXPECT_EQ(where(), 2); /* nobody is woken by it: it is nowhere better */
}

TEST(cant_or_neednt_move)
{
	start(0, (uint32_t[]){ 2, 2, 2, 2 }, (uint32_t[]){ 1, 1, 0, 0 });
	unit.xt = false;
	place_routed(&cpu[0], &unit);
	place_look(&cpu[0]);
	place_look(&cpu[0]);
	unit.xt = true;
	unit.mute = true;
	place_routed(&cpu[0], &unit);
	unit.mute = false;
	wake_word = WAKE_GAPPI;
	place_routed(&cpu[0], &unit);
	EXPECT_EQ(asked, 0);
}

TEST(a_log_that_doesnt_stop)
{
	start(0, (uint32_t[]){ 2, 2, 2, 2 }, (uint32_t[]){ 1, 1, 0, 0 });
	move_result = ERR_TIMEOUT;
	place_routed(&cpu[0], &unit);
	EXPECT_EQ(where(), 0);
	EXPECT_EQ(scans, 1);
	move_result = OK;
	place_look(&cpu[0]);
	place_look(&cpu[0]);
	EXPECT_EQ(where(), 2); /* asked once more */
}
