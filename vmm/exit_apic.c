// SPDX-License-Identifier: MIT
/* APIC accesses that hardware left to us: all of them with AVIC off, some with AVIC on. */
#include "avic/avic.h"
#include "avic/emulated.h"
#include "avic/regs.h"
#include "base/log.h"
#include "exit_mmio.h"
#include "exit_parts.h"
#include "guest/startup.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/shared.h>

/* INIT, SIPI, NMI. True: somebody was meant. */
static __attribute__((noinline)) bool send_startup(
	struct cpu *here, struct vcpu *v, struct avic_ipi *ipi)
{
	struct vm *vm = v->vm;
	bool any = false;
	int id;

	notice(vm, NOTICE_STARTUP, "vCPU %u sends INIT, SIPI or NMI again and again (ICR %llx)",
		v->index, (unsigned long long)ipi->icr);

	while ((id = avic_ipi_next(&vm->avic, ipi)) >= 0) {
		struct vcpu *to = &vm->vcpus[id];

		any = true;
		if (ipi->init)
			startup_send_init(here, to);
		else if (ipi->sipi)
			startup_send_sipi(here, to, ipi->vector);
		else
			startup_send_nmi(here, to);
	}
	return any;
}

static bool send_interrupt(struct cpu *here, struct vm *vm, struct avic_ipi *ipi)
{
	bool any = false;
	int id;

	while ((id = avic_ipi_next(&vm->avic, ipi)) >= 0) {
		struct vcpu *to = &vm->vcpus[id];

		any = true;
		if (avic_notify(&to->avic, here->apicid))
			vcpu_post_event(here, to, 0);
	}
	return any;
}

/* A destination is looked for in the sender's VM and nowhere else: there is no way to name a CPU
 * of the host or of another VM. */
static void send(struct cpu *here, struct vcpu *v, struct avic_ipi *ipi)
{
	bool startup = ipi->init || ipi->sipi || ipi->nmi;

	if (ipi->illegal_vector)
		emulated_esr(&v->emulated, ESR_SEND_ILLEGAL_VECTOR);
	bool any = startup ? send_startup(here, v, ipi) : send_interrupt(here, v->vm, ipi);

	/* INIT's de-assert goes to nobody, and kernels send it. */
	if (!any && !(ipi->init && !(ipi->icr & ICR_ASSERT)))
		notice(v->vm, NOTICE_IPI, "vCPU %u, ICR %llx: no such vCPU, or no such IPI",
			v->index, (unsigned long long)ipi->icr);
}

static void finish(struct cpu *here, struct vcpu *v, const struct apic_result *r)
{
	switch (r->action) {
	case APIC_SEND_IPI: {
		struct avic_ipi ipi = avic_ipi_from_icr(&v->vm->avic, v->index, r->value);

		send(here, v, &ipi);
		break;
	}
	case APIC_TIMER:
		vcpu_timer_changed(here, v);
		break;
	case APIC_LOGICAL:
		avic_logical_update(&v->vm->avic);
		break;
	case APIC_DONE:
	case APIC_FAULT:
	case APIC_EVALUATE: /* the next entry looks at the IRR anyway */
		break;
	case APIC_LEVEL_EOI:
		vioapic_eoi(here, v->vm, r->eoi_vector);
		break;
	}
}

bool exit_apic_msr(struct cpu *here, struct vcpu *v, uint32_t msr, bool write, uint64_t *value)
{
	struct apic_result r;

	r = write ? emulated_msr_write(&v->emulated, msr, *value)
		  : emulated_msr_read(&v->emulated, msr);
	if (r.action == APIC_FAULT)
		return false;
	if (!write)
		*value = r.value;
	finish(here, v, &r);
	return true;
}

bool exit_apic_base(struct vcpu *v, uint64_t value)
{
	enum vapic_mode mode;

	if (!emulated_apic_base_means(&v->emulated, value, vm_has_x2apic(v->vm), &mode))
		return false;
	if (mode != avic_mode(&v->avic))
		vm_set_apic_mode(v, mode);
	return true;
}

/*
 * Registers are 32 bits, 16 bytes apart; what else lies in the page reads 0. Only aligned 32-bit
 * writes have a defined effect (24593 rev 3.44, "APIC Registers").
 */
void exit_apic_access(struct cpu *here, struct vcpu *v, struct mmio_access *a)
{
	uint32_t offset = a->at.v & PAGE_MASK;
	struct apic_result r;

	/* In the other modes nobody is there. */
	if (avic_mode(&v->avic) != VAPIC_XAPIC) {
		a->value = ~0ull;
		return;
	}
	if (a->write) {
		if (a->bytes != 4 || offset & 15)
			return;
		r = emulated_mmio_write(&v->emulated, offset, (uint32_t)a->value);
		finish(here, v, &r);
		return;
	}
	a->value = 0;
	if ((offset & 15) >= 4)
		return;
	r = emulated_mmio_read(&v->emulated, offset & ~15u);
	finish(here, v, &r);
	a->value = (uint32_t)r.value >> 8 * (offset & 3);
}

void exit_ipi(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	struct avic_ipi ipi = avic_ipi_begin(&v->vm->avic, v->index, e);

	if (e->ipi.cause == IPI_INVALID_PAGE) {
		vm_stop(here, v->vm, "AVIC found a backing page that is none");
		return;
	}
	send(here, v, &ipi);
}

/* Writes that are in the page already when we hear of them; RIP is at the next instruction. All
 * else is a fault: nothing was done (24593 rev 3.44, "Virtual APIC Register Accesses"). */
static bool is_trap(uint32_t offset, bool write)
{
	switch (offset) {
	case VAPIC_ID:
	case VAPIC_EOI:
	case VAPIC_RRR:
	case VAPIC_LDR:
	case VAPIC_DFR:
	case VAPIC_SVR:
	case VAPIC_ESR:
	case VAPIC_ICR_LOW:
	case VAPIC_LVT_TIMER ... VAPIC_TIMER_INITIAL:
	case VAPIC_TIMER_DIVIDE:
		return write;
	default:
		return false;
	}
}

void exit_noaccel(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	uint32_t offset = e->noaccel.offset;

	if (is_trap(offset, e->noaccel.write)) {
		struct apic_result r =
			emulated_after_trap(&v->emulated, offset, e->noaccel.eoi_vector);

		finish(here, v, &r);
		return;
	}
	if (avic_mode(&v->avic) == VAPIC_XAPIC) {
		exit_mmio_apic(here, v, offset);
		return;
	}
	struct vmexit msr = { .kind = VMEXIT_KIND_MSR };

	msr.msr.index = VAPIC_MSR_FIRST + offset / 16;
	msr.msr.write = e->noaccel.write;
	exit_msr(here, v, &msr);
}
