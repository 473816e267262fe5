// SPDX-License-Identifier: MIT
/*
 * Where a device's message goes, changed while the device fires. The IRTE changes in one store, so
 * every interrupt finds the old way or the new one. The old way stays in use until the IOMMU has
 * confirmed the invalidation (it caches page and vector, but takes IsRun, Destination and GATag
 * from the new entry: 48882 rev 3.11, "Guest Virtual APIC"), so a post may set a bit in the old
 * vCPU's page and tell the new one. Hence afterwards both are made to look. A bit in the old page
 * stays there: the guest sees what it would see on a machine, an interrupt that was on its way
 * when the message was moved.
 */
#include "assign.h"
#include "iommu/iommu.h"
#include "place.h"
#include "vectors.h"
#include "vm.h"
#include <hw/shared.h>
#include <trace.h>

#define VECTOR_FIRST 16 /* below are exceptions; an APIC refuses them */

/* [model acts:route-look] */
static void look(struct cpu *here, struct vcpu *v)
{
	if (v && avic_notify(&v->avic, here->apicid))
		vcpu_post_event(here, v, 0);
}

static void detach(struct assigned_irq *irq)
{
	if (irq->posted)
		avic_detach(&irq->target->avic, &irq->post);
	irq->posted = false;
}

/* The entry is nobody's any more, so nothing keeps it up to date: it must not stay on. */
static void drop(struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;

	detach(irq);
	irq->target = NULL;
	shared_store64(&irq->route, 0);
	/* Where this times out too, the IOMMU has failed and says so. */
	err_t err = irte_clear(d->iommu, d->pci->id, &d->irt.entry[irq->message]);

	(void)err;
}

/* [model acts:route] */
static err_t post(struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	struct assigned_device *d = irq->device;

	detach(irq);
	irq->post = (struct post){
		.irte = &d->irt.entry[irq->message],
		.iommu = d->iommu,
		.dev = d->pci->id,
		.index = irq->message,
		.vector = vector,
		.vapic = target->avic.page_phys,
	};
	list_init(&irq->post.link);
	err_t err =
		irte_post(&irq->post, target->home->apicid, GATAG(target->tag, VEC_GAPPI_SHARED));

	if (err)
		return err;
	if (irq->held)
		irq->post.galog_intr = 0;
	avic_attach(&target->avic, &irq->post);
	irq->posted = true;
	return OK;
}

static err_t emulate(struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	struct assigned_device *d = irq->device;
	struct cpu *home = target->home;
	uint8_t *host = &irq->host_vector[home->index];

	if (!*host)
		*host = cpu_vector_alloc(home, VECTOR_DEVICE, irq);
	if (!*host)
		return ERR_NOMEM;
	detach(irq);
	shared_store64(&irq->route, (uint64_t)target->tag << 8 | vector);
	if (irq->held)
		return irte_clear(d->iommu, d->pci->id, &d->irt.entry[irq->message]);
	return irte_remap(d->iommu, d->pci->id, &d->irt.entry[irq->message], home->apicid, *host);
}

/* What the IOMMU may still have cached leads the device's interrupts into pages and vectors that it
 * shall not have any more: its isolation can't be proved, so its VM ends here. Others go on. */
static __attribute__((noinline, cold)) void unproved(struct cpu *here, struct vm *vm, err_t err)
{
	if (err == ERR_TIMEOUT)
		vm_stop(here, vm, "an IOMMU of its devices does not answer");
}

/* Device lock held. Afterwards, without it, both vCPUs look. */
static err_t direct(
	struct assigned_irq *irq, struct vcpu *target, uint8_t vector, enum delivery_mode mode)
{
	bool posted = mode == DELIVERY_POSTED && irq->device->iommu->f.gam;
	err_t err = posted ? post(irq, target, vector) : emulate(irq, target, vector);

	if (err) {
		drop(irq);
		return err;
	}
	irq->target = target;
	irq->guest_vector = vector;
	return OK;
}

