/* SPDX-License-Identifier: MIT */
/*
 * Where a vCPU's interrupts go while it runs, is preempted or is blocked. Two copies of "is it
 * running" exist: the physical APIC ID table, which senders of IPIs look at, and each IRTE, which
 * the IOMMU looks at. Both are written here only, under posts_lock, by one 64-bit store each.
 *
 * The races, by the side that could lose an interrupt:
 *
 * Post against block (R1, R3, R23). The poster: locked OR of the IRR bit, full barrier, then reads
 * IsRun. The blocker: avic_put() clears the last copy of IsRun, full barrier, then reads the IRR.
 * Whichever barrier comes second, its side sees the other's store: the poster tells somebody, or
 * the blocker stays awake. So the look at the IRR comes after *all* stores of avic_put(); its
 * barrier is shared_fence() in vcpu_block().
 *
 * Post in flight against block (R2). The IOMMU may have read IsRun = 1 just before the store; its
 * doorbell then finds nobody. The documented order (OR first, IsRun second; 48882 rev 3.11, "Guest
 * Virtual APIC") puts that OR before our look.
 *
 * Post against load (R5, R6). IsRun = 1 and Destination change in one store, and a fence comes
 * before VMRUN. A post that still saw IsRun = 0 has set its bit before that, and VMRUN looks at the
 * IRR. A wake-up that it also caused finds the vCPU RUNNING and does nothing (R14).
 *
 * IsRun = 1 while this CPU is in host code (R7): the doorbell is lost, but the next VMRUN looks.
 * Host code waits for nothing between load and put except with a deadline.
 *
 * Attach against load and put (R4): both walk the list under posts_lock, and the new IRTE joins it
 * in the same critical section that gives it the present state.
 */
#include "avic.h"
#include "regs.h"
#include <hw/cpu.h>
#include <hw/shared.h>

/* In the form that IPI senders see. Not running, with AVIC off included: they exit with cause 1. */
static inline void publish_entry(struct avic_vcpu *a, bool running)
{
	uint64_t entry = a->entry_base;

	if (running)
		entry |= a->vm->running_bit | (a->target.apicid & PHYSICAL_APICID);
	shared_store64(a->entry, entry);
}

static inline void publish_irte(
	struct post *p, bool running, enum put_reason why, struct wake_target t)
{
	if (running)
		irte_running(p, t.apicid, t.gatag);
	else if (why == PUT_BLOCKING_GALOG)
		irte_stopped_galog(p, t.apicid, t.gatag);
	else if (why == PUT_BLOCKING_GAPPI)
		irte_stopped_gappi(p, t.apicid, t.gatag);
	else
		irte_stopped_quiet(p, t.apicid, t.gatag);
}

static inline struct post *post_of(struct list *node)
{
	return CONTAINER_OF(node, struct post, link);
}

/* [model protocol:load] */
inline __attribute__((always_inline)) void avic_load(struct avic_vcpu *a, struct wake_target target)
{
	spin_lock(&a->posts_lock);
	a->running = true;
	a->target = target;
	publish_entry(a, a->active);
	LIST_FOR_EACH (node, &a->posts)
		irte_running(post_of(node), target.apicid, target.gatag);
	spin_unlock(&a->posts_lock);
	/* VMRUN isn't documented to be serialising. Were these stores still on their way when it
	 * looks at the IRR, a post in between would find IsRun = 0 and tell nobody, and a guest
	 * that doesn't exit by itself would never see its bit. */
	shared_fence();
}

/* [model protocol:put] */
inline __attribute__((always_inline)) void avic_put(
	struct avic_vcpu *a, enum put_reason why, struct wake_target target)
{
	spin_lock(&a->posts_lock);
	a->running = false;
	a->target = target;
	a->put = why;
	LIST_FOR_EACH (node, &a->posts)
		publish_irte(post_of(node), false, why, target);
	publish_entry(a, false);
	spin_unlock(&a->posts_lock);
}

/* [model acts:attach] */
void avic_attach(struct avic_vcpu *a, struct post *post)
{
	spin_lock(&a->posts_lock);
	list_append(&a->posts, &post->link);
	publish_irte(post, a->running, a->put, a->target);
	spin_unlock(&a->posts_lock);
	/* Pairs with the IOMMU's barrier between IRR and IsRun: a post that saw the quiet IRTE has
	 * its bit in the page before the caller's avic_notify() tells the vCPU to look. */
	shared_fence();
}

void avic_detach(struct avic_vcpu *a, struct post *post)
{
	spin_lock(&a->posts_lock);
	list_remove(&post->link);
	spin_unlock(&a->posts_lock);
}

void avic_set_galog_intr(struct avic_vcpu *a, struct post *post, uint64_t galog_intr)
{
	spin_lock(&a->posts_lock);
	post->galog_intr = galog_intr;
	if (!a->running)
		publish_irte(post, false, a->put, a->target);
	spin_unlock(&a->posts_lock);
	/* Pairs with the IOMMU's barrier between IRR and GALogIntr, as in avic_attach(). */
	shared_fence();
}

/*
 * Who was woken still has its IRTEs as it blocked. Against the next block: that stores the state
 * first and takes posts_lock then. So either the new state is seen here, or avic_put() comes after
 * this and has the last word.
 */
void avic_quiet(struct avic_vcpu *a, const uint32_t *state, uint32_t runnable)
{
	spin_lock(&a->posts_lock);
	if (!a->running && a->put == PUT_BLOCKING_GALOG && shared_load32(state) == runnable) {
		a->put = PUT_PREEMPTED;
		LIST_FOR_EACH (node, &a->posts)
			publish_irte(post_of(node), false, a->put, a->target);
	}
	spin_unlock(&a->posts_lock);
}

uint32_t avic_pending_posts(struct avic_vcpu *a, struct post *out[], uint32_t max)
{
	uint32_t n = 0;

	spin_lock(&a->posts_lock);
	LIST_FOR_EACH (node, &a->posts) {
		struct post *p = post_of(node);

		if (p->galog_intr && n < max && vapic_irr(a->page, p->vector))
			out[n++] = p;
	}
	LIST_FOR_EACH (node, &a->posts)
		if (!n && max && post_of(node)->galog_intr)
			out[n++] = post_of(node);
	spin_unlock(&a->posts_lock);
	return n;
}

void avic_set_active(struct avic_vcpu *a, bool active)
{
	spin_lock(&a->posts_lock);
	a->active = active;
	publish_entry(a, a->running && active);
	spin_unlock(&a->posts_lock);
}

/*
 * [model protocol:notify]
 * Against put: either this critical section comes first, and then the IRR bit is in the page before
 * the blocker looks at it, or put's does, and then running is false here and the caller wakes. A
 * stale doorbell is harmless.
 */
bool avic_notify(struct avic_vcpu *a, apicid_t here)
{
	spin_lock(&a->posts_lock);
	bool running = a->running;
	bool active = a->active;
	apicid_t where = a->target.apicid;

	spin_unlock(&a->posts_lock);
	if (!running)
		return true;
	/* On this CPU, so in its host code: the next entry looks at the IRR. */
	if (where == here)
		return false;
	if (!active)
		return true;
	/* The IRR was written by a locked operation, so WRMSR can't overtake it (R24). */
	hw_doorbell(where);
	return false;
}

/* [model acts:post] */
bool avic_post_software(struct avic_vcpu *a, uint8_t vector, apicid_t here)
{
	vapic_set_irr(a->page, vector);
	return avic_notify(a, here);
}
