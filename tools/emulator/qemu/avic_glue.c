/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVIC in QEMU's TCG. A virtual interrupt that the core knows of is CPU_INTERRUPT_VIRQ,
 * as for V_IRQ: QEMU holds it back by IF, shadow and VGIF. Doorbells and traps are
 * CPU_INTERRUPT_AVIC: whoever rings only sets this bit, and the target's own thread
 * looks at its state.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "avic_glue_internal.h"
#include "machine_host.h"
#include "stopwatch.h"
#include "svm_mem.h"
#include "../model/spec_avic.h"

static struct avic_machine machine;
static struct model_host host;
static uint64_t chances;

/* To the CPU itself: looked at before the next instruction. */
static void request(CPUState *cs, int bits)
{
	cs->interrupt_request |= bits;
	qatomic_set(&cs->neg.icount_decr.u16.high, -1);
}

static void ring(uint32_t apicid, uint16_t from_iommu)
{
	CPUState *cs = cpu_by_arch_id(apicid);

	sw_record(current_cpu, SW_DOORBELL, from_iommu, apicid, 0, 0);
	if (!cs)
		reveille_strict("doorbell to APIC ID %u, which no core has", apicid);
	else if (cs == current_cpu)
		request(cs, CPU_INTERRUPT_AVIC);
	else
		cpu_interrupt(cs, CPU_INTERRUPT_AVIC);
}

void avic_doorbell(uint32_t apicid)
{
	ring(apicid, 1);
}

/* By MSR or ICR. */
static void host_doorbell(void *opaque, uint32_t apicid)
{
	ring(apicid, 0);
}

static uint32_t host_random(void *opaque, uint32_t n)
{
	return machine_random(&chances, n);
}

void avic_glue_realize(CPUState *cs)
{
	X86CPU *cpu = X86_CPU(cs);

	if (!machine.host) {
		host = machine_host;
		host.doorbell = host_doorbell;
		host.random = host_random;
		chances = machine_seed(cpu->avic_seed);
		machine.host = &host;
		machine.opt.x2avic_ext = cpu->avic_ext;
		machine.opt.ext_lvt = cpu->avic_ext_lvt;
		machine.opt.icr_busy = cpu->avic_icr_busy;
		machine.opt.x2_broadcast = cpu->avic_x2_broadcast;
		machine.opt.eoi_clears_isr = cpu->avic_eoi_clears_isr;
		machine.opt.page_tpr = cpu->avic_page_tpr;
		machine.opt.partial_multicast = cpu->avic_partial_multicast;
		machine.opt.erratum_1235_percent = cpu->avic_erratum_1235;
		avic_window_create();
	}
	cpu->avic = g_new0(AvicCpu, 1);
	cpu->avic->core.machine = &machine;
}

/*
 * No page at all is a way to catch a guest that has no business there; a page that may
 * not be written is none (24593 rev 3.44, "Virtual APIC Register Accesses").
 */
void avic_glue_npf(CPUX86State *env, uint64_t gpa, uint64_t info1)
{
	if (avic_glue_is_apic_page(env, gpa) && (info1 & PG_ERROR_P_MASK))
		reveille_strict("APIC page %" PRIx64 " is not mapped for reading and writing", gpa);
}

static uint64_t vmcb_field(CPUX86State *env, unsigned offset, unsigned bytes)
{
	CPUState *cs = env_cpu(env);

	switch (bytes) {
	case 2:
		return svm_lduw(cs, env->vm_vmcb + offset);
	case 4:
		return svm_ldl(cs, env->vm_vmcb + offset);
	default:
		return svm_ldq(cs, env->vm_vmcb + offset);
	}
}

/* Without the CPUID bit the VMCB bit is a reserved one, and ignored. */
static uint64_t supported_int_ctl(CPUX86State *env)
{
	uint64_t int_ctl = vmcb_field(env, 0x60, 8);

	if (!(env->features[FEAT_SVM] & CPUID_SVM_AVIC))
		int_ctl &= ~(VMCB_AVIC | VMCB_X2AVIC);
	if (!(env->features[FEAT_SVM] & 1u << 18))
		int_ctl &= ~VMCB_X2AVIC;
	return int_ctl;
}

