// SPDX-License-Identifier: MIT
/* Ports: which device has which. Those of nobody read all ones and take writes, as where no device
 * is. */
#include "exit_io.h"
#include "exit_parts.h"
#include "guest/platform.h"
#include "guest/power.h"
#include "guest/vrtc.h"
#include "guest/vuart.h"
#include "vcpu.h"
#include "vm.h"

static void device_access(struct cpu *here, struct vcpu *v, struct port_access *a)
{
	a->value = a->in ? ~0u : a->value;
	switch (a->port) {
	case PLATFORM_COM1 ... PLATFORM_COM1 + 7:
		if (v->vm->config->console == VM_CONSOLE_UART)
			vuart_access(here, v->vm, a);
		break;
	case PLATFORM_RTC ... PLATFORM_RTC + 1:
		if (!v->vm->config->builtin)
			vrtc_access(&v->vm->rtc, a);
		break;
	case PLATFORM_SLEEP_CONTROL ... PLATFORM_SLEEP_STATUS:
	case PLATFORM_RESET:
		if (!v->vm->config->builtin)
			power_access(here, v->vm, a);
		break;
	case PLATFORM_PM1_EVENT ... PLATFORM_PM1_CONTROL + 1:
		if (v->vm->hpet.device.vm)
			power_pm1_access(here, v->vm, a);
		break;
	default:
		if (vpci_has_port(v->vm, a->port))
			vpci_port(here, v->vm, a);
		else
			notice(v->vm, NOTICE_PORT, "vCPU %u, %s %x: nobody's port", v->index,
				a->in ? "IN" : "OUT", a->port);
	}
}

__attribute__((noinline)) void exit_io(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	uint64_t rax = svm_rax(&v->svm);
	uint64_t mask = ~0ull >> (64 - 8 * e->io.bytes);
	struct port_access a = {
		.port = e->io.port,
		.bytes = e->io.bytes,
		.in = e->io.in,
		.value = (uint32_t)(rax & mask),
	};

	/* None of the devices here is one for which drivers use INS and OUTS. */
	if (e->io.string) {
		notice(v->vm, NOTICE_PORT, "vCPU %u, INS or OUTS of port %x: #GP", v->index,
			e->io.port);
		exit_inject_gp(v);
		return;
	}
	device_access(here, v, &a);
	/* A 32-bit result clears the upper half, smaller ones leave the rest. */
	if (a.in)
		svm_set_rax(&v->svm, a.bytes == 4 ? a.value : (rax & ~mask) | (a.value & mask));
	svm_set_rip(&v->svm, e->io.next_rip);
}
