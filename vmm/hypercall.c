// SPDX-License-Identifier: MIT
/* VMMCALL: what the built-in guest asks for (hypercall.h). Everything it passes is checked: bad
 * arguments come back as an error. */
#include "hypercall.h"

#include "assign.h"
#include "base/err.h"
#include "base/log.h"
#include "cpu.h"
#include "exit_parts.h"
#include "report.h"
#include "svm/regs.h"
#include "vcpu.h"
#include "vm.h"

#define PUTS_BYTES 512

struct call {
	uint32_t function;
	uint64_t rbx, rcx, rdx, rsi;
	uint32_t arm; /* RAX 63:32 */
};

static err_t puts_text(struct vm *vm, const struct call *c)
{
	char text[PUTS_BYTES];

	if (c->rcx > sizeof(text) || !vm_read(vm, GPA(c->rbx), text, c->rcx))
		return ERR_INVALID;
	guest_console_write(&vm->console, vm->config->name, text, c->rcx);
	return OK;
}

static err_t route(struct cpu *here, struct vm *vm, const struct call *c)
{
	if (vm->config->pci == PCI_VIRTUAL || c->rbx >= vm->device_count ||
		c->rcx >= vm->devices[c->rbx].irq_count || c->rdx >= vm->vcpu_count || c->rsi > 255)
		return ERR_INVALID;
	return assign_route(
		here, &vm->devices[c->rbx].irq[c->rcx], &vm->vcpus[c->rdx], (uint8_t)c->rsi);
}

static err_t result(struct vm *vm, const struct call *c)
{
	struct arm_result r;

	if (!notice_count(&vm->notices, NOTICE_REPORT))
		return ERR_BUSY;
	if (!vm_read(vm, GPA(c->rbx), &r, sizeof(r)))
		return ERR_INVALID;
	report_result(&r);
	return OK;
}

static err_t counters(struct vm *vm, const struct call *c)
{
	struct hc_counters counters;

	report_gather(vm, &counters);
	return vm_write(vm, GPA(c->rbx), &counters, sizeof(counters)) ? OK : ERR_INVALID;
}

static uint64_t features(const struct vm *vm)
{
	uint64_t f = 0;

	if (!vm_posted_unfit(vm))
		f |= HC_FEATURE_POSTED;
	if (!vm_posted_unfit(vm) && !vm_halt_unfit(HALT_GALOG))
		f |= HC_FEATURE_GALOG;
	if (!vm_posted_unfit(vm) && !vm_halt_unfit(HALT_GAPPI))
		f |= HC_FEATURE_GAPPI;
	if (vm->config->apic == APIC_X2APIC)
		f |= HC_FEATURE_X2APIC;
	return f;
}

/* 1: it goes on; 0: it was not parked. */
static int64_t unpark(struct cpu *here, struct vm *vm, const struct call *c)
{
	if (c->rbx >= vm->vcpu_count)
		return -(int64_t)ERR_INVALID;
	return vcpu_start(here, &vm->vcpus[c->rbx]);
}

static bool needs_control(uint32_t function)
{
	switch (function) {
	case HC_SET_DELIVERY:
	case HC_SET_HALT:
	case HC_MIGRATE:
	case HC_UNPARK:
		return true;
	default:
		return false;
	}
}

/* Those after which v stays where it is. */
static int64_t simple_call(struct cpu *here, struct vcpu *v, const struct call *c)
{
	struct vm *vm = v->vm;

	switch (c->function) {
	case HC_PUTS:
		return -(int64_t)puts_text(vm, c);
	case HC_MARK:
		if (notice_count(&vm->notices, NOTICE_REPORT))
			report_mark(vm, c->arm, c->rbx != 0);
		return 0;
	case HC_ROUTE:
		return -(int64_t)route(here, vm, c);
	case HC_SET_DELIVERY:
		return -(int64_t)vm_set_delivery(here, vm, v, (enum delivery_mode)c->rbx);
	case HC_SET_HALT:
		return -(int64_t)vm_set_halt(here, vm, v, (enum halt_mode)c->rbx);
	case HC_GETC:
		return guest_console_read(&vm->console);
	case HC_RESULT:
		return -(int64_t)result(vm, c);
	case HC_COUNTERS:
		return -(int64_t)counters(vm, c);
	case HC_EXIT:
		vm_exit(here, vm, (uint32_t)c->rbx);
		return 0;
	case HC_FEATURES:
		return (int64_t)features(vm);
	case HC_UNPARK:
		return unpark(here, vm, c);
	default:
		return -(int64_t)ERR_INVALID;
	}
}

/* -1 is an answer of HC_GETC. */
static void set_result(struct vcpu *v, const struct call *c, int64_t value)
{
	if (value < 0 && c->function != HC_GETC)
		notice(v->vm, NOTICE_HYPERCALL, "vCPU %u, hypercall %x: refused", v->index,
			c->function);
	svm_set_rax(&v->svm, (uint64_t)value);
}

/* Itself only: a vCPU changes its pCPU between two of its own instructions. */
static enum exit_result migrate(struct cpu *here, struct vcpu *v, const struct call *c)
{
	struct cpu *to = c->rcx < CPU_MAX ? cpu_by_index((uint32_t)c->rcx) : NULL;

	if (!to || (c->rbx != ~0ull && c->rbx != v->index)) {
		set_result(v, c, -(int64_t)ERR_INVALID);
		return EXIT_RESUME;
	}
	set_result(v, c, 0);
	if (to == here)
		return EXIT_RESUME;
	vcpu_migrate(here, v, to);
	return EXIT_LEAVE;
}

__attribute__((noinline)) enum exit_result exit_hypercall(struct cpu *here, struct vcpu *v)
{
	struct svm_vcpu *s = &v->svm;
	struct call c = {
		.function = (uint32_t)svm_rax(s),
		.arm = (uint32_t)(svm_rax(s) >> 32),
		.rbx = s->regs.rbx,
		.rcx = s->regs.rcx,
		.rdx = s->regs.rdx,
		.rsi = s->regs.rsi,
	};

	if (!svm_privileged(s)) {
		svm_inject_exception(s, EXC_UD, false, 0);
		return EXIT_RESUME;
	}
	svm_skip(s, 3);
	if (needs_control(c.function) && !v->vm->config->control) {
		set_result(v, &c, -(int64_t)ERR_DENIED);
		return EXIT_RESUME;
	}
	if (c.function == HC_MIGRATE)
		return migrate(here, v, &c);
	if (c.function == HC_PARK) {
		set_result(v, &c, 0);
		vcpu_park(here, v);
		return EXIT_LEAVE;
	}
	set_result(v, &c, simple_call(here, v, &c));
	return EXIT_RESUME;
}