err_t assign_route(struct cpu *here, struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	struct assigned_device *d = irq->device;

	if (vector < VECTOR_FIRST || target->vm != d->vm)
		return ERR_INVALID;
	spin_lock(&d->lock);
	struct vcpu *old = irq->target;
	/* Read under the lock: who switches the VM changes it before he comes for this device. */
	err_t err = direct(irq, target, vector, d->vm->delivery);

	trace(here, TRACE_ROUTE, vector, target, (uint64_t)d->pci->id << 32 | irq->message);
	spin_unlock(&d->lock);
	if (old != target)
		look(here, old);
	look(here, target);
	if (err)
		unproved(here, d->vm, err);
	else
		place_routed(here, d->iommu);
	return err;
}

void assign_unroute(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;

	spin_lock(&d->lock);
	struct vcpu *old = irq->target;

	if (old)
		drop(irq);
	spin_unlock(&d->lock);
	look(here, old);
}

static err_t switch_irq(struct cpu *here, struct assigned_irq *irq, enum delivery_mode mode)
{
	struct assigned_device *d = irq->device;

	spin_lock(&d->lock);
	struct vcpu *target = irq->target;
	err_t err = target ? direct(irq, target, irq->guest_vector, mode) : OK;

	trace(here, TRACE_ROUTE, irq->guest_vector, target,
		(uint64_t)d->pci->id << 32 | irq->message);
	spin_unlock(&d->lock);
	look(here, target);
	if (err)
		unproved(here, d->vm, err);
	return err;
}

err_t assign_set_delivery(struct cpu *here, struct vm *vm, enum delivery_mode mode)
{
	err_t first = OK;

	struct assigned_device *d;

	for (uint32_t i = 0; (d = vm_source(vm, i)); i++) {
		for (uint32_t n = 0; n < d->irq_count; n++) {
			err_t err = switch_irq(here, &d->irq[n], mode);

			if (err && !first)
				first = err;
		}
	}
	return first;
}

void route_hold(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;

	irq->held = true;
	shared_add32(&d->storm.held, 1);
	if (irq->posted) {
		avic_set_galog_intr(&irq->target->avic, &irq->post, 0);
		return;
	}
	irq->owed = true;
	/* Where this times out the messages go on, as many as the device likes: the VM ends. */
	err_t err = irte_clear(d->iommu, d->pci->id, &d->irt.entry[irq->message]);

	if (err)
		unproved(here, d->vm, err);
}

void route_release(struct cpu *here, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;
	err_t err = OK;

	spin_lock(&d->lock);
	struct vcpu *target = irq->held ? irq->target : NULL;
	bool owed = irq->owed;
	uint8_t vector = irq->guest_vector;

	if (irq->held)
		shared_add32(&d->storm.held, ~0u);
	irq->held = irq->owed = false;
	/* A VM that has ended keeps its devices fenced. */
	if (target && irq->posted)
		avic_set_galog_intr(&target->avic, &irq->post, IRTE0_GALOG_INTR);
	else if (target && !shared_load32(&d->vm->stopped))
		err = emulate(irq, target, vector);
	spin_unlock(&d->lock);
	if (target && owed)
		vcpu_interrupt(here, target, vector);
	else if (target && vcpu_owed(target))
		vcpu_wake(here, target);
	if (err)
		unproved(here, d->vm, err);
}

__attribute__((noinline)) void assign_host_interrupt(struct cpu *here, struct assigned_irq *irq)
{
	uint64_t word = shared_load64(&irq->route);
	struct vcpu *v = vcpu_from_tag((uint32_t)(word >> 8));

	irq->host_interrupts++;
	if (__builtin_expect(!irq->allowance, 0)) {
		if (!storm_host_interrupt(here, irq))
			return;
	} else {
		irq->allowance--;
	}
	/* 0: the route was dropped while this one was on its way. */
	if (word && v)
		vcpu_interrupt(here, v, (uint8_t)word);
}
