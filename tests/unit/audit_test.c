/* SPDX-License-Identifier: MIT */
/* sources: vmm/audit_record.c avic/vapic.c vmm/base/lib.c vmm/base/log.c */
/* The audit looks at one vCPU, and the test is everybody else. audit.c is included, so that its
 * memory can be emptied between tests. */
#include "test.h"
#include "avic/avic.h"
#include "base/log.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "iommu/galog.h"
#include "vm.h"
#include <hw/sim.h>
#include "vmm/audit.c"

#define MS 1000000ull /* ticks: one a nanosecond */

static struct cpu cpu = { .index = 3 };
static struct vm_config config = { .name = "guilty" };
static struct vm vm = { .config = &config };
static struct vmcb vmcb;
static struct vapic page;
static uint64_t entry, ticks;
static struct iommu iommu = { .f.gam = true, .galog = { .head = 0x18 } };
static struct vcpu vcpu;
static unsigned wakes;
static char out[16384];
uint32_t wake_word;

uint64_t sim_ticks(void)
{
	return ticks;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * 1000;
}

uint64_t clock_ticks_to_us(uint64_t t)
{
	return t / 1000;
}

struct vcpu *vcpu_from_tag(uint32_t tag)
{
	return tag == 7 ? &vcpu : NULL;
}

uint32_t vcpu_tag_end(void)
{
	return 9;
}

void trace_print(uint32_t index, uint32_t count)
{
	EXPECT_EQ(index, 3);
}

/* What the real one asks is vcpu.c's; here it is the IRR bit or an event. */
bool vcpu_owed(const struct vcpu *v)
{
	return v->events || vapic_irr_any(v->avic.page);
}

bool svm_interruptible(const struct svm_vcpu *s)
{
	return true;
}

bool vcpu_wake(struct cpu *here, struct vcpu *v)
{
	EXPECT(here == &cpu && v == &vcpu);
	wakes++;
	if (v->state != VCPU_BLOCKED)
		return false;
	v->stats.wakes++;
	v->state = VCPU_RUNNABLE;
	return true;
}

uint32_t iommu_count(void)
{
	return 1;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return i ? NULL : &iommu;
}

struct galog_registers galog_registers(const struct iommu *u)
{
	return (struct galog_registers){
		.head = 0x18, .tail = 0x20, .status = 0x502, .tail_copy = 0x28
	};
}

static void sink(const char *text, size_t bytes)
{
	strncat(out, text, bytes);
}

static void fresh(void)
{
	static bool once;

	if (!once)
		log_add_sink(sink);
	once = true;
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&page, 0, sizeof(page));
	memset(suspects, 0, sizeof(suspects));
	audit_stats = (struct audit_stats){ 0 };
	vcpu.tag = 7;
	vcpu.index = 2;
	vcpu.vm = &vm;
	vcpu.home = &cpu;
	vcpu.state = VCPU_BLOCKED;
	vcpu.svm.vmcb = &vmcb;
	vcpu.avic.page = &page;
	vcpu.avic.entry = &entry;
	list_init(&vcpu.avic.posts);
	wake_word = 0x500 | WAKE_GALOG;
	wakes = 0;
	out[0] = 0;
	ticks += 1000 * MS;
}

static void look_after(uint64_t ms)
{
	ticks += ms * MS;
	audit_look(&cpu);
}

TEST(owed_twice_is_rescued)
{
	fresh();
	vapic_set_irr(&page, 0x51);
	look_after(0);
	EXPECT_EQ(wakes, 0);
	look_after(1000);
	EXPECT_EQ(wakes, 1);
	EXPECT_EQ(vcpu.stats.rescues, 1);
	EXPECT_EQ(audit_stats.rescues[WAKE_GALOG], 1);
	EXPECT_EQ(audit_rescues(), 1);
	EXPECT_EQ(audit_stats.looks, 2);
}

TEST(too_young)
{
	fresh();
	vapic_set_irr(&page, 0x51);
	look_after(0);
	look_after(899);
	EXPECT_EQ(wakes, 0);
	look_after(1);
	EXPECT_EQ(wakes, 1);
}

TEST(nothing_owed)
{
	fresh();
	for (unsigned i = 0; i < 10; i++)
		look_after(1000);
	EXPECT_EQ(wakes, 0);
	EXPECT_EQ(out[0], 0);
}

