/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVIC between QEMU's i386 CPU and the model; called from hooks/avic-*.hook. */
#ifndef REVEILLE_AVIC_GLUE_H
#define REVEILLE_AVIC_GLUE_H

#include "cpu.h"

/*
 * Where accesses to a guest's APIC page are sent: an I/O page above every physical
 * address that a page table can name, so that nobody else gets there. Which APIC it is
 * depends on the CPU that accesses it.
 */
#define AVIC_WINDOW (1ull << 56)

/* What hooks test without a call; the rest is in avic_glue.c. */
typedef struct AvicView {
	bool on; /* guest with AVIC */
	bool xavic;
	uint64_t apic_bar;
} AvicView;

static inline AvicView *avic_glue_view(CPUX86State *env)
{
	return (AvicView *)env_archcpu(env)->avic;
}

static inline bool avic_glue_active(CPUX86State *env)
{
	AvicView *view = avic_glue_view(env);

	return view && view->on && (env->hflags & HF_GUEST_MASK);
}

static inline bool avic_glue_is_apic_page(CPUX86State *env, uint64_t gpa)
{
	return avic_glue_active(env) && avic_glue_view(env)->xavic &&
	       (gpa & TARGET_PAGE_MASK) == avic_glue_view(env)->apic_bar;
}

void avic_glue_realize(CPUState *cs);
bool avic_glue_vmrun(CPUX86State *env);   /* false: VMEXIT_INVALID */
void avic_glue_entered(CPUX86State *env); /* VMRUN has loaded the guest */
void avic_glue_vmexit(CPUX86State *env);  /* before state is saved; BQL held */
void avic_glue_npf(CPUX86State *env, uint64_t gpa, uint64_t info1);
void avic_glue_event(CPUState *cs);   /* CPU_INTERRUPT_AVIC; BQL held; may not return */
void avic_glue_deliver(CPUState *cs); /* CPU_INTERRUPT_VIRQ; BQL held */

/* Brings QEMU's request bits and V_TPR in line with the core; own thread, BQL held. */
void avic_glue_sync(CPUState *cs);

void avic_glue_write_cr8(CPUX86State *env, uint64_t value);
bool avic_glue_rdmsr(CPUX86State *env, uintptr_t ra); /* true: done */
bool avic_glue_wrmsr(CPUX86State *env, uintptr_t ra);

/*
 * The IOMMU rings for the core with this host physical APIC ID; BQL held. Writes the
 * stopwatch record SW_DOORBELL itself (x = 1).
 */
void avic_doorbell(uint32_t apicid);

#endif
