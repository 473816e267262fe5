// SPDX-License-Identifier: MIT
/*
 * How a VM's interrupts are delivered and how its halted vCPUs are woken: what the machine can do,
 * and the switch while the VM runs.
 *
 * A vCPU's own part (AVIC in its VMCB, which MSR map, HLT intercept) is changed by its home only,
 * outside the guest: at load, when v->delivery or v->halt differs from the VM's, or at an event.
 * Each vCPU is whole at any time, so no order among vCPUs is needed; but devices' messages go to
 * backing pages only after every vCPU that runs has AVIC on, and leave them before any turns it
 * off.
 */
#include "vm.h"

#include "avic/avic.h"
#include "avic/regs.h"
#include "base/check.h"
#include "base/log.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "iommu/iommu.h"
#include "svm/svm.h"
#include "wake.h"
#include <hw/cpu.h>
#include <hw/shared.h>

#define SETTLE_US     100000
#define APIC_PAGE_GPA GPA(GUEST_APIC_BASE)

static const char *const halt_names[] = { "auto", "native", "galog", "gappi", "gappi-shared" };

static bool iommus_have_guest_mode(void)
{
	for (uint32_t i = 0; i < iommu_count(); i++)
		if (!iommu_by_index(i)->f.gam)
			return false;
	return iommu_count() > 0;
}

static bool iommus_have_gappi(void)
{
	for (uint32_t i = 0; i < iommu_count(); i++)
		if (!iommu_by_index(i)->f.gappi)
			return false;
	return iommus_have_guest_mode();
}

static bool apic_ids_fit(void)
{
	for (uint32_t i = 0; i < cpu_count(); i++)
		if (cpu_by_index(i)->apicid > AVIC_HOST_APICID_MAX)
			return false;
	return true;
}

const char *vm_posted_unfit(const struct vm *vm)
{
	const struct svm_features *f = svm_features();

	if (!f->avic)
		return "no AVIC on this CPU";
	if (vm->config->apic == APIC_X2APIC && !f->x2avic)
		return "no x2AVIC on this CPU, and the VM's APICs start in x2APIC mode";
	if (!apic_ids_fit())
		return "a CPU's APIC ID doesn't fit AVIC's table";
	if (vm->config->device_count && !iommus_have_guest_mode())
		return "no guest mode in the IOMMU (GAMSup)";
	return NULL;
}

const char *vm_halt_unfit(enum halt_mode mode)
{
	if ((mode == HALT_GAPPI || mode == HALT_GAPPI_SHARED) && !iommus_have_gappi())
		return "no GAPPI in the IOMMU (GAPPISup)";
	return NULL;
}

static void choose_delivery(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	const char *unfit = vm_posted_unfit(vm);
	bool posted = c->delivery != DELIVERY_EMULATED && !unfit;

	vm->delivery = posted ? DELIVERY_POSTED : DELIVERY_EMULATED;
	if (c->delivery == vm->delivery)
		vm->delivery_why = "as configured";
	else if (posted)
		vm->delivery_why = "auto: AVIC and guest mode of the IOMMU are there";
	else
		vm->delivery_why = unfit;
	if (c->delivery == DELIVERY_EMULATED)
		log_info("vm %s: delivery emulated, as configured", c->name);
	else if (c->delivery == DELIVERY_AUTO && unfit)
		log_info("vm %s: delivery emulated: %s", c->name, unfit);
	else if (unfit)
		log_warn("vm %s: delivery posted falls back to emulated: %s", c->name, unfit);
}

static void choose_halt(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	enum halt_mode wanted = c->halt == HALT_AUTO ? HALT_GAPPI : c->halt;
	const char *unfit = vm_halt_unfit(wanted);

	vm->halt = unfit ? HALT_GALOG : wanted;
	vm->halt_why = unfit                  ? unfit
		       : c->halt == HALT_AUTO ? "auto: GAPPI is there"
					      : "as configured";
	if (unfit && c->halt != HALT_AUTO)
		log_warn("vm %s: halt %s falls back to galog: %s", c->name, halt_names[wanted],
			unfit);
}

