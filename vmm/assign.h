/* SPDX-License-Identifier: MIT */
/* A PCI device in a VM: its domain, its IRTEs, its messages, its BARs. */
#ifndef VMM_ASSIGN_H
#define VMM_ASSIGN_H

#include "drivers/pci.h"
#include "iommu/irte.h"
#include "base/err.h"
#include "base/spinlock.h"
#include "config.h"
#include "cpu.h"

struct vm;
struct vcpu;
struct cpu;

#define ASSIGNED_IRQS 256

/* One message of a device, and where it goes. */
struct assigned_irq {
	struct assigned_device *device; /* (const) */
	uint32_t message;               /* (const) MSI/MSI-X number = IRTE index */
	struct vcpu *target;            /* (device lock) NULL: not routed yet */
	uint8_t guest_vector;           /* (device lock) */
	bool posted;                    /* (device lock) IRTE is in guest mode */
	struct post post;
	/* Emulated delivery: target's tag << 8 | guest vector in one word, because the host's
	 * interrupt may come on another CPU while it changes; 0: nowhere. */
	uint64_t route;
	/* The host vector that it once got of a pCPU, by index, stays its own: a late interrupt
	 * still finds it. 0: none yet. */
	uint8_t host_vector[CPU_MAX];
	uint64_t host_interrupts; /* emulated delivery: taken by the host */
};

struct assigned_device {
	struct vm *vm;
	const struct pci_device *pci;
	struct iommu *iommu; /* (const) */
	struct irt irt;
	struct spinlock lock; /* where messages go; taken after the VM's, before all others */
	uint32_t events;      /* logged by the IOMMU: events.c */
	uint32_t irq_count;
	struct assigned_irq *irq; /* (const) irq_count of them */
};

/* DTE -> the VM's domain (made with the first device: the VM's memory at its guest-physical
 * addresses), messages programmed but going nowhere until assign_route(). vm->memory, npt and id
 * are there. Appends to vm->devices; *why says what is wrong.
 * pci = direct: BARs into the nested tables at their host addresses, without the MSI-X table; bus
 * mastering and messages on. pci = virtual: no BAR is mapped, all messages are masked, bus
 * mastering is off: vpci (guest/vpci.h) does the rest as the guest asks for it. */
err_t assign_device(struct vm *vm, const struct config_device *wanted, const char **why) MUST_USE;
/* Message n of the device becomes guest vector of target, by the VM's delivery mode in force. Works
 * again and again while the device fires: an interrupt goes the old way or the new one, and both
 * vCPUs are made to look at what is pending. */
err_t assign_route(
	struct cpu *here, struct assigned_irq *irq, struct vcpu *target, uint8_t vector) MUST_USE;
/* The message goes nowhere any more; what was under way still arrives, as on a machine. */
void assign_unroute(struct cpu *here, struct assigned_irq *irq);
/* All routed messages of the VM over to the mode. */
err_t assign_set_delivery(struct cpu *here, struct vm *vm, enum delivery_mode mode) MUST_USE;
/* A host interrupt of emulated delivery arrived. */
void assign_host_interrupt(struct cpu *here, struct assigned_irq *irq);
/* After assign_block_all(), of a VM at rest whose bus is virtual: its devices are reset and reach
 * its memory again, with bus mastering and messages off. */
err_t assign_restart(struct vm *vm) MUST_USE;
/* Fence: no bus mastering, DTE blocks DMA and interrupts. */
void assign_block_all(struct vm *vm);

#endif
