// SPDX-License-Identifier: MIT
/* Interrupts of VFIO's devices: from VFIO by an eventfd to KVM by an irqfd, so that KVM's IRQ
 * bypass can post the messages. */
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "peer.h"

#define IOAPIC_PINS 24
#define FIRST_GSI   32 /* behind the pins of KVM's I/O APIC and PICs */
#define MSI_ADDRESS 0xfee00000u

static struct {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[IOAPIC_PINS + GUEST_INFO_DEVICES * PEER_MESSAGES];
} routes;

/* KVM takes the whole table each time. True: the GSI is a new one. */
static bool route(struct kvm_irq_routing_entry entry)
{
	uint32_t i = 0;

	while (i < routes.head.nr && routes.entry[i].gsi != entry.gsi)
		i++;
	bool first = i == routes.head.nr;

	routes.head.nr += first;
	routes.entry[i] = entry;
	must(ioctl(peer.vm, KVM_SET_GSI_ROUTING, &routes), "KVM_SET_GSI_ROUTING");
	return first;
}

static void set_irqs(const struct peer_device *d, uint32_t index, uint32_t flags, const int *event,
	uint32_t count)
{
	struct {
		struct vfio_irq_set head;
		int32_t fd[PEER_MESSAGES];
	} set = { .head = { .argsz = (uint32_t)(sizeof(set.head) + count * sizeof(int32_t)),
			  .flags = VFIO_IRQ_SET_DATA_EVENTFD | flags,
			  .index = index,
			  .count = count } };

	for (uint32_t i = 0; i < count; i++)
		set.fd[i] = event[i];
	must(ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set), "VFIO_DEVICE_SET_IRQS");
}

/* All messages of the device at once: VFIO can't add one later without switching all off. */
static void enable_messages(struct peer_device *d)
{
	for (uint32_t i = 0; i < d->messages; i++)
		d->event[i] = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
	set_irqs(d, d->irq_index, VFIO_IRQ_SET_ACTION_TRIGGER, d->event, d->messages);
	d->enabled = true;
}

bool device_route(uint64_t device, uint64_t message, uint64_t vcpu, uint64_t vector)
{
	struct peer_device *d = &peer.device[device];

	if (device >= peer.device_count || message >= d->messages || vcpu >= peer.vcpu_count ||
		vector > 255)
		return false;
	if (!d->enabled)
		enable_messages(d);
	uint32_t gsi = (uint32_t)(FIRST_GSI + device * PEER_MESSAGES + message);
	struct kvm_irqfd irqfd = { .fd = (uint32_t)d->event[message], .gsi = gsi };

	if (route((struct kvm_irq_routing_entry){ .gsi = gsi,
		    .type = KVM_IRQ_ROUTING_MSI,
		    .u.msi = { .address_lo = MSI_ADDRESS | (uint32_t)vcpu << 12,
			    .data = (uint32_t)vector } }))
		must(ioctl(peer.vm, KVM_IRQFD, &irqfd), "KVM_IRQFD");
	return true;
}

/* VFIO masks the pin when it fires; KVM tells it of the guest's EOI by a second eventfd. */
bool device_route_pin(uint64_t device, uint64_t pin)
{
	struct peer_device *d = &peer.device[device];

	if (device >= peer.device_count || pin >= IOAPIC_PINS || d->enabled)
		return false;
	int raised = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
	int ended = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
	struct kvm_irqfd irqfd = { .fd = (uint32_t)raised,
		.gsi = (uint32_t)pin,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = (uint32_t)ended };

	route((struct kvm_irq_routing_entry){ .gsi = (uint32_t)pin,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = (uint32_t)pin } });
	must(ioctl(peer.vm, KVM_IRQFD, &irqfd), "KVM_IRQFD");
	set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, &raised, 1);
	set_irqs(d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, &ended, 1);
	d->enabled = true;
	return true;
}
