// SPDX-License-Identifier: MIT
/*
 * The protocol by which a vCPU blocks and is woken. Both halves of it stand here: vcpu_arm()
 * and vcpu_wake().
 *
 *   blocking CPU                          device, IOMMU, other CPU
 *   A1 state = BLOCKED                    B1 IRR bit set (locked OR)
 *   A2 IsRun = 0, notification armed      B2 IsRun read: 0, notification sent
 *   A3 fence                              B3 (some CPU) vcpu_wake(): BLOCKED -> RUNNABLE
 *   A4 look at the IRR once more
 *
 * If B2 read IsRun = 1 then B1 came before A2 took effect, so A4 sees the bit. If B2 read 0
 * then B3 happens, after A1, and finds BLOCKED. Either way the vCPU runs; when both happen,
 * the compare-and-swap has one winner. (24593 rev 3.44, "Advanced Virtual Interrupt
 * Controller"; 48882 rev 3.11, "Guest Virtual APIC".)
 */
#include "vcpu.h"

#include "avic/vapic.h"
#include "base/check.h"
#include "budget.h"
#include "cpu.h"
#include "guest/startup.h"
#include "sched.h"
#include "storm.h"
#include "svm/fpu.h"
#include "vectors.h"
#include "vm.h"
#include "wake.h"
#include <base/count.h>
#include <hw/shared.h>
#include <trace.h>

static struct vcpu *vcpu_table[VCPU_MAX];
static uint32_t vcpu_next_tag;

/* [model pcpu:tries] A device may set a masked bit each time that vcpu_arm() has put the last
 * one away. */
#define ARM_TRIES 8

struct vcpu *vcpu_from_tag(uint32_t tag)
{
	return tag < VCPU_MAX ? vcpu_table[tag] : NULL;
}

uint32_t vcpu_tag_end(void)
{
	return vcpu_next_tag;
}

err_t vcpu_init(struct vcpu *v, struct cpu *home)
{
	if (vcpu_next_tag == VCPU_MAX)
		return ERR_NOMEM;
	list_init(&v->link);
	list_init(&v->sharer_link);
	list_init(&v->timer_link);
	v->tag = vcpu_next_tag++;
	v->home = home;
	v->state = VCPU_OFFLINE;
	/* Not the same for all: sleepers who are woken together shall not have their looks
	 * together. */
	v->log_allowance = STORM_FIRST + v->tag % 64;
	v->log_useless = STORM_USELESS;
	vcpu_retarget(v);
	vcpu_table[v->tag] = v;
	return OK;
}

/*
 * The low byte of GATag is always a good vector of the home CPU, whichever mechanism is on, so
 * that a switch to GAPPI finds nothing to repair in the IRTEs. A vCPU keeps the vector that it
 * once got from a pCPU: a late GAPPI then still finds the vCPU that it was meant for, or one
 * that isn't blocked, and no vector ever changes its meaning.
 */
void vcpu_retarget(struct vcpu *v)
{
	struct cpu *home = v->home;
	uint8_t *own = &v->gappi_vector[home->index];

	if (!*own)
		*own = cpu_vector_alloc(home, VECTOR_GAPPI, v);
	v->target.apicid = home->apicid;
	v->target.gatag = GATAG(
		v->tag, *own && v->halt != HALT_GAPPI_SHARED ? *own : (uint8_t)VEC_GAPPI_SHARED);
}

static inline bool shares_vector(const struct vcpu *v)
{
	return (v->target.gatag & 0xff) == VEC_GAPPI_SHARED;
}

/* Would the guest go on after its HLT? [model pcpu:halted-open] Nothing that it says about itself
 * (IF, TPR, what is in service) changes while it is halted, so it is asked once. */
static inline enum halted how_halted(const struct vcpu *v)
{
	return svm_interruptible(&v->svm) && vapic_open(v->avic.page) ? HALTED_OPEN : HALTED;
}

static inline bool can_resume(const struct vcpu *v)
{
	if (__builtin_expect(v->halted == HALTED_OPEN && vapic_irr_open(v->avic.page), 1))
		return true;
	return (svm_interruptible(&v->svm) && vapic_ready(v->avic.page)) ||
	       svm_injection_pending(&v->svm);
}

/* [model pcpu:stash-look] Among the bits put away may be one that came, by a doorbell to
 * nobody, after the last look at what the guest can take. */
static inline bool stash_resumes(const struct vcpu *v)
{
	return svm_interruptible(&v->svm) &&
	       vapic_stash_deliverable(v->avic.page, &v->avic.stash) >= 0;
}

/* Interrupts directed to this CPU again. */
static inline void direct_here(struct vcpu *v)
{
	if (v->avic.stash.any)
		vapic_unstash(v->avic.page, &v->avic.stash);
	if (v->avic.active)
		avic_load(&v->avic, v->target);
}

static inline void direct_away(struct vcpu *v, enum put_reason why)
{
	if (v->avic.active)
		avic_put(&v->avic, why, v->target);
}

/* [model pcpu:look] A post that raises no notification may have come: must the block be called
 * off? A GAPPI is sent only when the whole IRR was clear, so there any bit counts, masked ones too.
 */
