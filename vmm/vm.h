/* SPDX-License-Identifier: MIT */
/* A virtual machine: memory, vCPUs, devices, and the modes in force. */
#ifndef VMM_VM_H
#define VMM_VM_H

#include "avic/avic.h"
#include "iommu/iommu.h"
#include "svm/npt.h"
#include "svm/svm.h"
#include "assign.h"
#include "config.h"
#include "guest/console.h"
#include "guest/vhpet.h"
#include "guest/vpci.h"
#include "guest/pvclock.h"
#include "guest/vioapic.h"
#include "guest/vmtrr.h"
#include "guest/vrtc.h"
#include "guest/vuart.h"
#include "notice.h"
#include "vcpu.h"
#include "vm_restart.h"
#include "wake.h"

struct vm {
	const struct vm_config *config; /* (const) */
	uint32_t id;                    /* (const) 1.. ; also its IOMMU domain */
	struct spinlock lock;           /* rank VM: modes, devices; read-only data needs none */
	struct svm_vm svm;
	struct npt npt;
	struct domain domain;
	struct avic_vm avic;
	phys_t memory;               /* one piece; where the guest has it: memory_map.h */
	enum delivery_mode delivery; /* (lock) in force: EMULATED or POSTED */
	enum halt_mode halt;         /* (lock) in force */
	const char *delivery_why;    /* sentences for the log and the monitor */
	const char *halt_why;
	uint32_t vcpu_count;
	struct vcpu *vcpus;
	uint32_t device_count;
	struct assigned_device devices[CONFIG_DEVICES];
	struct vhpet hpet;  /* (lock) */
	struct vpci vpci;   /* (lock) */
	uint32_t stopped;   /* (shared) 1: it ended */
	uint32_t gone;      /* (shared) 1: and will not start anew by itself */
	uint32_t switching; /* (shared) 1: a switch of modes is under way */
	phys_t apic_page;   /* what lies under the APIC page while AVIC is on */
	char why_not[192];  /* a sentence of guest_place() */
	struct vm_restart restart;
	struct guest_console console;
	struct notices notices;
	/* The devices of a guest with a kernel of its own. */
	struct vioapic ioapic;
	struct vuart uart;
	struct pvclock clock;
	struct vmtrr mtrr;
	struct vrtc rtc;
	uint16_t pm1_enable; /* any vCPU: guest/power.h */
};

/* Makes a VM from its config; on failure everything is undone and *why says what was missing. */
err_t vm_create(
	struct vm *vm, const struct vm_config *config, uint32_t id, const char **why) MUST_USE;
void vm_start(struct cpu *here, struct vm *vm);
/* All vCPUs stop at their next exit; devices are blocked. why is logged. Any CPU. */
void vm_stop(struct cpu *here, struct vm *vm, const char *why);
/* The guest switched itself off or reset itself, or an operator wants it so; how is for the log.
 * Its restart policy decides what comes next, but not against an operator. Any CPU. */
enum vm_end { VM_POWER_OFF, VM_RESET, VM_OPERATOR_STOP, VM_OPERATOR_RESTART };
void vm_end(struct cpu *here, struct vm *vm, enum vm_end what, const char *how);
/* The i-th of what sends it messages: its devices, then its HPET. NULL: no more. */
static inline struct assigned_device *vm_source(struct vm *vm, uint32_t i)
{
	if (i < vm->device_count)
		return &vm->devices[i];
	return i == vm->device_count && vm->hpet.device.vm ? &vm->hpet.device : NULL;
}
/* The guest said that it is done. When all VMs are done or stopped, the machine stops. */
void vm_exit(struct cpu *here, struct vm *vm, uint32_t status);
/* It stays ended: when that is so of all VMs, the machine stops. */
void vm_gone(struct vm *vm, uint32_t status);
/* After vm_gone(), on the boot CPU: an operator starts it after all. */
void vm_wanted_again(struct vm *vm);
uint32_t vm_count(void);
struct vm *vm_by_index(uint32_t i);
/* Where the guest's RAM is the host's; PHYS_NONE when a byte isn't RAM, or they aren't in one
 * piece. */
phys_t vm_phys(const struct vm *vm, gpa_t at, size_t bytes);
/* Copies between guest memory and ours; false likewise. */
bool vm_read(struct vm *vm, gpa_t from, void *to, size_t bytes);
bool vm_write(struct vm *vm, gpa_t to, const void *from, size_t bytes);

/* Switches while the VM runs; called on behalf of v (running here) or by the monitor (v NULL).
 * Without losing an interrupt. ERR_BUSY: another switch is under way. */
err_t vm_set_delivery(
	struct cpu *here, struct vm *vm, struct vcpu *v, enum delivery_mode mode) MUST_USE;
err_t vm_set_halt(struct cpu *here, struct vm *vm, struct vcpu *v, enum halt_mode mode) MUST_USE;

/* Why the VM can't have posted delivery; NULL: it can. Halt modes likewise. */
const char *vm_posted_unfit(const struct vm *vm);
const char *vm_halt_unfit(enum halt_mode mode);
/* The modes of its config, or what the machine has instead, with a line in the log. */
void vm_choose_modes(struct vm *vm);
/* Does the guest's CPU have x2APIC mode? The same for good. */
bool vm_has_x2apic(const struct vm *vm);
/* That of all its APICs when it starts. */
enum vapic_mode vm_first_apic_mode(const struct vm *vm);
/* On v's home, not in the guest, or where v is at rest: its APIC is in another mode from here on.
 */
void vm_set_apic_mode(struct vcpu *v, enum vapic_mode mode);
/* xAPIC, AVIC on for v: makes hardware take over the APIC page; false: not all vCPUs are ready. */
bool vm_map_apic_page(struct vm *vm);

/* What the VM wants of the IOMMUs while its vCPUs are halted; enum wake_mechanism (wake.h). */
enum wake_mechanism vm_wake_mechanism(const struct vm *vm);
/* On v's home, not in the guest: brings v to its VM's delivery and halt mode. */
void vm_apply_mode(struct vcpu *v);

#endif
