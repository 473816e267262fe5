// SPDX-License-Identifier: MIT
/* Ports. A guest has one device there: enough of a 16550 at COM1 to print. Other ports read all
 * ones and take writes, as where no device is. */
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

static uint32_t port_read(uint16_t port)
{
	if (port < COM1_DATA || port > COM1_LAST)
		return ~0u;
	if (port == COM1_LINE_STATUS)
		return TRANSMITTER_EMPTY;
	return port == COM1_INTERRUPT_ID ? NO_INTERRUPT : 0;
}

void exit_io(struct vcpu *v, const struct vmexit *e)
{
	uint64_t rax = svm_reg(&v->svm, 0);
	uint64_t mask = ~0ull >> (64 - 8 * e->io.bytes);

	/* No guest needs these where nothing is connected. */
	if (e->io.string) {
		exit_inject_gp(v);
		return;
	}
	if (e->io.in) {
		uint64_t value = port_read(e->io.port) & mask;

		/* A 32-bit result clears the upper half, smaller ones leave the rest. */
		svm_set_reg(&v->svm, 0, e->io.bytes == 4 ? value : (rax & ~mask) | value);
	} else if (e->io.port == COM1_DATA) {
		char byte = (char)rax;

		guest_console_write(&v->vm->console, v->vm->config->name, &byte, 1);
	}
	svm_set_rip(&v->svm, e->io.next_rip);
}
