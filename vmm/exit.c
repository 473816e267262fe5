// SPDX-License-Identifier: MIT
#include "exit.h"

#include "avic/emulated.h"
#include "base/check.h"
#include "base/lib.h"
#include "base/log.h"
#include "exit_mmio.h"
#include "exit_parts.h"
#include "svm/fpu.h"
#include "svm/regs.h"
#include "vcpu.h"
#include "vm.h"
#include <base/count.h>
#include <hw/cpu.h>
#include <hw/shared.h>
#include <trace.h>

void exit_inject_gp(struct vcpu *v)
{
	svm_inject_exception(&v->svm, EXC_GP, true, 0);
}

/* Whatever it did, only its own VM pays. */
static __attribute__((noinline, cold, format(printf, 3, 4))) void stop_vm(
	struct cpu *here, struct vcpu *v, const char *fmt, ...)
{
	char why[160];
	int used = fmt_text(why, sizeof(why), "vCPU %u, RIP %llx: ", v->index,
		(unsigned long long)svm_rip(&v->svm));
	va_list ap;

	va_start(ap, fmt);
	fmt_textv(why + used, sizeof(why) - (size_t)used, fmt, ap);
	va_end(ap);
	vm_stop(here, v->vm, why);
}

static __attribute__((noinline)) void page_fault(
	struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	const char *what = e->npf.fetch ? "fetch" : e->npf.write ? "write" : "read";

	if (exit_mmio(here, v, e))
		return;
	stop_vm(here, v, "%s at guest-physical %llx, which isn't its own", what,
		(unsigned long long)e->npf.gpa.v);
}

static void exception(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	uint8_t vector = e->exception.vector;

	/* Only the three that are intercepted come here; #MC is the machine's, not the guest's. */
	if (vector == EXC_MC)
		stop_vm(here, v, "machine check");
	else
		svm_inject_exception(&v->svm, vector, vector == EXC_AC, e->exception.error);
}

static __attribute__((noinline)) void xsetbv(struct vcpu *v)
{
	if (svm_fpu_set_xcr0(&v->svm, (uint32_t)v->svm.regs.rcx, svm_edx_eax(&v->svm)))
		svm_skip(&v->svm, 3);
	else
		exit_inject_gp(v);
}

/* [irq-path 9] The guest halts: blocked, unless there is something for it to do. */
static inline enum exit_result hlt(struct cpu *here, struct vcpu *v)
{
	svm_skip(&v->svm, 1);
	return vcpu_block(here, v) ? EXIT_LEAVE : EXIT_RESUME;
}

static inline __attribute__((always_inline)) enum exit_result by_kind(
	struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	switch (e->kind) {
	case VMEXIT_KIND_NMI:   /* the host took it when GIF came back */
	case VMEXIT_KIND_VINTR: /* the entry path injects what is due */
	case VMEXIT_KIND_INTR:
		break;
	case VMEXIT_KIND_CPUID:
		exit_cpuid(v);
		break;
	case VMEXIT_KIND_IO:
		exit_io(here, v, e);
		break;
	case VMEXIT_KIND_MSR:
		exit_msr(here, v, e);
		break;
	case VMEXIT_KIND_HYPERCALL:
		return exit_hypercall(here, v);
	case VMEXIT_KIND_NPF:
		page_fault(here, v, e);
		break;
	case VMEXIT_KIND_AVIC_IPI:
		exit_ipi(here, v, e);
		break;
	case VMEXIT_KIND_AVIC_NOACCEL:
		exit_noaccel(here, v, e);
		break;
	case VMEXIT_KIND_XSETBV:
		xsetbv(v);
		break;
	case VMEXIT_KIND_INVD: /* all its memory is coherent */
		svm_skip(&v->svm, 2);
		break;
	case VMEXIT_KIND_SVM_INSTRUCTION:
		svm_inject_exception(&v->svm, EXC_UD, false, 0);
		break;
	case VMEXIT_KIND_DR: /* the instruction is done again */
		svm_breakpoints_open(&v->svm);
		break;
	case VMEXIT_KIND_EXCEPTION:
		exception(here, v, e);
		break;
	case VMEXIT_KIND_IRET:
		if (svm_nmi_done(&v->svm))
			shared_or32(&v->events, VCPU_EVENT_NMI);
		break;
	case VMEXIT_KIND_SHUTDOWN:
		stop_vm(here, v, "triple fault");
		break;
	default:
		stop_vm(here, v, "exit %llx (%s) info %llx %llx", (unsigned long long)e->code,
			vmexit_name(e->kind), (unsigned long long)e->info1,
			(unsigned long long)e->info2);
	}
	return EXIT_RESUME;
}

/* A call, so that what the loop of a pCPU keeps in registers isn't spread over all of this. */
static __attribute__((noinline)) enum exit_result others(struct cpu *here, struct vcpu *v)
{
	if (!v->avic.active)
		emulated_exit(&v->emulated);
	if (svm_exited_for_halt(&v->svm)) {
		COUNT(v->stats.exits[VMEXIT_KIND_HLT]);
		return hlt(here, v);
	}

	struct vmexit e = vmexit_decode(&v->svm);

	COUNT(v->stats.exits[e.kind]);
	return by_kind(here, v, &e);
}

enum exit_result exit_handle(struct cpu *here, struct vcpu *v)
{
	trace_exit(here, v);
	svm_requeue_event(&v->svm);
	if (__builtin_expect(!svm_exited_for_interrupt(&v->svm), 0))
		return others(here, v);
	COUNT(v->stats.exits[VMEXIT_KIND_INTR]);
	cpu_take_interrupts();
	return EXIT_RESUME;
}
