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
#include "storm.h"

struct intx_line;
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
	uint64_t granted;   /* (device lock) ticks: when it got its allowance; 0: it has none */
	uint32_t allowance; /* of those, before the next look at the device's share: storm.h */
	bool held;          /* (device lock) its device's share is used up: storm.h */
	bool owed;          /* (device lock) held, emulated: one fires when the period ends */
	bool untold;        /* (device lock) it was held, and gets a line for it */
};

struct assigned_device {
	struct vm *vm;
	const struct pci_device *pci;
	struct iommu *iommu; /* (const) */
	struct irt irt;      /* (const) entry is its own first one, the rest is the whole table's */
	uint32_t first_irte; /* (const) index of that: 0, but for who shares a requester ID */
	struct spinlock lock;   /* where messages go; taken after the VM's, before all others */
	uint32_t events;        /* logged by the IOMMU in this period: events.c */
	struct storm storm;     /* (lock) */
	struct pci_reset reset; /* assign_restart.c */
	bool reset_done;
	uint32_t irq_count;
	struct assigned_irq *irq; /* (const) irq_count of them */
	struct intx_line *line;   /* (const) its INTx; NULL: not connected */
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
/* Device lock held: message irq causes no host interrupts until route_release(), which delivers
 * what came meanwhile, once. Without the lock; nothing if it isn't held. */
void route_hold(struct cpu *here, struct assigned_irq *irq);
void route_release(struct cpu *here, struct assigned_irq *irq);
/* A host interrupt of emulated delivery arrived. */
void assign_host_interrupt(struct cpu *here, struct assigned_irq *irq);
/* Of a VM at rest, after assign_block_all(): messages go nowhere, and the resets begin. Then steps,
 * none of which waits (ERR_BUSY: again later), with DMA and messages blocked all the time; OK: the
 * devices are reset and as assign_device() left them. Otherwise *why is a sentence. */
void assign_reset_begin(struct cpu *here, struct vm *vm);
err_t assign_reset_step(struct vm *vm, const char **why) MUST_USE;
/* Between the two files of it: the last part of assign_device(). */
err_t assign_open(struct assigned_device *d, const char **why) MUST_USE;
/* Fence: no bus mastering, DTE blocks DMA and interrupts. */
void assign_block_all(struct vm *vm);

#endif