bool avic_glue_vmrun(CPUX86State *env)
{
	X86CPU *cpu = env_archcpu(env);
	AvicCpu *avic = cpu->avic;
	struct avic_vmcb vmcb = {
		.addr = env->vm_vmcb,
		.cr_write = vmcb_field(env, 0x02, 2),
		.vintr = vmcb_field(env, 0x0c, 4) & 1u << 4,
		.int_ctl = supported_int_ctl(env),
		.np_enable = vmcb_field(env, 0x90, 8) & 1,
		.apic_bar = vmcb_field(env, 0x98, 8),
		.backing = vmcb_field(env, 0xe0, 8),
		.logical = vmcb_field(env, 0xf0, 8),
		.physical = vmcb_field(env, 0xf8, 8),
	};
	bool valid;

	machine.opt.phys_bits = cpu->phys_bits;
	avic->core.apicid = cpu->apic_id;
	avic->trap_pending = false;
	bql_lock();
	valid = avic_vmrun(&avic->core, &vmcb);
	bql_unlock();
	avic->view.on = avic->core.on;
	avic->view.xavic = avic->core.on && !avic->core.x2;
	avic->view.apic_bar = avic->core.apic_bar;
	return valid;
}

void avic_glue_entered(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);

	if (!env_archcpu(env)->avic->view.on)
		return;
	bql_lock();
	avic_glue_sync(cs);
	bql_unlock();
}

void avic_glue_vmexit(CPUX86State *env)
{
	CPUState *cs = env_cpu(env);
	AvicCpu *avic = env_archcpu(env)->avic;

	if (!avic->view.on)
		return;
	avic_vmexit(&avic->core);
	avic->view.on = false;
	avic->view.xavic = false;
	avic->trap_pending = false;
	cs->interrupt_request &= ~CPU_INTERRUPT_VIRQ;
}

void avic_glue_sync(CPUState *cs)
{
	X86CPU *cpu = X86_CPU(cs);
	struct avic_core *core = &cpu->avic->core;

	cpu->env.int_ctl = (cpu->env.int_ctl & ~V_TPR_MASK) | core->v_tpr;
	if (core->recognised)
		request(cs, CPU_INTERRUPT_VIRQ);
	else
		cs->interrupt_request &= ~CPU_INTERRUPT_VIRQ;
}

static G_NORETURN void exit_now(CPUState *cs, uintptr_t ra)
{
	CPUX86State *env = cpu_env(cs);
	struct avic_exit why = X86_CPU(cs)->avic->core.exit;

	X86_CPU(cs)->avic->trap_pending = false;
	svm_stq(cs, env->vm_vmcb + offsetof(struct vmcb, control.exit_info_2), why.info2);
	cpu_vmexit(env, why.code, why.info1, ra);
}

void avic_glue_result(CPUState *cs, enum avic_result result, uintptr_t ra)
{
	avic_glue_sync(cs);
	switch (result) {
	case AVIC_DONE:
		break;
	case AVIC_TRAP:
		X86_CPU(cs)->avic->trap_pending = true;
		request(cs, CPU_INTERRUPT_AVIC);
		break;
	case AVIC_FAULT:
		exit_now(cs, ra);
	case AVIC_GP:
		raise_exception_err_ra(cpu_env(cs), EXCP0D_GPF, 0, ra);
	}
}

void avic_glue_event(CPUState *cs)
{
	CPUX86State *env = cpu_env(cs);
	AvicCpu *avic = X86_CPU(cs)->avic;

	cs->interrupt_request &= ~CPU_INTERRUPT_AVIC;
	if (!avic_glue_active(env))
		return; /* a doorbell in host mode is lost */
	avic_ring(&avic->core);
	avic_glue_sync(cs);
	if (avic->trap_pending)
		exit_now(cs, 0);
}

void avic_glue_deliver(CPUState *cs)
{
	int vector = avic_accept(&X86_CPU(cs)->avic->core);

	avic_glue_sync(cs);
	if (vector >= 0)
		do_interrupt_x86_hardirq(cpu_env(cs), vector, 1);
}
