/* SPDX-License-Identifier: MIT */
/* What a rescue leaves in the log: enough to tell whose fault it was. */
#include "audit.h"

#include "avic/vapic.h"
#include "base/log.h"
#include "iommu/galog.h"
#include "iommu/irte.h"
#include "trace_ring.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/shared.h>

#define POSTS_SHOWN 16
#define TRACE_SHOWN 16

/* What the IOMMU reads when a device fires. */
struct seen_post {
	devid_t dev;
	uint32_t index, iommu;
	uint8_t vector;
	uint64_t q[2];
};

static const char *mechanism_name(uint32_t word)
{
	static const char *const names[WAKE_MECHANISMS] = { "none", "galog", "gappi" };

	return names[wake_mechanism(word)];
}

static void log_page(const struct vcpu *v)
{
	const struct vapic *p = v->avic.page;
	const struct vapic_stash *s = &v->avic.stash;
	uint32_t irr[8];

	for (unsigned i = 0; i < 8; i++)
		irr[i] = shared_load32(&p->reg[VAPIC_IRR / 4 + 4 * i]);
	log_error("audit:   IRR %08x %08x %08x %08x %08x %08x %08x %08x, TPR %02x, highest in "
		  "service %d, IF %u",
		irr[7], irr[6], irr[5], irr[4], irr[3], irr[2], irr[1], irr[0],
		vapic_read(p, VAPIC_TPR), vapic_highest_isr(p), svm_interruptible(&v->svm));
	if (s->any)
		log_error("audit:   put away %08x %08x %08x %08x %08x %08x %08x %08x", s->irr[7],
			s->irr[6], s->irr[5], s->irr[4], s->irr[3], s->irr[2], s->irr[1],
			s->irr[0]);
}

/* Copied under the lock, logged without it: a serial line takes its time. */
static unsigned copy_posts(struct avic_vcpu *a, struct seen_post *out)
{
	unsigned n = 0;

	spin_lock(&a->posts_lock);
	LIST_FOR_EACH (node, &a->posts) {
		const struct post *p = CONTAINER_OF(node, struct post, link);

		if (n == POSTS_SHOWN)
			break;
		out[n++] = (struct seen_post){ .dev = p->dev,
			.index = p->index,
			.iommu = p->iommu->index,
			.vector = p->vector,
			.q = { shared_load64(&p->irte->q[0]), shared_load64(&p->irte->q[1]) } };
	}
	spin_unlock(&a->posts_lock);
	return n;
}

static void log_posts(const struct vcpu *v)
{
	struct seen_post posts[POSTS_SHOWN];
	/* The lock is all of it that is written. */
	unsigned n = copy_posts((struct avic_vcpu *)&v->avic, posts);

	log_error("audit:   physical APIC ID entry %016lx; %u IRTEs", shared_load64(v->avic.entry),
		n);
	for (unsigned i = 0; i < n; i++)
		log_error("audit:   IRTE of %02x:%02x.%x message %u, iommu%u, vector %02x: "
			  "%016lx %016lx, IsRun %u",
			posts[i].dev >> 8, posts[i].dev >> 3 & 31, posts[i].dev & 7, posts[i].index,
			posts[i].iommu, posts[i].vector, posts[i].q[0], posts[i].q[1],
			(posts[i].q[0] & IRTE0_IS_RUN) != 0);
}

static void log_iommus(void)
{
	for (uint32_t i = 0; i < iommu_count(); i++) {
		const struct iommu *u = iommu_by_index(i);

		if (!u->f.gam)
			continue;

		struct galog_registers g = galog_registers(u);

		log_error("audit:   iommu%u: status %lx; GA log %s, head %lx (ours %x), tail %lx, "
			  "copy %lx; %lu entries, %lu overflows",
			i, g.status, u->galog.enabled ? "on" : "off", g.head, u->galog.head, g.tail,
			g.tail_copy, u->galog.entries, u->galog.overflows);
	}
}

void audit_record(const struct cpu *here, const struct vcpu *v, uint64_t age_us)
{
	uint32_t word = shared_load32(&wake_word);

	log_error("audit: vCPU %u of vm %s has been BLOCKED on CPU %u for %lu ms with vector %d "
		  "pending, events %x: woken",
		v->index, v->vm->config->name, v->home->index, age_us / 1000,
		vapic_highest_irr(v->avic.page), shared_load32(&v->events));
	log_error("audit:   mechanism %s, generation %u; GATag %08x to APIC ID %x; AVIC %s; %lu "
		  "blocks, %lu wakes, %lu spurious",
		mechanism_name(word), word >> 8, v->target.gatag, v->target.apicid,
		v->avic.active ? "on" : "off", v->stats.blocks, v->stats.wakes,
		v->stats.spurious_wakes);
	log_page(v);
	log_posts(v);
	log_iommus();
	trace_print(v->home->index, TRACE_SHOWN);
	if (here->index != v->home->index)
		trace_print(here->index, TRACE_SHOWN);
}
