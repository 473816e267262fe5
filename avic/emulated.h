/* SPDX-License-Identifier: MIT */
/*
 * The non-accelerated baseline: a local APIC in software on the same page layout, interrupts
 * injected by EVENTINJ and the interrupt window. It also finishes the registers that AVIC leaves to
 * software (402h).
 */
#ifndef AVIC_EMULATED_H
#define AVIC_EMULATED_H

#include "svm/svm.h"
#include "base/err.h"
#include "base/types.h"
#include "vapic.h"

struct avic_vcpu;

struct emulated_vcpu {
	struct avic_vcpu *avic;
	uint64_t timer_deadline;     /* ticks of cpu_ticks(); 0: not armed */
	uint64_t timer_period_ticks; /* of the count and divide in force */
	uint64_t ticks_per_count;    /* (const) 1 at divide by 1 */
	uint32_t timer_shift;        /* log2 of the divide in force */
	bool bsp;                    /* (const) as IA32_APIC_BASE says */
	bool deadline_mode;          /* the timer goes by MSR 6E0h, not by its count */
	uint32_t esr_pending;        /* what the next ESR write will show */
};

/* What the caller must do after an APIC access. */
enum apic_action {
	APIC_DONE,
	APIC_FAULT,     /* #GP into the guest */
	APIC_SEND_IPI,  /* ICR written: walk it by avic_ipi_from_icr(icr) */
	APIC_TIMER,     /* timer_deadline changed */
	APIC_EVALUATE,  /* TPR, EOI: look for a deliverable interrupt again */
	APIC_LEVEL_EOI, /* EOI of a level vector: eoi_vector */
	APIC_LOGICAL,   /* LDR, DFR or ID changed */
};
struct apic_result {
	enum apic_action action;
	uint64_t value; /* read: what the guest gets; APIC_SEND_IPI: the ICR */
	uint8_t eoi_vector;
};

void emulated_init(struct emulated_vcpu *e, struct avic_vcpu *a, bool bsp);
/* IA32_APIC_BASE as the guest sees it, and the mode that a value asks for; false: #GP.
 * x2apic: the guest's CPU has that mode. */
uint64_t emulated_apic_base(const struct emulated_vcpu *e);
bool emulated_apic_base_means(
	const struct emulated_vcpu *e, uint64_t value, bool x2apic, enum vapic_mode *mode);
/* INIT: the page was reset; the mode stays. */
void emulated_reset(struct emulated_vcpu *e);
/* x2APIC MSR 800h..8FFh, or APIC page offset with 32-bit data (xAPIC). */
struct apic_result emulated_msr_read(struct emulated_vcpu *e, uint32_t msr);
struct apic_result emulated_msr_write(struct emulated_vcpu *e, uint32_t msr, uint64_t value);
struct apic_result emulated_mmio_read(struct emulated_vcpu *e, uint32_t offset);
struct apic_result emulated_mmio_write(struct emulated_vcpu *e, uint32_t offset, uint32_t value);
/* The value is in the page already (AVIC trap, 402h): only the side effect. */
struct apic_result emulated_after_trap(
	struct emulated_vcpu *e, uint32_t offset, uint8_t eoi_vector);
/* MSR 6E0h, TSC deadline, in the guest's time; 0: not armed. A write has no effect unless the LVT
 * entry is in that mode. After one goes vcpu_timer_changed(). */
uint64_t emulated_deadline_read(const struct emulated_vcpu *e);
void emulated_deadline_write(struct emulated_vcpu *e, uint64_t value);
/* The guest did something that its ESR must show (ESR_* in regs.h). */
void emulated_esr(struct emulated_vcpu *e, uint32_t errors);
/* After each exit with AVIC off, before anything looks at the IRR: the guest may have moved to CR8,
 * which changes the VMCB's V_TPR and not the page. */
void emulated_exit(struct emulated_vcpu *e);
/* Before entry with AVIC off: inject what can be taken, ask for a window for what can't. */
void emulated_enter(struct emulated_vcpu *e);
/* The timer ran out: sets IRR by the LVT; true when a vector became pending. */
bool emulated_timer(struct emulated_vcpu *e, uint64_t now_ticks);

#endif
