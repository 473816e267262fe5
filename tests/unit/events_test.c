/* SPDX-License-Identifier: MIT */
/* sources: vmm/notice.c vmm/base/lib.c */
/* sources: vmm/events.c */
/* What becomes of IOMMU events: two VMs, two IOMMUs, a log that a test fills. */
#include "events.h"
#include "assign.h"
#include "base/log.h"
#include "cpu.h"
#include "drivers/pci.h"
#include "iommu/iommu.h"
#include "test.h"
#include "vm.h"
#include "wake.h"

#include <stdarg.h>

#define DEV_A    0x0028 /* 00:05.0 */
#define DEV_B    0x0120 /* 01:04.0, which the IOMMU knows as */
#define DEV_B_AS 0x0018
#define NOBODYS  0x00f9

static const struct vm_config configs[2] = { { .name = "left" }, { .name = "right" } };
static struct pci_device pci[2];
static struct vm vms[2];
static struct iommu iommus[2];
static struct cpu here;

static struct iommu_event waiting[64];
static unsigned waiting_count, taken;
static unsigned lines, blocked, stopped, galogs;
static struct vm *last_blocked, *last_stopped;
static char last_line[256];

uint32_t vm_count(void)
{
	return 2;
}

struct vm *vm_by_index(uint32_t i)
{
	return &vms[i];
}

uint32_t iommu_count(void)
{
	return 2;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return &iommus[i];
}

devid_t iommu_alias(devid_t dev)
{
	return dev == DEV_B ? DEV_B_AS : dev;
}

/* Only the first IOMMU has anything to say. */
bool event_next(struct iommu *u, struct iommu_event *e)
{
	if (u != &iommus[0] || taken == waiting_count)
		return false;
	*e = waiting[taken++];
	u->event.events++;
	return true;
}

void wake_from_galog(struct cpu *on)
{
	EXPECT(on == &here);
	galogs++;
}

void assign_block_all(struct vm *vm)
{
	EXPECT_EQ(stopped, 0); /* the device is quiet before its VM ends */
	last_blocked = vm;
	blocked++;
}

void vm_stop(struct cpu *on, struct vm *vm, const char *why)
{
	EXPECT(on == &here && strstr(why, "keeps faulting"));
	last_stopped = vm;
	stopped++;
}

void log_later(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last_line, sizeof(last_line), fmt, args);
	va_end(args);
	lines++;
}

static void start(void)
{
	memset(vms, 0, sizeof(vms));
	memset(iommus, 0, sizeof(iommus));
	pci[0].id = DEV_A;
	pci[1].id = DEV_B;
	for (unsigned i = 0; i < 2; i++) {
		vms[i].config = &configs[i];
		vms[i].devices[0].vm = &vms[i];
		vms[i].devices[0].pci = &pci[i];
		vms[i].device_count = 1;
		iommus[i].index = i;
		iommus[i].event.bytes = 64 * 16;
	}
	waiting_count = taken = lines = blocked = stopped = galogs = 0;
	last_blocked = last_stopped = NULL;
}

static void happens(devid_t dev, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		waiting[waiting_count++] = (struct iommu_event){ .code = 2,
			.dev = dev,
			.domain = 7,
			.flags = 0x21,
			.address = 0x123456000,
			.name = "page fault" };
}

TEST(names_device_and_vm)
{
	start();
	happens(DEV_A, 1);
	iommu_report_events(&here);
	EXPECT_EQ(lines, 1);
	EXPECT(strstr(last_line, "iommu0: page fault: device 00:05.0 of vm left domain 7"));
	EXPECT(strstr(last_line, "flags 021 address 123456000"));
	EXPECT_EQ(vms[0].devices[0].events, 1);
	EXPECT_EQ(vms[1].devices[0].events, 0);
	EXPECT_EQ(stopped + blocked, 0);
}

TEST(finds_a_device_by_its_alias)
{
	start();
	happens(DEV_B_AS, 1);
	iommu_report_events(&here);
	EXPECT(strstr(last_line, "device 00:03.0 of vm right"));
	EXPECT_EQ(vms[1].devices[0].events, 1);
}

TEST(the_sixteenth_event_stops_the_vm_once)
{
	start();
	happens(DEV_A, 15);
	iommu_report_events(&here);
	EXPECT_EQ(lines, 4);
	EXPECT_EQ(stopped, 0);
	happens(DEV_A, 5);
	iommu_report_events(&here);
	EXPECT_EQ(lines, 4);
	EXPECT_EQ(stopped, 1);
	EXPECT_EQ(blocked, 1);
	EXPECT(last_stopped == &vms[0] && last_blocked == &vms[0]);
}

TEST(a_few_in_each_period_stop_nobody)
{
	start();
	for (unsigned period = 0; period < 3; period++) {
		lines = 0;
		happens(DEV_A, 15);
		iommu_report_events(&here);
		EXPECT_EQ(lines, 4);
		notice_renew(&vms[0]);
		events_renew(&vms[0]);
		EXPECT_EQ(lines, 5);
	}
	EXPECT_EQ(stopped, 0);
	EXPECT_EQ(notice_total(&vms[0].notices, NOTICE_EVENT), 45);
}

TEST(one_device_does_not_count_for_another)
{
	start();
	for (unsigned i = 0; i < 15; i++) {
		happens(DEV_A, 1);
		happens(DEV_B, 1);
	}
	iommu_report_events(&here);
	EXPECT_EQ(lines, 8);
	EXPECT_EQ(stopped, 0);
}

TEST(nobodys_device_is_named_while_the_log_is_short)
{
	start();
	happens(NOBODYS, 40);
	iommu_report_events(&here);
	EXPECT_EQ(lines, 16);
	EXPECT(strstr(last_line, "device 00:1f.1 (no VM's)"));
	EXPECT_EQ(taken, 40);
	EXPECT_EQ(stopped, 0);
}

TEST(takes_no_more_than_the_log_holds)
{
	start();
	iommus[0].event.bytes = 8 * 16;
	happens(NOBODYS, 20);
	iommu_report_events(&here);
	EXPECT_EQ(taken, 8);
	iommu_report_events(&here);
	EXPECT_EQ(taken, 16);
}

/* With one MSI message the GA log's interrupts come here. */
TEST(looks_at_the_galog_where_the_message_is_shared)
{
	start();
	iommu_report_events(&here);
	EXPECT_EQ(galogs, 0);
	iommus[1].one_message = true;
	iommu_report_events(&here);
	EXPECT_EQ(galogs, 1);
}
