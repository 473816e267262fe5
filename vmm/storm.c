// SPDX-License-Identifier: MIT
#include "storm.h"

#include "assign.h"
#include "drivers/clock.h"
#include "notice.h"
#include "sched.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/cpu.h>

/* So many at once without a look at the device's share: a look takes its lock and reads the clock.
 */
#define ALLOWANCE    256u
#define PARTS        8                           /* of a share, an allowance is not more than */
#define PERIODS      (1000000 / STORM_PERIOD_US) /* in a second */
#define POSTS_LOOKED 16

static uint32_t share_of(const struct assigned_device *d)
{
	uint32_t share = d->vm->config->storm_limit / PERIODS;

	return share ? share : 1;
}

/* An allowance out of the device's share; 0: none is left in this period. Device lock held. */
static uint32_t take(struct assigned_device *d, uint64_t now)
{
	struct storm *s = &d->storm;
	uint32_t share = share_of(d), n = share / PARTS + 1;

	if (!d->vm->config->storm_limit)
		return ~0u;
	if (now >= s->until) {
		s->until = now + clock_us_to_ticks(STORM_PERIOD_US);
		s->left = share;
	}
	if (n > ALLOWANCE)
		n = ALLOWANCE;
	if (n > s->left)
		n = s->left;
	s->left -= n;
	return n;
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
	devid_t id = d->pci->id;

	notice(d->vm, NOTICE_STORM,
		"device %02x:%02x.%x, message %u: more than %u host interrupts in %u ms: held back "
		"until then",
		id >> 8, id >> 3 & 31, id & 7, irq->message, share_of(d), STORM_PERIOD_US / 1000);
	route_hold(here, irq);
	come_back(here, d->storm.until);
}

/* For one of the messages that may have caused v's entry: a new allowance, or 0 and it is held. */
static uint32_t charge(struct cpu *here, struct assigned_irq *irq, const struct vcpu *v)
{
	struct assigned_device *d = irq->device;
	uint32_t n = 0;

	spin_lock(&d->lock);
	/* Moved away meanwhile: then v's page has its bit, and nothing more comes. */
	if (!irq->posted || irq->target != v)
		n = 1;
	else if (!irq->held)
		n = take(d, cpu_ticks());
	if (!n && !irq->held)
		hold(here, irq);
	spin_unlock(&d->lock);
	return n;
}

bool storm_log_entry(struct cpu *here, struct vcpu *v)
{
	struct post *posts[POSTS_LOOKED];
	uint32_t n, most = 0;

	v->log_allowance = 0;
	n = avic_pending_posts(&v->avic, posts, POSTS_LOOKED);
	for (uint32_t i = 0; i < n; i++) {
		struct assigned_irq *irq = CONTAINER_OF(posts[i], struct assigned_irq, post);
		uint32_t allowed = charge(here, irq, v);

		most = allowed > most ? allowed : most;
	}
	/* None: what is pending is held already, of which there may be entries on their way; or it
	 * has taken what it was told of, or a message that moved away makes it look (vmm/route.c).
	 */
	if (most)
		v->log_allowance = most - 1;
	return most;
}

bool storm_host_interrupt(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;
	uint32_t n;

	spin_lock(&d->lock);
	/* Posted, or held by another CPU: a late one, of which there are few. */
	n = irq->posted || irq->held || !irq->target ? 1 : take(d, cpu_ticks());
	if (n)
		irq->allowance = n - 1;
	else
		hold(here, irq);
	spin_unlock(&d->lock);
	return n;
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

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

uint64_t storm_tick(struct cpu *here, uint64_t now)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);

		for (uint32_t k = 0; k < vm->device_count; k++) {
			struct assigned_device *d = &vm->devices[k];

			if (!shared_load32(&d->storm.held))
				continue;
			release(here, d, now);
			next = earlier(next, next_look(d, now));
		}
	}
	return next;
}
