// SPDX-License-Identifier: MIT
/*
 * peer [-a] [-n] [-x] [-m MiB] [-c pCPU,...] [-p priority,...] IMAGE "ARGUMENTS"
 *   -a  KVM has AVIC on, and interrupts are to be posted    -n  no exits for HLT
 *   -x  xAPIC instead of x2APIC
 * Lists as in reveille.cfg: one value for each vCPU, N*V is N times V.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "peer.h"

#define PAGE          4096
#define PTE_TABLE     0x7  /* present, writable, user */
#define PTE_GIGABYTE  0x83 /* present, writable, large */
#define TABLE_ENTRIES 512
#define CALIBRATE_US  1000

struct peer peer = { .x2apic = true,
	.memory_bytes = 64ull << 20,
	.vcpu_count = 2,
	.lock = PTHREAD_MUTEX_INITIALIZER };

static char pending[65536];
static size_t pending_bytes;

void die(const char *format, ...)
{
	va_list args;

	text_flush();
	va_start(args, format);
	printf("peer: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror(errno));
	return result;
}

void text_add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(pending + pending_bytes, sizeof(pending) - pending_bytes, format, args);

	va_end(args);
	if (n > 0)
		pending_bytes += (size_t)n;
	if (pending_bytes >= sizeof(pending))
		pending_bytes = sizeof(pending) - 1;
}

void text_flush(void)
{
	for (size_t done = 0; done < pending_bytes;) {
		ssize_t n = write(STDOUT_FILENO, pending + done, pending_bytes - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	pending_bytes = 0;
	tcdrain(STDOUT_FILENO);
}

/* "0,1,64*0" -> one value for each vCPU; how many there are. */
static uint32_t parse_list(const char *text, uint32_t *values)
{
	uint32_t count = 0;

	while (*text) {
		char *end;
		unsigned long times = 1, value = strtoul(text, &end, 10);

		if (*end == '*') {
			times = value;
			value = strtoul(end + 1, &end, 10);
		}
		if (end == text || (*end && *end != ',') || count + times > PEER_VCPUS)
			die("bad list: %s", text);
		while (times--)
			values[count++] = (uint32_t)value;
		text = *end ? end + 1 : end;
	}
	return count;
}

static void options(int argc, char **argv)
{
	uint32_t values[PEER_VCPUS] = { 0, 1 }, count;

	for (int c; (c = getopt(argc, argv, "anxm:c:p:")) != -1;) {
		switch (c) {
		case 'a':
			peer.avic = true;
			break;
		case 'n':
			peer.native = true;
			break;
		case 'x':
			peer.x2apic = false;
			break;
		case 'm':
			peer.memory_bytes = strtoull(optarg, NULL, 10) << 20;
			break;
		case 'c':
			peer.vcpu_count = parse_list(optarg, values);
			for (uint32_t i = 0; i < peer.vcpu_count; i++)
				peer.vcpu[i].pcpu = values[i];
			break;
		case 'p':
			count = parse_list(optarg, values);
			for (uint32_t i = 0; i < count; i++)
				peer.vcpu[i].priority = values[i];
			break;
		default:
			die("bad option");
		}
	}
	if (argc - optind != 2)
		die("usage: peer [options] IMAGE ARGUMENTS");
	peer.args = argv[optind + 1];
}

static void load_image(const char *path)
{
	int fd = must(open(path, O_RDONLY), path);
	ssize_t n = read(fd, peer.memory + GUEST_LOAD_GPA, peer.memory_bytes - GUEST_LOAD_GPA);

	if (n <= 0)
		die("%s: can't be read", path);
	close(fd);
}

static void write_tables(void)
{
	uint64_t *top = (uint64_t *)(peer.memory + GUEST_TABLES_GPA);
	uint64_t *second = top + TABLE_ENTRIES;

	top[0] = (GUEST_TABLES_GPA + PAGE) | PTE_TABLE;
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		second[i] = i << 30 | PTE_GIGABYTE;
}

static uint64_t read_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static uint32_t tsc_per_us(void)
{
	uint64_t start = read_tsc();

	usleep(CALIBRATE_US);
	return (uint32_t)((read_tsc() - start) / CALIBRATE_US);
}

static void write_info(void)
{
	struct guest_info *info = (struct guest_info *)(peer.memory + GUEST_INFO_GPA);

	info->magic = GUEST_INFO_MAGIC;
	info->vcpu_count = peer.vcpu_count;
	info->device_count = peer.device_count;
	info->memory_bytes = peer.memory_bytes;
	info->x2apic = peer.x2apic;
	info->tsc_per_us = tsc_per_us();
	info->hypercall_by_port = 1;
	strncpy(info->args, peer.args, sizeof(info->args) - 1);
	for (uint32_t i = 0; i < peer.vcpu_count; i++)
		info->vcpu_pcpu[i] = (uint8_t)peer.vcpu[i].pcpu;
	for (uint32_t i = 0; i < peer.device_count; i++) {
		const struct peer_device *d = &peer.device[i];
		struct guest_info_device *out = &info->device[i];

		out->vendor = d->vendor;
		out->device = d->device;
		out->messages = d->messages;
		for (unsigned n = 0; n < 6; n++) {
			out->bar[n].gpa = d->bar[n].gpa;
			out->bar[n].bytes = d->bar[n].bytes;
		}
	}
}

int main(int argc, char **argv)
{
	options(argc, argv);
	must(mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	vm_create();
	devices_open();
	load_image(argv[optind]);
	write_tables();
	write_info();
	for (uint32_t i = 0; i < peer.vcpu_count; i++) {
		peer.vcpu[i].index = i;
		vcpu_create(&peer.vcpu[i]);
	}
	pthread_barrier_init(&peer.start, NULL, peer.vcpu_count);
	for (uint32_t i = 0; i < peer.vcpu_count; i++)
		vcpu_start(&peer.vcpu[i]);
	for (;;)
		pause();
}
