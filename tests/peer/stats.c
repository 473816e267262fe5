// SPDX-License-Identifier: MIT
/* The kernel's own account: KVM's statistics of the vCPUs (binary, by file descriptor), and how
 * often the IOMMU interrupted. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "peer.h"

#define NAME_BYTES 64

/* KVM's name, ours (struct hc_counters), and where it lies in a statistics file. */
static struct counter {
	const char *theirs, *ours;
	off_t offset;
} counters[] = {
	{ "exits", "exits", 0 },
	{ "halt_exits", "exits_hlt", 0 },
	{ "irq_exits", "exits_intr", 0 },
	{ "halt_wakeup", "wakes", 0 },
	{ "halt_successful_poll", "polled", 0 },
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* All vCPUs' files have the same layout. */
static void learn_layout(int fd)
{
	struct kvm_stats_header head;
	char raw[sizeof(struct kvm_stats_desc) + NAME_BYTES];
	struct kvm_stats_desc *d = (struct kvm_stats_desc *)raw;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || head.name_size > NAME_BYTES)
		die("KVM's statistics can't be read");
	for (uint32_t i = 0; i < head.num_desc; i++) {
		size_t bytes = sizeof(*d) + head.name_size;

		if (pread(fd, raw, bytes, (off_t)(head.desc_offset + i * bytes)) != (ssize_t)bytes)
			die("KVM's statistics end early");
		for (size_t n = 0; n < COUNTERS; n++) {
			if (!strcmp(counters[n].theirs, d->name))
				counters[n].offset = (off_t)head.data_offset + d->offset;
		}
	}
}

void stats_open(struct peer_vcpu *v)
{
	v->stats_fd = must(ioctl(v->fd, KVM_GET_STATS_FD, 0), "KVM_GET_STATS_FD");
	if (v->index == 0)
		learn_layout(v->stats_fd);
}

/* Interrupts of the IOMMU itself, on all CPUs: /proc/interrupts, lines of AMD-Vi. */
static unsigned long iommu_interrupts(void)
{
	static char text[65536];
	unsigned long sum = 0;
	size_t used = 0;
	ssize_t n;
	int fd = open("/proc/interrupts", O_RDONLY);

	if (fd < 0)
		return 0;
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = 0;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		char *p = strchr(line, ':'), *end;

		if (!p || !strstr(line, "AMD-Vi"))
			continue;
		for (p++;; p = end) {
			unsigned long count = strtoul(p, &end, 10);

			if (end == p)
				break;
			sum += count;
		}
	}
	return sum;
}

void stats_report(uint32_t arm, bool begin)
{
	text_add("REPORT counters arm=%u edge=%s", arm, begin ? "begin" : "end");
	for (size_t n = 0; n < COUNTERS; n++) {
		uint64_t sum = 0, one;

		for (uint32_t i = 0; i < peer.vcpu_count; i++) {
			if (pread(peer.vcpu[i].stats_fd, &one, sizeof(one), counters[n].offset) ==
				sizeof(one))
				sum += one;
		}
		text_add(" %s=%llu", counters[n].ours, (unsigned long long)sum);
	}
	text_add(" iommu_interrupts=%lu\n", iommu_interrupts());
}
