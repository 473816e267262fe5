// SPDX-License-Identifier: MIT
/* PCI devices by VFIO: DMA where the guest's memory is, BARs where they are on the host, messages
 * by eventfd and irqfd (so that KVM's IRQ bypass can post them). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer.h"

#define PCI_PATH        "/sys/bus/pci/devices"
#define PCI_COMMAND     4
#define COMMAND_MEMORY  2
#define COMMAND_MASTER  4
#define EDU_ID          0x11e81234u
#define IGB_ID          0x10c98086u
#define RESOURCE_MEMORY 0x200ull

static unsigned long read_number(const char *address, const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), PCI_PATH "/%s/%s", address, name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		die("%s: can't be read", path);
	close(fd);
	return strtoul(text, NULL, 0);
}

static void read_bars(struct peer_device *d)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), PCI_PATH "/%s/resource", d->address);
	file = fopen(path, "r");
	if (!file)
		die("%s: can't be read", path);
	for (unsigned i = 0; i < 6; i++) {
		unsigned long long first, last, flags;

		if (fscanf(file, "%llx %llx %llx", &first, &last, &flags) != 3)
			break;
		if (!(flags & RESOURCE_MEMORY))
			continue;
		d->bar[i].gpa = first;
		d->bar[i].bytes = last - first + 1;
	}
	fclose(file);
}

/* The group of a device, in the container; opened once for all devices of it. */
static int group_open(const char *address)
{
	static struct {
		unsigned long number;
		int fd;
	} groups[GUEST_INFO_DEVICES];
	static unsigned count;
	struct kvm_device_attr add = { .group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD };
	char link[128], path[128], target[256];
	ssize_t n;

	snprintf(link, sizeof(link), PCI_PATH "/%s/iommu_group", address);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		die("%s: no IOMMU group", address);
	target[n] = 0;
	unsigned long number = strtoul(strrchr(target, '/') + 1, NULL, 10);

	for (unsigned i = 0; i < count; i++) {
		if (groups[i].number == number)
			return groups[i].fd;
	}
	snprintf(path, sizeof(path), "/dev/vfio/%lu", number);
	int fd = must(open(path, O_RDWR | O_CLOEXEC), path);

	must(ioctl(fd, VFIO_GROUP_SET_CONTAINER, &peer.container), "VFIO_GROUP_SET_CONTAINER");
	if (!count)
		must(ioctl(peer.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "VFIO_SET_IOMMU");
	groups[count].number = number;
	groups[count++].fd = fd;
	add.addr = (uintptr_t)&fd;
	must(ioctl(peer.vfio_device, KVM_SET_DEVICE_ATTR, &add), "KVM_DEV_VFIO_GROUP_ADD");
	return fd;
}

static void map_bars(struct peer_device *d)
{
	for (uint32_t i = 0; i < 6; i++) {
		struct vfio_region_info r = { .argsz = sizeof(r), .index = i };
		void *host;

		must(ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &r), "VFIO_DEVICE_GET_REGION_INFO");
		if (!d->bar[i].bytes || !(r.flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		host = mmap(
			NULL, r.size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, (off_t)r.offset);
		if (host == MAP_FAILED)
			die("%s: BAR %u: %s", d->address, i, strerror(errno));
		vm_add_memory(d->bar[i].gpa, d->bar[i].bytes, host);
	}
}

static void enable_device(struct peer_device *d)
{
	struct vfio_region_info r = { .argsz = sizeof(r), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command = COMMAND_MEMORY | COMMAND_MASTER;

	must(ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &r), "config space");
	if (pwrite(d->fd, &command, sizeof(command), (off_t)r.offset + PCI_COMMAND) !=
		sizeof(command))
		die("%s: config space can't be written", d->address);
}

static void count_messages(struct peer_device *d)
{
	static const uint32_t kinds[] = { VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX };

	for (unsigned i = 0; i < 2 && !d->messages; i++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = kinds[i] };

		must(ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info), "VFIO_DEVICE_GET_IRQ_INFO");
		d->irq_index = kinds[i];
		d->messages = info.count < PEER_MESSAGES ? info.count : PEER_MESSAGES;
	}
}

static void device_open(const char *address, uint32_t id)
{
	struct peer_device *d = &peer.device[peer.device_count++];
	int group;

	memccpy(d->address, address, 0, sizeof(d->address) - 1);
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	read_bars(d);
	group = group_open(address);
	d->fd = must(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address), address);
	enable_device(d);
	map_bars(d);
	count_messages(d);
}

static void map_memory(void)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)peer.memory,
		.size = peer.memory_bytes };

	must(ioctl(peer.container, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
}

void devices_open(void)
{
	struct kvm_create_device vfio = { .type = KVM_DEV_TYPE_VFIO };
	struct dirent **names;
	int n = scandir(PCI_PATH, &names, NULL, alphasort);

	peer.container = must(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), "/dev/vfio/vfio");
	must(ioctl(peer.vm, KVM_CREATE_DEVICE, &vfio), "KVM_CREATE_DEVICE");
	peer.vfio_device = (int)vfio.fd;
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (name[0] == '.')
			continue;
		uint32_t id =
			(uint32_t)(read_number(name, "vendor") | read_number(name, "device") << 16);

		if ((id == EDU_ID || id == IGB_ID) && peer.device_count < GUEST_INFO_DEVICES)
			device_open(name, id);
	}
	if (peer.device_count)
		map_memory();
}
