/* SPDX-License-Identifier: MIT */
/* sources: vmm/notice.c */
/* sources: vmm/counters.c vmm/report_end.c vmm/base/lib.c */
/* A small machine with numbers that are all different; the lines are typed by hand. */
#include "test.h"
#include "audit.h"
#include "base/log.h"
#include "counters.h"
#include "cpu.h"
#include "report.h"
#include "trace_ring.h"
#include "vm.h"

struct audit_stats audit_stats = { .looks = 9, .records = 1, .rescues = { 0, 1, 2 } };
static struct cpu cpus[2] = {
	{ .index = 0,
		.interrupts = 1000,
		.stale_interrupts = 1,
		.count = { .galog_interrupts = 50,
			.galog_moves = 9,
			.galog_useless = 4,
			.stale = 3,
			.gappi_own = 20,
			.kicks = 6,
			.inbox = 7,
			.software_posts = 8 } },
	{ .index = 1,
		.interrupts = 2000,
		.count = { .gappi_own = 30,
			.gappi_own_useless = 5,
			.gappi_shared = 11,
			.gappi_shared_wakes = 12,
			.scans = 13,
			.scan_wakes = 14 } },
};
static const struct pci_device igb = { .id = 0x0421 };
static struct vm_config config[2] = { { .name = "a" }, { .name = "b" } };
static struct vcpu vcpus[3];
static struct vm vms[3];
static struct assigned_irq irqs[3];
static struct iommu iommu = { .galog = { .entries = 60, .overflows = 2, .recoveries = 1 },
	.mmio_reads = 70,
	.mmio_writes = 71,
	.cmd.commands = 72,
	.event.events = 73 };
static uint32_t vms_there;
static char out[4096];

void trace_dump(void)
{
	strcat(out, "trace\n");
}

uint64_t audit_rescues(void)
{
	return 3;
}

uint32_t cpu_count(void)
{
	return 2;
}

struct cpu *cpu_by_index(uint32_t i)
{
	return i < 2 ? &cpus[i] : NULL;
}

uint32_t iommu_count(void)
{
	return 1;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return i ? NULL : &iommu;
}

struct vm *vm_by_index(uint32_t i)
{
	return i < vms_there ? &vms[i] : NULL;
}

void log_text(const char *text, size_t bytes)
{
	strncat(out, text, bytes);
}

/* a: one vCPU, no device. b (with no vCPU in between): two, and a device of three messages. */
static void make(void)
{
	struct assigned_device *d = &vms[2].devices[0];

	vms[0] = (struct vm){ .config = &config[0], .vcpu_count = 1, .vcpus = vcpus };
	vms[1] = (struct vm){ .config = &config[0] };
	vms[2] = (struct vm){ .config = &config[1], .vcpu_count = 2, .vcpus = vcpus + 1 };
	vcpus[0].stats =
		(struct vcpu_stats){ .exits = { [VMEXIT_KIND_HLT] = 98, [VMEXIT_KIND_INVALID] = 2 },
			.blocks = 101,
			.block_cancels = 102,
			.wakes = 103,
			.spurious_wakes = 104,
			.parked_bits = 105,
			.preemptions = 106,
			.rescues = 107,
			.moves = 108 };
	vcpus[2].index = 1;
	vms[2].device_count = 1;
	*d = (struct assigned_device){ .vm = &vms[2], .pci = &igb, .irq_count = 3, .irq = irqs };
	for (uint32_t i = 0; i < 3; i++)
		d->irq[i] = (struct assigned_irq){ .device = d, .message = i };
	d->irq[1].target = &vcpus[2];
	d->irq[1].guest_vector = 0x51;
	d->irq[1].posted = true;
	d->irq[2].target = &vcpus[1];
	d->irq[2].host_interrupts = 5;
	vms_there = 3;
}

TEST(everything)
{
	static const char want[] =
		"REPORT mechanism name=galog interrupts=50 entries=60 wakes=53 useless=4 stale=3 "
		"overflows=2 recoveries=1\n"
		"REPORT mechanism name=gappi-own interrupts=50 wakes=45 useless=5\n"
		"REPORT mechanism name=gappi-shared interrupts=11 wakes=12\n"
		"REPORT mechanism name=scan looks=13 wakes=14\n"
		"REPORT mechanism name=audit looks=9 records=1 rescues=3 none=0 galog=1 gappi=2\n"
		"REPORT cpu n=0 interrupts=1000 stale=1 kicks=6 inbox=7 software_posts=8 galog=50 "
		"galog_moves=9\n"
		"REPORT cpu n=1 interrupts=2000 stale=0 kicks=0 inbox=0 software_posts=0 galog=0 "
		"galog_moves=0\n"
		"REPORT vcpu vm=a n=0 exits=100 blocks=101 cancels=102 wakes=103 spurious=104 "
		"parked=105 preemptions=106 moves=108 rescues=107\n"
		"REPORT vcpu vm=b n=0 exits=0 blocks=0 cancels=0 wakes=0 spurious=0 parked=0 "
		"preemptions=0 moves=0 rescues=0\n"
		"REPORT vcpu vm=b n=1 exits=0 blocks=0 cancels=0 wakes=0 spurious=0 parked=0 "
		"preemptions=0 moves=0 rescues=0\n"
		"REPORT message vm=b device=04:04.1 n=1 posted=1 vcpu=1 vector=81 "
		"host_interrupts=0\n"
		"REPORT message vm=b device=04:04.1 n=2 posted=0 vcpu=0 vector=0 "
		"host_interrupts=5\n"
		"REPORT iommu n=0 galog_entries=60 overflows=2 recoveries=1 reads=70 writes=71 "
		"commands=72 events=73\n"
		"REPORT refused vm=a events=0 msrs=4 ports=0 config=0 ipis=0 startups=0 "
		"hypercalls=0 storms=0 reports=0\n"
		"REPORT refused vm=a events=0 msrs=0 ports=0 config=0 ipis=0 startups=0 "
		"hypercalls=0 storms=0 reports=0\n"
		"REPORT refused vm=b events=0 msrs=0 ports=0 config=0 ipis=0 startups=0 "
		"hypercalls=0 storms=0 reports=5\n"
		"trace\n";

	make();
	vms[0].notices.before[NOTICE_MSR] = 1;
	vms[0].notices.now[NOTICE_MSR] = 3;
	vms[2].notices.now[NOTICE_REPORT] = 5;
	out[0] = 0;
	report_end();
	EXPECT(!strcmp(out, want));
	if (strcmp(out, want))
		printf("%s", out);
}

TEST(before_any_vm)
{
	struct counters_cursor at = { 0 };
	char line[256];
	unsigned lines = 0;

	vms_there = 0;
	while (counters_next(&at, line, sizeof(line)))
		lines++;
	EXPECT_EQ(lines, 5 + 2 + 1);
	EXPECT(!counters_next(&at, line, sizeof(line)));
}

TEST(a_line_that_is_too_long_is_cut)
{
	struct counters_cursor at = { 0 };
	char line[16];

	EXPECT(counters_next(&at, line, sizeof(line)));
	EXPECT_EQ(strlen(line), 15);
}
