/* SPDX-License-Identifier: MIT */
/*
 * timer = hpet: the machine's HPET as the guest's timer. The guest reads its counter and sets its
 * comparators without exits, and their messages pass the IOMMU like any device's: posted to a vCPU
 * that runs, and by GA log or GAPPI to one that is halted. (A kernel's other timer, the local
 * APIC's, exits at each setting, and again when it fires.)
 *
 *      TRAPPED --a message leads to a vCPU, and the counter or a comparator is used--> MAPPED
 *         ^                                                                              |
 *         `-------a message that the guest wrote itself, or the VM starts anew-----------'
 *
 * TRAPPED: each access is done here. Messages (FSB route registers) stay in a copy; the comparator
 * itself sends VHPET_DATA(n), which selects its own IRTE in the HPET's interrupt table.
 * MAPPED: the page is the guest's. If it writes a message then, the comparator sends the guest's
 * data, a vector, which selects an IRTE that leads to the host. That takes the page back, and
 * delivers the interrupt by what stands in the registers; once no vCPU has the page in its TLB any
 * more, the message is adopted as if it had been trapped. So none is lost, and none leads anywhere
 * but to this VM, whatever it writes. A changed address alone still leads where it did: the slow
 * timer finds it.
 */
#ifndef GUEST_VHPET_H
#define GUEST_VHPET_H

#include "assign.h"
#include "drivers/hpet.h"

struct mmio_access;

#define VHPET_COMPARATORS 16u
#define VHPET_ENTRIES     512u /* of its interrupt table */
#define VHPET_ENTRY       256u /* the first comparator's; below it are vectors */

struct vhpet {
	struct hpet host;
	struct pci_device source;      /* only the ID that its messages carry */
	struct assigned_device device; /* vm: NULL: the VM has none */
	struct assigned_irq irq[VHPET_COMPARATORS];
	/* All by the VM's lock. */
	struct {
		uint32_t value, address;
	} message[VHPET_COMPARATORS]; /* as the guest wrote them */
	bool mapped, told;
};

/* Before the guest's tables are made. Where the machine can't: the VM has none, and *why says so.
 * NULL: it has one, or does not want it. */
void vhpet_create(struct vm *vm, const char **why);
/* Somebody has it: then no wire of the I/O APICs can be given away, because its comparators could
 * fire on it, and its messages carry their ID. */
bool vhpet_given(void);
/* The low half of its capabilities, as the guest sees it. */
uint32_t vhpet_capabilities(const struct vhpet *h);
/* An access to its page. */
void vhpet_access(struct cpu *here, struct vm *vm, struct mmio_access *a);
/* A message that the guest wrote while the page was its own. */
void vhpet_interrupt(struct cpu *here, struct vhpet *h) __attribute__((noinline, cold));
/* By the slow timer. */
void vhpet_look(struct cpu *here, struct vm *vm);
/* Of a VM at rest: as at boot, but fenced. */
void vhpet_reset(struct cpu *here, struct vm *vm);
/* Its messages are let through. *why as in assign_open(). */
err_t vhpet_open(struct vm *vm, const char **why) MUST_USE;
/* It stands, and is fenced. */
void vhpet_close(struct vm *vm);

#endif
