// SPDX-License-Identifier: MIT
/* Ports: which device has which. Those of nobody read all ones and take writes, as where no device
 * is. */
#include "exit_io.h"
#include "exit_parts.h"
#include "guest/console.h"
#include "vcpu.h"
#include "vm.h"

enum com1 {
	COM1_DATA = 0x3f8,
	COM1_INTERRUPT_ID = 0x3fa,
	COM1_LINE_STATUS = 0x3fd,
	COM1_LAST = 0x3ff
};

#define NO_INTERRUPT      0x01
#define TRANSMITTER_EMPTY 0x60

/* Enough of a 16550 to print. */
static void com1_access(struct vm *vm, struct port_access *a)
{
	if (!a->in && a->port == COM1_DATA) {
		char byte = (char)a->value;

		guest_console_write(&vm->console, vm->config->name, &byte, 1);
	} else if (a->port == COM1_LINE_STATUS) {
		a->value = TRANSMITTER_EMPTY;
	} else {
		a->value = a->port == COM1_INTERRUPT_ID ? NO_INTERRUPT : 0;
	}
}

static void device_access(struct cpu *here, struct vcpu *v, struct port_access *a)
{
	switch (a->port) {
	case COM1_DATA ... COM1_LAST:
		com1_access(v->vm, a);
		break;
	default:
		if (vpci_has_port(v->vm, a->port))
			vpci_port(here, v->vm, a);
		else
			a->value = ~0u;
	}
}

void exit_io(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	uint64_t rax = svm_reg(&v->svm, 0);
	uint64_t mask = ~0ull >> (64 - 8 * e->io.bytes);
	struct port_access a = {
		.port = e->io.port,
		.bytes = e->io.bytes,
		.in = e->io.in,
		.value = e->io.in ? 0 : (uint32_t)(rax & mask),
	};

	/* None of the devices here is one for which drivers use INS and OUTS. */
	if (e->io.string) {
		exit_inject_gp(v);
		return;
	}
	device_access(here, v, &a);
	/* A 32-bit result clears the upper half, smaller ones leave the rest. */
	if (a.in)
		svm_set_reg(&v->svm, 0, a.bytes == 4 ? a.value : (rax & ~mask) | (a.value & mask));
	svm_set_rip(&v->svm, e->io.next_rip);
}
