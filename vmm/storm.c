// SPDX-License-Identifier: MIT
#include "storm.h"

#include "assign.h"
#include "base/log.h"
#include "drivers/clock.h"
#include "notice.h"
#include "sched.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/cpu.h>

#define PERIODS      (1000000 / STORM_PERIOD_US) /* in a second */
#define POSTS_LOOKED 16

static uint32_t share_of(const struct assigned_device *d)
{
	uint32_t share = d->vm->config->storm_limit / PERIODS;

	return share ? share : 1;
}

/* So many more without a look at the share: a look takes the device's lock and reads the clock. */
static uint32_t allowance(const struct assigned_device *d)
{
	uint32_t part = share_of(d) / 8 + 1;

	if (!d->vm->config->storm_limit)
		return ~0u;
	return part < 256 ? part : 256;
}

/*
 * One has come, and the allowance is used up that was granted then (0: there was none); false: that
 * was more than the device's share. What was granted before this period may have been used before
 * it: many slow messages that come by turns would else all pay in the same period for those before.
 * Device lock held.
 */
static bool pay(struct assigned_device *d, uint64_t now, uint64_t granted_at)
{
	struct storm *s = &d->storm;

	if (!d->vm->config->storm_limit)
		return true;
	if (now >= s->until) {
		s->until = now + clock_us_to_ticks(STORM_PERIOD_US);
		s->left = share_of(d);
		return true; /* what was used is of the past */
	}
	uint64_t began = s->until - clock_us_to_ticks(STORM_PERIOD_US);
	uint32_t used = granted_at >= began ? allowance(d) + 1 : 1;
	bool good = used <= s->left;

	s->left = good ? s->left - used : 0;
	return good;
}

/* The slow timer of this CPU comes by then. */
static void come_back(struct cpu *here, uint64_t due)
{
	if (!here->backstop || due < here->backstop) {
		here->backstop = due;
		sched_arm_timer(here);
	}
}

static void hold(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;

	if (notice_count(&d->vm->notices, NOTICE_STORM) && !irq->untold) {
		irq->untold = true;
		shared_add32(&d->storm.untold, 1);
	}
	route_hold(here, irq);
	come_back(here, d->storm.until);
}

void storm_woken(struct cpu *here, struct vcpu *v)
{
	struct post *posts[POSTS_LOOKED];
	uint32_t n = avic_pending_posts(&v->avic, posts, POSTS_LOOKED), most = 0;
	const struct assigned_device *paid = NULL;
	uint64_t now = cpu_ticks();
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		struct assigned_irq *irq = CONTAINER_OF(posts[i], struct assigned_irq, post);
		struct assigned_device *d = irq->device;

		spin_lock(&d->lock);
		/* Of one that moved away meanwhile nothing more comes. */
		if (irq->posted && irq->target == v) {
			if (paid != d)
				good = pay(d, now, v->log_granted);
			paid = d;
			if (!good && !irq->held)
				hold(here, irq);
			if (good && allowance(d) > most)
				most = allowance(d);
		}
		spin_unlock(&d->lock);
	}
	v->log_allowance = most;
	v->log_granted = most ? now : 0;
}

void storm_useless(struct vcpu *v)
{
	v->log_useless = STORM_USELESS;
	avic_quiet(&v->avic, &v->state, VCPU_RUNNABLE);
}

bool storm_host_interrupt(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;
	uint64_t now = cpu_ticks();
	bool good;

	spin_lock(&d->lock);
	/* Posted, or held by another CPU: a late one, of which there are few. */
	good = irq->posted || irq->held || !irq->target || pay(d, now, irq->granted);
	irq->allowance = good ? allowance(d) : 0;
	irq->granted = good ? now : 0;
	if (!good)
		hold(here, irq);
	spin_unlock(&d->lock);
	return good;
}

static void release(struct cpu *here, struct assigned_device *d, uint64_t now)
{
	spin_lock(&d->lock);
	bool due = d->storm.until <= now;

	spin_unlock(&d->lock);
	for (uint32_t n = 0; due && n < d->irq_count; n++)
		route_release(here, &d->irq[n]);
}

/* Not due yet, or held anew meanwhile, perhaps by another CPU that comes back too: 0 is never. */
static uint64_t next_look(const struct assigned_device *d, uint64_t now)
{
	uint64_t until = shared_load64(&d->storm.until);

	if (!shared_load32(&d->storm.held))
		return 0;
	return until > now ? until : now + clock_us_to_ticks(STORM_PERIOD_US);
}

/* The line of one message. Not where it is held, since everybody on that CPU waits then, nor of all
 * at once: to put a line together takes longer than to hold a message. True: there are more. */
static bool tell(struct assigned_device *d)
{
	devid_t id = d->pci->id;

	spin_lock(&d->lock);
	for (uint32_t n = 0; n < d->irq_count; n++) {
		if (!d->irq[n].untold)
			continue;
		d->irq[n].untold = false;
		shared_add32(&d->storm.untold, ~0u);
		log_later("vm %s: device %02x:%02x.%x, message %u: more than %u host interrupts in "
			  "%u ms: held back until then",
			d->vm->config->name, id >> 8, id >> 3 & 31, id & 7, n, share_of(d),
			STORM_PERIOD_US / 1000);
		break;
	}
	bool more = d->storm.untold;

	spin_unlock(&d->lock);
	return more;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

uint64_t storm_tick(struct cpu *here, uint64_t now)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);
		struct assigned_device *d;

		for (uint32_t k = 0; (d = vm_source(vm, k)); k++) {
			if (shared_load32(&d->storm.held)) {
				release(here, d, now);
				next = earlier(next, next_look(d, now));
			}
			if (shared_load32(&d->storm.untold) && tell(d))
				next = earlier(next, now + clock_us_to_ticks(STORM_PERIOD_US));
		}
	}
	return next;
}