static inline bool must_look(const struct vcpu *v, uint32_t word)
{
	/* [model pcpu:look-word] */
	if (shared_load32(&wake_word) != word || shared_load32(&v->events))
		return true;
	if (wake_mechanism(word) == WAKE_GAPPI)
		return vapic_irr_any(v->avic.page);
	return can_resume(v);
}

bool vcpu_owed(const struct vcpu *v)
{
	return must_look(v, shared_load32(&wake_word)) || can_resume(v) || stash_resumes(v);
}

/*
 * BLOCKED with the notification armed; true when v is blocked or was taken over by a waker.
 * False: an interrupt is there, v is RUNNING and its interrupts are directed here.
 */
static bool vcpu_arm(struct cpu *here, struct vcpu *v)
{
	for (unsigned i = 0; i < ARM_TRIES; i++) {
		/* [model pcpu:word] */
		uint32_t word = shared_load32(&wake_word);
		bool gappi = wake_mechanism(word) == WAKE_GAPPI;

		/* [model pcpu:put-away] Masked bits would keep the IRR from being clear: out of
		 * the page with them. */
		if (gappi && vapic_irr_any(v->avic.page))
			v->stats.parked_bits += vapic_stash(v->avic.page, &v->avic.stash);
		if (__builtin_expect(v->avic.stash.any, 0) && stash_resumes(v)) {
			direct_here(v);
			list_remove(&v->sharer_link);
			return false;
		}
		/* [model pcpu:sharer] */
		if (gappi && shares_vector(v) && list_empty(&v->sharer_link))
			list_append(&here->gappi_sharers, &v->sharer_link);
		here->current = NULL;
		trace(here, TRACE_BLOCK, gappi, v, 0);
		/* [model pcpu:A1] [model pcpu:A2] [model pcpu:A3] [model pcpu:A4]
		 */
		shared_store32(&v->state, VCPU_BLOCKED);                         /* A1 */
		direct_away(v, gappi ? PUT_BLOCKING_GAPPI : PUT_BLOCKING_GALOG); /* A2 */
		shared_fence();                                                  /* A3 */
		if (!must_look(v, word)) {                                       /* A4 */
			COUNT(v->stats.blocks);
			return true;
		}
		/* [model pcpu:cancel] */
		if (!shared_cas32(&v->state, VCPU_BLOCKED, VCPU_RUNNING))
			return true; /* woken meanwhile, and queued */
		v->stats.block_cancels++;
		trace(here, TRACE_CANCEL, 0, v, 0);
		here->current = v;
		direct_here(v);
		if (v->events && vcpu_take_events(here, v))
			return true;
		/* Not halted any more: it was started anew. */
		if (can_resume(v) || !v->halted) {
			list_remove(&v->sharer_link);
			return false;
		}
	}
	/* It can't settle: let others run, and try again when picked. */
	vcpu_preempt(here, v);
	sched_enqueue(here, v);
	return true;
}

/* After HLT. */
bool vcpu_block(struct cpu *here, struct vcpu *v)
{
	if (can_resume(v))
		return false;
	v->halted = how_halted(v);
	if (vcpu_arm(here, v))
		return true;
	v->halted = HALTED_NOT;
	return false;
}

/* [irq-path 5] [model protocol:B3] */
bool vcpu_wake(struct cpu *here, struct vcpu *v)
{
	if (!shared_cas32(&v->state, VCPU_BLOCKED, VCPU_RUNNABLE))
		return false;
	COUNT(v->stats.wakes);
	trace_wake(here, v);
	sched_enqueue(here, v);
	return true;
}

/* The registers stay in the CPU until another vCPU needs it, or their owner leaves it. */
static __attribute__((noinline)) void fpu_switch(struct cpu *here, struct svm_vcpu *to)
{
	svm_fpu_switch(here, here->fpu_owner, to);
	here->fpu_owner = to;
}

/* [irq-path 7] [model pcpu:load-look] */
bool vcpu_load(struct cpu *here, struct vcpu *v)
{
	if (__builtin_expect(v->delivery != v->vm->delivery || v->halt != v->vm->halt, 0))
		vm_apply_mode(v);
	if (__builtin_expect(here->fpu_owner != &v->svm, 0))
		fpu_switch(here, &v->svm);
	if (__builtin_expect(!list_empty(&v->sharer_link), 0))
		list_remove(&v->sharer_link);
	here->current = v;
	shared_store32(&v->state, VCPU_RUNNING);
	trace(here, TRACE_LOAD, 0, v, v->target.gatag);
	/* Before the look: what was put away is the guest's to see again. */
	if (__builtin_expect(v->avic.stash.any, 0))
		vapic_unstash(v->avic.page, &v->avic.stash);
	if (v->halted && __builtin_expect(!can_resume(v), 0)) {
		v->stats.spurious_wakes++;
		trace(here, TRACE_LOAD_VAIN, 0, v, 0);
		if (vcpu_arm(here, v))
			return false;
	} else if (v->avic.active) {
		avic_load(&v->avic, v->target);
	}
	v->halted = HALTED_NOT;
	return true;
}

