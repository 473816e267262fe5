/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include "audit.h"
#include "base/lib.h"
#include "cpu.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "vcpu.h"
#include "vm.h"

static struct cpu_counters all_cpus(void)
{
	struct cpu_counters sum = { 0 };

	for (uint32_t i = 0; i < cpu_count(); i++) {
		const struct cpu_counters *c = &cpu_by_index(i)->count;

		sum.galog_interrupts += c->galog_interrupts;
		sum.galog_useless += c->galog_useless;
		sum.gappi_own += c->gappi_own;
		sum.gappi_own_useless += c->gappi_own_useless;
		sum.gappi_shared += c->gappi_shared;
		sum.gappi_shared_wakes += c->gappi_shared_wakes;
		sum.stale += c->stale;
		sum.scans += c->scans;
		sum.scan_wakes += c->scan_wakes;
	}
	return sum;
}

static void galog(const struct cpu_counters *c, char *line, size_t bytes)
{
	uint64_t entries = 0, overflows = 0, recoveries = 0;

	for (uint32_t i = 0; i < iommu_count(); i++) {
		const struct galog *g = &iommu_by_index(i)->galog;

		entries += g->entries;
		overflows += g->overflows;
		recoveries += g->recoveries;
	}
	fmt_text(line, bytes,
		"mechanism name=galog interrupts=%lu entries=%lu wakes=%lu useless=%lu stale=%lu "
		"overflows=%lu recoveries=%lu",
		c->galog_interrupts, entries, entries - c->galog_useless - c->stale,
		c->galog_useless, c->stale, overflows, recoveries);
}

static bool mechanism(struct counters_cursor *at, char *line, size_t bytes)
{
	struct cpu_counters c = all_cpus();

	switch (at->i++) {
	case 0:
		galog(&c, line, bytes);
		return true;
	case 1:
		fmt_text(line, bytes,
			"mechanism name=gappi-own interrupts=%lu wakes=%lu useless=%lu",
			c.gappi_own, c.gappi_own - c.gappi_own_useless, c.gappi_own_useless);
		return true;
	case 2:
		fmt_text(line, bytes, "mechanism name=gappi-shared interrupts=%lu wakes=%lu",
			c.gappi_shared, c.gappi_shared_wakes);
		return true;
	case 3:
		fmt_text(line, bytes, "mechanism name=scan looks=%lu wakes=%lu", c.scans,
			c.scan_wakes);
		return true;
	case 4:
		fmt_text(line, bytes,
			"mechanism name=audit looks=%lu records=%lu rescues=%lu none=%lu galog=%lu "
			"gappi=%lu",
			audit_stats.looks, audit_stats.records, audit_rescues(),
			audit_stats.rescues[WAKE_NONE], audit_stats.rescues[WAKE_GALOG],
			audit_stats.rescues[WAKE_GAPPI]);
		return true;
	default:
		return false;
	}
}

static bool cpu(struct counters_cursor *at, char *line, size_t bytes)
{
	const struct cpu *c = cpu_by_index(at->i++);

	if (!c)
		return false;
	fmt_text(line, bytes,
		"cpu n=%u interrupts=%lu stale=%lu kicks=%lu inbox=%lu software_posts=%lu "
		"galog=%lu galog_moves=%lu",
		c->index, c->interrupts, c->stale_interrupts, c->count.kicks, c->count.inbox,
		c->count.software_posts, c->count.galog_interrupts, c->count.galog_moves);
	return true;
}

static bool vcpu(struct counters_cursor *at, char *line, size_t bytes)
{
	const struct vm *vm = vm_by_index(at->i);

	while (vm && at->j == vm->vcpu_count) {
		at->j = 0;
		vm = vm_by_index(++at->i);
	}
	if (!vm)
		return false;

	const struct vcpu *v = &vm->vcpus[at->j++];
	const struct vcpu_stats *s = &v->stats;

	fmt_text(line, bytes,
		"vcpu vm=%s n=%u exits=%lu blocks=%lu cancels=%lu wakes=%lu spurious=%lu "
		"parked=%lu preemptions=%lu moves=%lu rescues=%lu",
		vm->config->name, v->index, vcpu_exits(s), s->blocks, s->block_cancels, s->wakes,
		s->spurious_wakes, s->parked_bits, s->preemptions, s->moves, s->rescues);
	return true;
}

