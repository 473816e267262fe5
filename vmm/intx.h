/* SPDX-License-Identifier: MIT */
/*
 * INTx of an assigned device: from the pin of the machine's I/O APIC to a pin of the guest's.
 *
 *                intx_interrupt(): the device asserts
 *   CLOSED --> OPEN ------------------------------------> RAISED (or HELD: too many)
 *     ^ open    ^     the host's pin is masked, the         |
 *     | close   |     guest's pin is raised                 |
 *    any        +-------------------------------------------+
 *                intx_eoi(): the guest's EOI lowers its pin and unmasks the host's; a device that
 *                still asserts fires again at once
 *
 * The device's level isn't followed in between: a masked pin of the guest's stays raised until it
 * is unmasked, and the guest then finds that its device wants nothing any more. So the host takes
 * one interrupt for each EOI, and none from a device whose driver doesn't answer.
 *
 * Nothing is lost: RAISED and HELD are entered before vioapic_raise() and left after the EOI has
 * lowered the pin, so whichever way the two cross, a masked line has its pin raised or about to be.
 */
#ifndef VMM_INTX_H
#define VMM_INTX_H

#include "drivers/ioapic.h"
#include "base/err.h"
#include "base/spinlock.h"
#include "base/types.h"

struct assigned_device;
struct cpu;
struct vm;

/* A guest that ends its interrupts without answering its device has them come back at once. What
 * more than that comes in a window waits for the slow tick: intx_release(). */
#define INTX_WINDOW_US   10000
#define INTX_WINDOW_MOST 200

enum intx_state { INTX_CLOSED, INTX_OPEN, INTX_RAISED, INTX_HELD };

struct intx_line {
	struct assigned_device *device; /* (const) */
	uint32_t gsi;                   /* (const) */
	struct ioapic_pin host;         /* (const) */
	uint8_t guest_pin;              /* (const) */
	struct spinlock lock;           /* rank DEVICE; never together with the guest I/O APIC's */
	enum intx_state state;          /* (lock) */
	bool ended;                     /* (lock) HELD: the guest's EOI has come */
	uint64_t window;                /* (lock) ticks: its begin */
	uint32_t fired;                 /* (lock) since then */
	uint64_t interrupts;            /* (lock) taken by the host */
};

/* The sentence that refuses a device whose pin nobody has said anything about; NULL: it has
 * messages, or no pin, or the configuration has an "intx" for it. */
struct pci_device;
const char *intx_refuse(const struct vm *vm, const struct pci_device *pci);
/* Connects the device's pin if the configuration says so: d->line, CLOSED. d is the next of the
 * VM's devices. *why says what is wrong. */
err_t intx_attach(struct vm *vm, struct assigned_device *d, const char **why) MUST_USE;
/* The sentence about an "intx" that names none of the VM's devices; NULL: there is none. */
const char *intx_unused(const struct vm *vm);
/* A line belongs to some VM. */
bool intx_given(void);
/* All of the VM's lines, before it runs and when it has ended. */
void intx_open(struct vm *vm);
void intx_close(struct vm *vm);
/* A host interrupt of a line. */
void intx_interrupt(struct cpu *here, struct intx_line *line);
/* The guest has ended what these pins (bits) asked for, and the pins were lowered. */
void intx_eoi(struct vm *vm, uint32_t pins);
/* Now and then: lets go on what was held. Any CPU. */
void intx_release(void);

#endif