void vm_choose_modes(struct vm *vm)
{
	choose_delivery(vm);
	choose_halt(vm);
	if (vm->delivery == DELIVERY_POSTED)
		log_info("vm %s: delivery posted, halt %s (delivery: %s; halt: %s)",
			vm->config->name, halt_names[vm->halt], vm->delivery_why, vm->halt_why);
}

static enum wake_mechanism mechanism_of(const struct vm *vm, enum halt_mode halt)
{
	if (vm->delivery != DELIVERY_POSTED || !iommus_have_guest_mode())
		return WAKE_NONE;
	switch (halt) {
	case HALT_GALOG:
		return WAKE_GALOG;
	case HALT_GAPPI:
	case HALT_GAPPI_SHARED:
		return WAKE_GAPPI;
	default:
		return WAKE_NONE;
	}
}

enum wake_mechanism vm_wake_mechanism(const struct vm *vm)
{
	return mechanism_of(vm, vm->halt);
}

bool vm_has_x2apic(const struct vm *vm)
{
	const struct svm_features *f = svm_features();

	/* Where the switch would cost AVIC there is none, unless the configuration says so. */
	return vm->config->apic == APIC_X2APIC ||
	       (vm->config->apic == APIC_AUTO && (f->x2avic || !f->avic));
}

/* AVIC off. Nobody may go on taking it for one that a doorbell reaches. */
static void decelerate(struct vcpu *v)
{
	if (!v->avic.active)
		return;
	avic_put(&v->avic, PUT_PREEMPTED, v->target);
	svm_open_x2apic(&v->svm, false);
	avic_disable(&v->avic);
}

void vm_apply_mode(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool running = shared_load32(&v->state) == VCPU_RUNNING;
	enum delivery_mode delivery = vm->delivery;
	enum halt_mode halt = vm->halt;
	bool accelerated = delivery == DELIVERY_POSTED && avic_mode(&v->avic) != VAPIC_OFF;

	if (v->halt != halt) {
		v->halt = halt;
		vcpu_retarget(v);
	}
	if (accelerated) {
		avic_enable(&v->avic);
		svm_open_x2apic(&v->svm, avic_mode(&v->avic) == VAPIC_X2APIC);
		if (running)
			avic_load(&v->avic, v->target);
	} else {
		decelerate(v);
	}
	/* Without AVIC nothing but an exit can wake a vCPU that halts inside the guest. */
	svm_intercept_hlt(&v->svm, halt != HALT_NATIVE || !accelerated);
	v->delivery = delivery;
}

/*
 * The last that left xAPIC mode. A CPU that has the page in its TLB still reaches what lay under
 * it, which is the VM's own and nobody's APIC.
 */
static void unmap_unused_apic_page(struct vm *vm)
{
	bool used = false;

	spin_lock(&vm->lock);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		used |= avic_mode(&vm->vcpus[i].avic) == VAPIC_XAPIC;
	if (!used && npt_unmap(&vm->npt, APIC_PAGE_GPA, PAGE_BYTES))
		log_warn("vm %s: its APIC page stays mapped", vm->config->name);
	spin_unlock(&vm->lock);
}

void vm_set_apic_mode(struct vcpu *v, enum vapic_mode mode)
{
	decelerate(v);
	avic_set_mode(&v->avic, mode);
	unmap_unused_apic_page(v->vm);
	vm_apply_mode(v);
}

static bool behind(const struct vcpu *v)
{
	return v->delivery != v->vm->delivery || v->halt != v->vm->halt;
}

/*
 * Until no vCPU is inside the guest with the old modes. Who isn't RUNNING applies them when it is
 * loaded. A vCPU that is being loaded right now may have looked at the old modes and not be seen
 * as RUNNING yet: a later call finds it.
 */