/* [model protocol:leave] */
static void leave(struct cpu *here, struct vcpu *v, enum vcpu_state state)
{
	trace(here, TRACE_PUT, state, v, 0);
	direct_away(v, PUT_PREEMPTED);
	here->current = NULL;
	shared_store32(&v->state, state);
}

void vcpu_preempt(struct cpu *here, struct vcpu *v)
{
	v->stats.preemptions++;
	leave(here, v, VCPU_RUNNABLE);
}

void vcpu_park(struct cpu *here, struct vcpu *v)
{
	leave(here, v, VCPU_OFFLINE);
}

void vcpu_stop(struct cpu *here, struct vcpu *v)
{
	/* Its VM may start anew, on registers of its own: nothing of it stays in this CPU. */
	if (here->fpu_owner == &v->svm)
		fpu_switch(here, NULL);
	list_remove(&v->timer_link);
	list_remove(&v->sharer_link);
	leave(here, v, VCPU_STOPPED);
}

void vcpu_revive(struct vcpu *v)
{
	v->halted = HALTED_NOT;
	v->contends = false;
	v->slice_left = 0;
	v->waits_for_sipi = false;
	v->pvclock = 0;
	shared_store32(&v->events, 0);
	shared_store32(&v->state, VCPU_OFFLINE);
}

bool vcpu_start(struct cpu *here, struct vcpu *v)
{
	if (!shared_cas32(&v->state, VCPU_OFFLINE, VCPU_RUNNABLE))
		return false;
	sched_enqueue(here, v);
	return true;
}

/* [model acts:migrate] */
void vcpu_migrate(struct cpu *here, struct vcpu *v, struct cpu *to)
{
	bool timer = !list_empty(&v->timer_link);

	CHECK(v->home == here && here->current == v);
	v->stats.moves++;
	budget_stop(here);
	if (here->fpu_owner == &v->svm)
		fpu_switch(here, NULL);
	list_remove(&v->timer_link);
	trace(here, TRACE_PUT, VCPU_RUNNABLE, v, 0);
	direct_away(v, PUT_PREEMPTED);
	here->current = NULL;
	__atomic_store_n(&v->home, to, __ATOMIC_RELAXED); /* vcpu_post_event() looks at any time */
	vcpu_retarget(v);
	if (timer)
		shared_or32(&v->events, VCPU_EVENT_TIMER);
	shared_store32(&v->state, VCPU_RUNNABLE);
	sched_enqueue(here, v);
}

void vcpu_move(struct cpu *here, struct vcpu *v, struct cpu *to)
{
	__atomic_store_n(&v->move_to, to, __ATOMIC_RELAXED);
	vcpu_post_event(here, v, VCPU_EVENT_MOVE);
}

/* What else was asked of it waits for it there. It may have been about to block here. */
static __attribute__((noinline)) bool move_away(struct cpu *here, struct vcpu *v, uint32_t events)
{
	struct cpu *to = __atomic_load_n(&v->move_to, __ATOMIC_RELAXED);

	if (to == here)
		return false;
	shared_or32(&v->events, events & ~VCPU_EVENT_MOVE);
	list_remove(&v->sharer_link);
	vcpu_migrate(here, v, to);
	return true;
}

bool vcpu_take_events(struct cpu *here, struct vcpu *v)
{
	uint32_t events = shared_swap32(&v->events, 0);

	if (events & VCPU_EVENT_STOP) {
		vcpu_stop(here, v);
		return true;
	}
	if ((events & VCPU_EVENT_MOVE) && move_away(here, v, events))
		return true;
	if (events & VCPU_EVENT_MODE)
		vm_apply_mode(v);
	if (events & VCPU_EVENT_FLUSH)
		svm_flush(&v->svm);
	if (events & VCPU_EVENT_TIMER)
		vcpu_timer_changed(here, v);
	if ((events & VCPU_EVENTS_STARTUP) && startup_take(here, v, events))
		return true;
	if (events & VCPU_EVENT_BUDGET)
		return budget_over(here, v);
	return false;
}

/* [model protocol:post-event] [model acts:event] */
void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
	if (events)
		shared_or32(&v->events, events);
	if (vcpu_wake(here, v))
		return;
	if (shared_load32(&v->state) != VCPU_RUNNING)
		return;
	/* It may be moving: then it looks when it is loaded, and who it has left is kicked in vain.
	 */
	struct cpu *home = __atomic_load_n(&v->home, __ATOMIC_RELAXED);

	if (home != here)
		cpu_kick(home);
}

void vcpu_interrupt(struct cpu *here, struct vcpu *v, uint8_t vector)
{
	here->count.software_posts++;
	trace(here, TRACE_POST, vector, v, 0);
	if (avic_post_software(&v->avic, vector, here->apicid))
		vcpu_post_event(here, v, 0);
}

void vcpu_timer_changed(struct cpu *here, struct vcpu *v)
{
	list_remove(&v->timer_link);
	if (v->emulated.timer_deadline)
		list_append(&here->timers, &v->timer_link);
	sched_arm_timer(here);
}