/* The same bit at each look, but it was woken, ran and blocked in between: no complaint. */
TEST(another_block)
{
	fresh();
	vapic_set_irr(&page, 0x51);
	for (unsigned i = 0; i < 10; i++) {
		look_after(1000);
		if (i & 1)
			vcpu.stats.block_cancels++;
		else
			vcpu.stats.wakes++;
	}
	EXPECT_EQ(wakes, 0);
}

TEST(taken_between_looks)
{
	fresh();
	for (unsigned i = 0; i < 10; i++) {
		page.reg[VAPIC_IRR / 4 + 8] = i & 1 ? 0 : 2;
		look_after(1000);
	}
	EXPECT_EQ(wakes, 0);
}

TEST(whoever_is_not_blocked)
{
	for (uint32_t state = VCPU_OFFLINE; state <= VCPU_STOPPED; state++) {
		if (state == VCPU_BLOCKED)
			continue;
		fresh();
		vcpu.state = state;
		vapic_set_irr(&page, 0x51);
		for (unsigned i = 0; i < 4; i++)
			look_after(1000);
		EXPECT_EQ(wakes, 0);
	}
}

TEST(an_event_left)
{
	fresh();
	wake_word = WAKE_NONE;
	vcpu.events = VCPU_EVENT_MODE;
	look_after(0);
	look_after(1000);
	EXPECT_EQ(wakes, 1);
	EXPECT_EQ(audit_stats.rescues[WAKE_NONE], 1);
	EXPECT(strstr(out, "events 2: woken"));
	EXPECT(strstr(out, "mechanism none, generation 0"));
}

TEST(the_record)
{
	static struct irte irte = { { 0x0000076a00000385ull, 0xabcd000000000051ull } };
	struct post post = { .irte = &irte, .iommu = &iommu, .dev = 0x0430, .index = 4 };

	fresh();
	post.vector = 0x51;
	list_append(&vcpu.avic.posts, &post.link);
	entry = 0x8000000012345021ull;
	vcpu.target = (struct wake_target){ .apicid = 0x21, .gatag = 0x76a };
	vcpu.avic.stash = (struct vapic_stash){ .irr = { [1] = 8 }, .any = true };
	vapic_set_irr(&page, 0x51);
	look_after(0);
	look_after(1003);
	EXPECT(strstr(out,
		"error: audit: vCPU 2 of vm guilty has been BLOCKED on CPU 3 for 1003 ms "
		"with vector 81 pending, events 0: woken\n"));
	EXPECT(strstr(
		out, "mechanism galog, generation 5; GATag 0000076a to APIC ID 21; AVIC off"));
	EXPECT(strstr(out, "IRR 00000000 00000000 00000000 00000000 00000000 00020000 00000000 "
			   "00000000, TPR 00, highest in service -1, IF 1\n"));
	EXPECT(strstr(out,
		"put away 00000000 00000000 00000000 00000000 00000000 00000000 00000008 "
		"00000000\n"));
	EXPECT(strstr(out, "physical APIC ID entry 8000000012345021; 1 IRTEs\n"));
	EXPECT(strstr(out, "IRTE of 04:06.0 message 4, iommu0, vector 51: 0000076a00000385 "
			   "abcd000000000051, IsRun 0\n"));
	EXPECT(strstr(out, "iommu0: status 502; GA log off, head 18 (ours 18), tail 20, copy 28;"));
	EXPECT_EQ(vcpu.avic.posts_lock.next, vcpu.avic.posts_lock.owner);
}

TEST(records_are_limited_rescues_are_not)
{
	fresh();
	vapic_set_irr(&page, 0x51);
	for (unsigned i = 0; i < 40; i++) {
		vcpu.state = VCPU_BLOCKED;
		look_after(1000);
	}
	EXPECT_EQ(vcpu.stats.rescues, 20);
	EXPECT_EQ(audit_stats.records, 8);
	for (unsigned i = 0; i < 40; i++) { /* the first 8 took 16 s: a minute is over after 76 */
		vcpu.state = VCPU_BLOCKED;
		look_after(1000);
	}
	EXPECT_EQ(vcpu.stats.rescues, 40);
	EXPECT_EQ(audit_stats.records, 9);
}
