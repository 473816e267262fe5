// SPDX-License-Identifier: MIT
#include "guest/startup.h"
#include "avic/avic.h"
#include "avic/emulated.h"
#include "svm/svm.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/shared.h>

void startup_send_init(struct cpu *here, struct vcpu *to)
{
	/* The boot vCPU would begin at the reset vector, where there is no firmware. */
	if (to->index == 0 && !to->vm->config->builtin) {
		vm_end(here, to->vm, VM_RESET, "INIT to its boot vCPU");
		return;
	}
	/* A startup message that came before, and that the home hasn't taken yet, is not the one
	 * that ends this INIT: both events at once mean INIT first. */
	shared_and32(&to->events, ~VCPU_EVENT_SIPI);
	vcpu_post_event(here, to, VCPU_EVENT_INIT);
}

/*
 * Against wait_for_sipi() on the target's home. Here: the event by a locked OR, then the
 * compare-and-swap of the state. There: the state, a fence, then a look at the events. So either
 * the state is OFFLINE already and this starts it, or the home sees the event and does.
 */
void startup_send_sipi(struct cpu *here, struct vcpu *to, uint8_t page)
{
	shared_store32(&to->sipi_page, page);
	shared_or32(&to->events, VCPU_EVENT_SIPI);
	if (!vcpu_start(here, to))
		vcpu_post_event(here, to, 0);
}

void startup_send_nmi(struct cpu *here, struct vcpu *to)
{
	vcpu_post_event(here, to, VCPU_EVENT_NMI);
}

static void init(struct cpu *here, struct vcpu *v)
{
	v->waits_for_sipi = true;
	v->halted = HALTED_NOT;
	avic_vcpu_reset(&v->avic);
	emulated_reset(&v->emulated);
	avic_logical_update(&v->vm->avic);
	vcpu_timer_changed(here, v);
}

static void wait_for_sipi(struct cpu *here, struct vcpu *v)
{
	vcpu_park(here, v);
	shared_fence();
	if (shared_load32(&v->events) & VCPU_EVENT_SIPI)
		vcpu_start(here, v);
}

__attribute__((noinline)) bool startup_take(struct cpu *here, struct vcpu *v, uint32_t events)
{
	if (events & VCPU_EVENT_INIT)
		init(here, v);
	if (v->waits_for_sipi && (events & VCPU_EVENT_SIPI)) {
		v->waits_for_sipi = false;
		svm_vcpu_start_real(&v->svm, (uint8_t)shared_load32(&v->sipi_page));
	}
	if (v->waits_for_sipi) {
		wait_for_sipi(here, v);
		return true;
	}
	/* One that another is in the way of tries again at the next entry. */
	if ((events & VCPU_EVENT_NMI) && !svm_inject_nmi(&v->svm))
		shared_or32(&v->events, VCPU_EVENT_NMI);
	return false;
}