/* The next message that goes somewhere, of whichever device and VM. */
static const struct assigned_irq *next_message(struct counters_cursor *at)
{
	const struct assigned_device *d;

	for (struct vm *vm; (vm = vm_by_index(at->i)); at->i++, at->j = 0)
		for (; (d = vm_source(vm, at->j)); at->j++, at->k = 0)
			while (at->k < d->irq_count) {
				const struct assigned_irq *irq = &d->irq[at->k++];

				if (irq->target)
					return irq;
			}
	return NULL;
}

static bool message(struct counters_cursor *at, char *line, size_t bytes)
{
	const struct assigned_irq *irq = next_message(at);
	const struct vcpu *target = irq ? irq->target : NULL;

	if (!irq)
		return false;

	devid_t id = irq->device->pci->id;

	fmt_text(line, bytes,
		"message vm=%s device=%02x:%02x.%x n=%u posted=%u vcpu=%d vector=%u "
		"host_interrupts=%lu",
		irq->device->vm->config->name, id >> 8, id >> 3 & 31, id & 7, irq->message,
		irq->posted, target ? target->index : -1, irq->guest_vector, irq->host_interrupts);
	return true;
}

static bool intx(struct counters_cursor *at, char *line, size_t bytes)
{
	for (const struct vm *vm; (vm = vm_by_index(at->i)); at->i++, at->j = 0)
		while (at->j < vm->device_count) {
			const struct assigned_device *d = &vm->devices[at->j++];
			devid_t id = d->pci->id;

			if (!d->line)
				continue;
			fmt_text(line, bytes,
				"intx vm=%s device=%02x:%02x.%x gsi=%u pin=%u interrupts=%lu",
				vm->config->name, id >> 8, id >> 3 & 31, id & 7, d->line->gsi,
				d->line->guest_pin, d->line->interrupts);
			return true;
		}
	return false;
}

static bool iommu(struct counters_cursor *at, char *line, size_t bytes)
{
	const struct iommu *u = at->i < iommu_count() ? iommu_by_index(at->i++) : NULL;

	if (!u)
		return false;
	fmt_text(line, bytes,
		"iommu n=%u galog_entries=%lu overflows=%lu recoveries=%lu reads=%lu writes=%lu "
		"commands=%lu events=%lu",
		u->index, u->galog.entries, u->galog.overflows, u->galog.recoveries, u->mmio_reads,
		u->mmio_writes, u->cmd.commands, u->event.events);
	return true;
}

static bool refused(struct counters_cursor *at, char *line, size_t bytes)
{
	const struct vm *vm = vm_by_index(at->i++);
	size_t used;

	if (!vm)
		return false;
	used = (size_t)fmt_text(line, bytes, "refused vm=%s", vm->config->name);
	for (unsigned kind = 0; kind < NOTICE_KINDS && used < bytes; kind++)
		used += (size_t)fmt_text(line + used, bytes - used, " %s=%lu", notice_name(kind),
			notice_total(&vm->notices, kind));
	return true;
}

static bool of_group(struct counters_cursor *at, char *line, size_t bytes)
{
	switch (at->group) {
	case 0:
		return mechanism(at, line, bytes);
	case 1:
		return cpu(at, line, bytes);
	case 2:
		return vcpu(at, line, bytes);
	case 3:
		return message(at, line, bytes);
	case 4:
		return intx(at, line, bytes);
	case 5:
		return iommu(at, line, bytes);
	default:
		return refused(at, line, bytes);
	}
}

#define GROUPS 7

bool counters_next(struct counters_cursor *at, char *line, size_t bytes)
{
	while (at->group < GROUPS) {
		if (of_group(at, line, bytes))
			return true;
		*at = (struct counters_cursor){ .group = at->group + 1 };
	}
	return false;
}
