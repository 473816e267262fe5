// SPDX-License-Identifier: MIT
#include "place.h"

#include "base/log.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "iommu/galog.h"
#include "slow.h"
#include "vcpu.h"
#include "vectors.h"
#include "wake.h"
#include <hw/cpu.h>
#include <hw/shared.h>

static struct place {
	uint32_t wanted; /* (shared) index of the pCPU that the log shall be on; all begin on 0 */
	uint32_t ahead;  /* (look_lock) who had most at the last look of the slow timer */
	uint64_t routed; /* (look_lock) ticks of the last look because of a route; 0: none */
} places[IOMMU_MAX];
static struct spinlock look_lock; /* tried only; posts_lock is taken inside */

/* How many of v's messages come through u. */
static uint32_t posts_through(struct vcpu *v, const struct iommu *u)
{
	uint32_t n = 0;

	spin_lock(&v->avic.posts_lock);
	LIST_FOR_EACH (node, &v->avic.posts)
		n += CONTAINER_OF(node, struct post, link)->iommu == u;
	spin_unlock(&v->avic.posts_lock);
	return n;
}

/* Per pCPU. A vCPU with halt = native is woken by doorbells: so a pCPU of its own counts 0, and is
 * never chosen. The others are woken by the mechanism that is on, whichever they asked for. */
static void count_posts(const struct iommu *u, uint32_t posts[CPU_MAX])
{
	for (uint32_t tag = 0; tag < vcpu_tag_end(); tag++) {
		struct vcpu *v = vcpu_from_tag(tag);

		/* It may be moving: then the next look is right. */
		if (v && v->halt != HALT_NATIVE)
			posts[__atomic_load_n(&v->home, __ATOMIC_RELAXED)->index] +=
				posts_through(v, u);
	}
}

/* With most posts; the owner among equals, then the lowest index. */
static uint32_t best_of(const uint32_t posts[CPU_MAX], uint32_t owner)
{
	uint32_t best = owner;

	for (uint32_t i = 0; i < cpu_count(); i++)
		if (posts[i] > posts[best])
			best = i;
	return best;
}

static bool log_is_on(void)
{
	return wake_mechanism(shared_load32(&wake_word)) == WAKE_GALOG;
}

/* With MSI the event log's message has the same destination, and that log is the boot CPU's. */
static bool can_move(const struct iommu *u)
{
	return u->xt && !u->mute;
}

static uint32_t best_now(const struct iommu *u, uint32_t owner, bool *forlorn)
{
	uint32_t posts[CPU_MAX] = { 0 };

	count_posts(u, posts);
	*forlorn = !posts[owner];
	return best_of(posts, owner);
}

static void look_at(struct cpu *here, struct iommu *u)
{
	struct place *p = &places[u->index];
	bool forlorn;
	uint32_t best = best_now(u, p->wanted, &forlorn);
	bool again = p->ahead == best;

	p->ahead = best;
	if (again && cpu_by_index(best)->apicid != shared_load32(&u->galog_apicid))
		place_order(here, u, best);
}

void place_look(struct cpu *here)
{
	if (!log_is_on() || !spin_trylock(&look_lock))
		return;
	for (uint32_t i = 0; i < iommu_count(); i++)
		if (can_move(iommu_by_index(i)))
			look_at(here, iommu_by_index(i));
	spin_unlock(&look_lock);
}

/* Whatever guests do, once in SLOW_US; a look that finds no message at all doesn't count. */
static void look_routed(struct cpu *here, struct iommu *u)
{
	struct place *p = &places[u->index];
	uint64_t now = cpu_ticks();
	bool forlorn;

	if (p->routed && now - p->routed < clock_us_to_ticks(SLOW_US))
		return;
	uint32_t best = best_now(u, p->wanted, &forlorn);

	if (forlorn && best == p->wanted)
		return;
	p->routed = now;
	if (forlorn)
		place_order(here, u, best);
}

void place_routed(struct cpu *here, struct iommu *u)
{
	if (!log_is_on() || !can_move(u) || !spin_trylock(&look_lock))
		return;
	look_routed(here, u);
	spin_unlock(&look_lock);
}

/* [model galog:order] */
void place_order(struct cpu *here, struct iommu *u, uint32_t to)
{
	apicid_t owner = shared_load32(&u->galog_apicid);

	shared_store32(&places[u->index].wanted, to);
	lapic_send(owner, VEC_GALOG_MOVE);
}

/* [model galog:move] Posts while the log is off set bits and tell nobody, and what lay in it is
 * dropped: everybody is looked at afterwards, as after an overflow. */
static void give_away(struct cpu *here, struct iommu *u, struct cpu *to)
{
	uint32_t woken;

	if (galog_move(u, to->apicid))
		log_error("iommu%u: GA log doesn't start on CPU %u; the slow timer looks for "
			  "halted vCPUs instead",
			u->index, to->index);
	woken = wake_scan(here);
	here->count.galog_moves++;
	log_debug("iommu%u: GA log goes from CPU %u to CPU %u, %u vCPUs woken", u->index,
		here->index, to->index, woken);
}

void place_obey(struct cpu *here)
{
	for (uint32_t i = 0; i < iommu_count(); i++) {
		struct iommu *u = iommu_by_index(i);
		struct cpu *to = cpu_by_index(shared_load32(&places[i].wanted));

		if (shared_load32(&u->galog_apicid) == here->apicid && to && to != here)
			give_away(here, u, to);
	}
}
