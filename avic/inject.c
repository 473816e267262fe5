/* SPDX-License-Identifier: MIT */
/* How an interrupt gets into the guest without AVIC: by EVENTINJ when it can take one, else by
 * asking for an exit at the moment when it can (24593 rev 3.44, "Virtual Interrupts"). */
#include "avic.h"
#include "emulated.h"
#include "regs.h"

void emulated_exit(struct emulated_vcpu *e)
{
	struct vapic *p = e->avic->page;
	uint8_t class = vmcb_tpr_class(e->avic->svm->vmcb);

	/* Only if CR8 changed: it has no TPR[3:0], the page does. */
	if (vapic_read(p, VAPIC_TPR) >> 4 == class)
		return;
	vapic_write(p, VAPIC_TPR, (uint32_t) class << 4);
	vapic_update_ppr(p);
}

/*
 * A vector that only the TPR holds back can become deliverable by MOV CR8, which doesn't exit. The
 * window is then asked for at the vector's own priority, so that hardware opens it when the TPR has
 * come down. What is held back by a vector in service waits for its EOI, which exits.
 */
static void window_for_tpr(struct emulated_vcpu *e)
{
	struct svm_vcpu *s = e->avic->svm;
	int pending = vapic_highest_irr(e->avic->page);
	int in_service = vapic_highest_isr(e->avic->page);
	uint64_t class = pending < 0 ? 0 : (uint64_t)pending >> 4;

	if (pending < 0 || (in_service >= 0 && (uint64_t)in_service >> 4 >= class)) {
		svm_cancel_window(s);
		return;
	}
	svm_request_window(s);

	uint64_t vic = s->vmcb->int_control & ~VIC_IGN_TPR;

	vmcb_set_int_control(s->vmcb, field_set(VIC_INTR_PRIO, vic, class));
}

void emulated_enter(struct emulated_vcpu *e)
{
	struct svm_vcpu *s = e->avic->svm;

	emulated_exit(e);
	if (vapic_deliverable(e->avic->page) < 0) {
		window_for_tpr(e);
		return;
	}
	/* One event an entry: what is queued already (an exception of an emulated instruction, a
	 * delivery that an exit interrupted) goes first. */
	if (svm_injection_pending(s) || !svm_interruptible(s)) {
		svm_request_window(s);
		return;
	}
	svm_inject_interrupt(s, (uint8_t)vapic_accept(e->avic->page));
	/* Now in service, it holds back all that is left but a higher class that arrives later. */
	window_for_tpr(e);
}
