/* SPDX-License-Identifier: MIT */
/* A guest's 16550A at COM1, with interrupts. What it sends goes to the VM's console at once, so
 * that its transmitter is always empty. */
#ifndef GUEST_VUART_H
#define GUEST_VUART_H

#include "base/spinlock.h"
#include "base/types.h"

#define VUART_FIFO 64 /* a power of two */

struct cpu;
struct vm;
struct port_access;

struct vuart {
	struct spinlock lock; /* rank DEVICE; before the I/O APIC's */
	uint8_t ier, fcr, lcr, mcr, scratch, divisor[2];
	bool transmitted; /* "transmitter empty" was not reported yet */
	bool overrun;
	uint8_t fifo[VUART_FIFO];
	uint32_t first, count; /* received, not read */
};

void vuart_reset(struct vuart *u);
/* An access to ports 3F8h to 3FFh by a vCPU on this CPU. */
void vuart_access(struct cpu *here, struct vm *vm, struct port_access *a);
/* A byte for the guest, from whoever types. Any CPU. False: the guest doesn't read, and the FIFO is
 * full. */
bool vuart_receive(struct cpu *here, struct vm *vm, char byte);

#endif
