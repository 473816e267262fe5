/* SPDX-License-Identifier: MIT */
/* Events into a guest: EVENTINJ and the interrupt window (24593 rev 3.44, "Event Injection",
 * "Virtual Interrupts"). */
#include "svm.h"
#include "regs.h"

static uint64_t event(enum event_type type, uint8_t vector)
{
	return field_set(EVENT_TYPE, EVENT_VALID, type) | vector;
}

void svm_inject_interrupt(struct svm_vcpu *s, uint8_t vector)
{
	s->vmcb->event_inj = event(EVENT_INTERRUPT, vector);
}

void svm_inject_exception(struct svm_vcpu *s, uint8_t vector, bool has_error, uint32_t error)
{
	uint64_t e = event(EVENT_EXCEPTION, vector);

	if (has_error)
		e = field_set(EVENT_ERROR, e | EVENT_ERROR_VALID, error);
	s->vmcb->event_inj = e;
}

/* NMIs are blocked from delivery to the handler's IRET, which is intercepted meanwhile. The next
 * one may come just before that IRET is done: handlers know nested ones from machine checks. */
bool svm_inject_nmi(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	if (s->nmi_handled) {
		s->nmi_waits = true;
		return true;
	}
	if (svm_injection_pending(s))
		return false;
	b->event_inj = event(EVENT_NMI, 2);
	s->nmi_handled = true;
	vmcb_set_intercept3(b, b->intercept3 | INTERCEPT3_IRET);
	return true;
}

bool svm_nmi_done(struct svm_vcpu *s)
{
	bool another = s->nmi_waits;

	s->nmi_handled = s->nmi_waits = false;
	vmcb_set_intercept3(s->vmcb, s->vmcb->intercept3 & ~(uint32_t)INTERCEPT3_IRET);
	return another;
}

bool svm_injection_pending(const struct svm_vcpu *s)
{
	return s->vmcb->event_inj & EVENT_VALID;
}

/*
 * A software interrupt, #BP or #OF comes again by itself: RIP is still at the instruction. All else
 * was taken from its source for good (of an AVIC interrupt the IRR bit is already gone) and would
 * be lost.
 */
void svm_requeue_interrupted(struct svm_vcpu *s)
{
	uint64_t e = s->vmcb->exit_int_info;
	enum event_type type = field_get(EVENT_TYPE, e);
	uint8_t vector = field_get(EVENT_VECTOR, e);
	bool by_instruction =
		type == EVENT_SOFTWARE || (type == EVENT_EXCEPTION && (vector == 3 || vector == 4));

	if (!by_instruction)
		s->vmcb->event_inj = e;
}

bool svm_interruptible(const struct svm_vcpu *s)
{
	return (s->vmcb->rflags & RFLAGS_IF) && !(s->vmcb->int_state & INT_STATE_SHADOW);
}

/* A virtual interrupt of the highest priority that is intercepted just before it would be taken. */
void svm_request_window(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	CHECK(!(b->int_control & VIC_AVIC));
	vmcb_set_int_control(
		b, field_set(VIC_INTR_PRIO, b->int_control, 0xf) | VIC_IRQ | VIC_IGN_TPR);
	vmcb_set_intercept3(b, b->intercept3 | INTERCEPT3_VINTR);
}

void svm_cancel_window(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	vmcb_set_int_control(b, b->int_control & ~(VIC_IRQ | VIC_IGN_TPR | VIC_INTR_PRIO));
	vmcb_set_intercept3(b, b->intercept3 & ~(uint32_t)INTERCEPT3_VINTR);
}
