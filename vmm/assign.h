/* SPDX-License-Identifier: MIT */
/* A PCI device in a VM: its domain, its IRTEs, its messages, its BARs. */
#ifndef VMM_ASSIGN_H
#define VMM_ASSIGN_H

#include "drivers/pci.h"
#include "iommu/irte.h"
#include "base/err.h"
#include "config.h"

struct vm;
struct vcpu;
struct cpu;

#define ASSIGNED_IRQS 16

/* One message of a device, and where it goes. */
struct assigned_irq {
	struct assigned_device *device;
	uint32_t message;    /* MSI/MSI-X number = IRTE index */
	struct vcpu *target; /* NULL: not routed yet */
	uint8_t guest_vector;
	uint8_t host_vector;  /* emulated delivery: of target's home */
	struct cpu *host_cpu; /* emulated delivery: whose vector that is */
	bool posted;          /* IRTE is in guest mode */
	struct post post;
	uint64_t host_interrupts; /* emulated delivery: taken by the host */
};

struct assigned_device {
	struct vm *vm;
	const struct pci_device *pci;
	struct iommu *iommu; /* NULL: no IOMMU, interrupts only by direct MSI, DMA off */
	struct irt irt;
	uint32_t irq_count;
	struct assigned_irq irq[ASSIGNED_IRQS];
};

/* [irq-path 0] DTE -> the VM's domain, BARs into the nested tables at their host addresses (without
 * the MSI-X table), messages programmed but going nowhere until assign_route(). */
err_t assign_device(struct vm *vm, const struct config_device *wanted, const char **why) MUST_USE;
/* Message n of the device becomes guest vector of target, by the VM's delivery mode in force. Works
 * again and again while the device fires: re-post without losing an interrupt. */
err_t assign_route(
	struct cpu *here, struct assigned_irq *irq, struct vcpu *target, uint8_t vector) MUST_USE;
/* All routed messages of the VM over to the mode. */
err_t assign_set_delivery(struct cpu *here, struct vm *vm, enum delivery_mode mode) MUST_USE;
/* A host interrupt of emulated delivery arrived. */
void assign_host_interrupt(struct cpu *here, struct assigned_irq *irq);
/* Fence: DTE blocks DMA and interrupts. */
void assign_block_all(struct vm *vm);

#endif