static err_t settle(struct cpu *here, struct vm *vm)
{
	uint64_t start = cpu_ticks();
	uint64_t limit = clock_us_to_ticks(SETTLE_US);

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *w = &vm->vcpus[i];
		bool told = false;

		while (behind(w) && shared_load32(&w->state) == VCPU_RUNNING) {
			if (w->home == here) {
				vm_apply_mode(w);
				break;
			}
			if (!told)
				vcpu_post_event(here, w, VCPU_EVENT_MODE);
			told = true;
			if (cpu_ticks() - start > limit)
				return ERR_TIMEOUT;
			cpu_pause();
		}
	}
	return OK;
}

static err_t want_mechanism(struct cpu *here, enum wake_mechanism to)
{
	if (to == WAKE_NONE || to == wake_mechanism(shared_load32(&wake_word)))
		return OK;
	return wake_switch(here, to);
}

/* AVIC first, then the messages. The second settle is for who slipped through the first. */
static err_t to_posted(struct cpu *here, struct vm *vm)
{
	vm->delivery = DELIVERY_POSTED;
	err_t err = want_mechanism(here, vm_wake_mechanism(vm));

	if (!err)
		err = settle(here, vm);
	if (!err)
		err = assign_set_delivery(here, vm, DELIVERY_POSTED);
	return err ? err : settle(here, vm);
}

/*
 * The messages first. From here on accesses to the APIC page of an xAPIC guest come to us, which
 * the emulated APIC serves whether AVIC is still on or not. A CPU that has the page in its TLB goes
 * on using AVIC, which is right until its vCPU turns it off, with a new ASID.
 */
static err_t to_emulated(struct cpu *here, struct vm *vm)
{
	spin_lock(&vm->lock);
	vm->delivery = DELIVERY_EMULATED;
	err_t err = npt_unmap(&vm->npt, APIC_PAGE_GPA, PAGE_BYTES);
	spin_unlock(&vm->lock);
	if (!err)
		err = assign_set_delivery(here, vm, DELIVERY_EMULATED);
	return err ? err : settle(here, vm);
}

err_t vm_set_delivery(struct cpu *here, struct vm *vm, struct vcpu *v, enum delivery_mode mode)
{
	err_t err = OK;

	if (mode != DELIVERY_POSTED && mode != DELIVERY_EMULATED)
		return ERR_INVALID;
	if (mode == DELIVERY_POSTED && vm_posted_unfit(vm))
		return ERR_UNFIT;
	if (!shared_cas32(&vm->switching, 0, 1))
		return ERR_BUSY;
	if (mode == DELIVERY_POSTED && vm->delivery != DELIVERY_POSTED) {
		err = to_posted(here, vm);
		/* Back, as far as that goes: an emulated VM loses nothing. */
		if (err && to_emulated(here, vm))
			log_error("vm %s: no way back to emulated delivery", vm->config->name);
	} else if (mode == DELIVERY_EMULATED && vm->delivery != DELIVERY_EMULATED) {
		err = to_emulated(here, vm);
	}
	if (!err)
		vm->delivery_why = "changed while it runs";
	shared_store32(&vm->switching, 0);
	return err;
}

/* The mechanism is on before a vCPU blocks by it. It stays on when the last one turns to native:
 * another VM may use it. */
err_t vm_set_halt(struct cpu *here, struct vm *vm, struct vcpu *v, enum halt_mode mode)
{
	if (mode <= HALT_AUTO || mode > HALT_GAPPI_SHARED)
		return ERR_INVALID;
	if (vm_halt_unfit(mode))
		return ERR_UNFIT;
	if (!shared_cas32(&vm->switching, 0, 1))
		return ERR_BUSY;
	err_t err = want_mechanism(here, mechanism_of(vm, mode));

	if (!err) {
		vm->halt = mode;
		vm->halt_why = "changed while it runs";
		err = settle(here, vm);
	}
	shared_store32(&vm->switching, 0);
	return err;
}
