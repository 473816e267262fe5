// SPDX-License-Identifier: MIT
#include "events.h"

#include "base/log.h"
#include "cpu.h"
#include "iommu/iommu.h"
#include "vm.h"
#include "wake.h"

/* A device may fault as fast as it likes: most of its faults have no line (notice.h), and one that
 * doesn't stop is fenced: its DTE blocks DMA and interrupts, and its VM is stopped, the others go
 * on. */

static struct assigned_device *assigned_by(devid_t dev)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);
		struct assigned_device *d;

		for (uint32_t k = 0; (d = vm_source(vm, k)); k++)
			if (d->pci->id == dev || iommu_alias(d->pci->id) == dev)
				return d;
	}
	return NULL;
}

static void report(struct cpu *here, const struct iommu *u, const struct iommu_event *e)
{
	struct assigned_device *d = assigned_by(e->dev);

	if (!d) {
		/* Nobody's device, blocked anyway: say it while the log is still short. */
		if (u->event.events <= NOTICE_EVENTS_BEFORE_FENCE)
			log_later(
				"iommu%u: %s: device %02x:%02x.%x (no VM's) flags %03x address %lx",
				u->index, e->name, e->dev >> 8, e->dev >> 3 & 31, e->dev & 7,
				e->flags, e->address);
		return;
	}
	if (notice_count(&d->vm->notices, NOTICE_EVENT))
		log_later("iommu%u: %s: device %02x:%02x.%x of vm %s domain %u flags %03x address "
			  "%lx",
			u->index, e->name, e->dev >> 8, e->dev >> 3 & 31, e->dev & 7,
			d->vm->config->name, e->domain, e->flags, e->address);
	if (++d->events == NOTICE_EVENTS_BEFORE_FENCE) {
		assign_block_all(d->vm);
		vm_stop(here, d->vm, "one of its devices keeps faulting at the IOMMU");
	}
}

void iommu_report_events(struct cpu *here)
{
	struct iommu_event e;

	for (uint32_t i = 0; i < iommu_count(); i++) {
		struct iommu *u = iommu_by_index(i);

		/* As many as the log holds, then back: what comes after interrupts again. */
		for (uint32_t n = 0; n < u->event.bytes / 16 && event_next(u, &e); n++)
			report(here, u, &e);
		if (u->one_message)
			wake_from_galog(here);
	}
}

void events_renew(struct vm *vm)
{
	struct assigned_device *d;

	for (uint32_t i = 0; (d = vm_source(vm, i)); i++)
		d->events = 0;
}
