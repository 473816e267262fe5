/* SPDX-License-Identifier: MIT */
/*
 * The built-in guest under KVM: what the hypervisor is for it at home, with the kernel's means.
 * vm.c makes the VM and runs its vCPUs, devices.c hands it PCI devices by VFIO, calls.c answers its
 * hypercalls, stats.c has the kernel's account.
 */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_info.h"
#include "hypercall.h"

#define PEER_VCPUS    128
#define PEER_MESSAGES 16 /* per device */

struct peer_device {
	char address[16]; /* 0000:00:04.0 */
	uint16_t vendor, device;
	int fd;
	uint32_t irq_index; /* VFIO_PCI_MSI_IRQ_INDEX or VFIO_PCI_MSIX_IRQ_INDEX */
	uint32_t messages;
	int event[PEER_MESSAGES];
	bool enabled;
	struct {
		uint64_t gpa, bytes;
	} bar[6];
};

struct peer_vcpu {
	uint32_t index;
	int fd, stats_fd;
	uint32_t pcpu, priority;
	struct kvm_run *run;
	pthread_t thread;
	bool parked; /* (peer.lock) */
	pthread_cond_t unparked;
};

struct peer {
	int kvm, vm, container, vfio_device;
	uint8_t *memory;
	uint64_t memory_bytes;
	uint32_t vcpu_count, device_count, slots;
	bool x2apic, avic, native;
	const char *args;
	struct peer_vcpu vcpu[PEER_VCPUS];
	struct peer_device device[GUEST_INFO_DEVICES];
	pthread_mutex_t lock;
	pthread_barrier_t start; /* no vCPU runs before all have their threads */
};
extern struct peer peer;

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* ioctl() that dies, saying what failed. */
int must(int result, const char *what);

void vm_create(void);
void vm_add_memory(uint64_t gpa, uint64_t bytes, void *host);
void vcpu_create(struct peer_vcpu *v);
void vcpu_start(struct peer_vcpu *v);

/* All edu and igb devices that VFIO has; BARs go where they are on the host. */
void devices_open(void);
/* Message of a device -> vector of a vCPU, by irqfd; false: no such thing. */
bool device_route(uint64_t device, uint64_t message, uint64_t vcpu, uint64_t vector);
/* The device's own pin -> a pin of KVM's I/O APIC. */
bool device_route_pin(uint64_t device, uint64_t pin);

/* Function and arguments in the vCPU's registers; the result goes to RAX. */
void call_handle(struct peer_vcpu *v);

void stats_open(struct peer_vcpu *v);
/* Appends "REPORT counters ..." to the pending text. */
void stats_report(uint32_t arm, bool begin);

/* Text for the console; kept until text_flush(), for writing it costs time of the arm. */
void text_add(const char *format, ...) __attribute__((format(printf, 1, 2)));
void text_flush(void);

#endif
