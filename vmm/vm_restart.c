// SPDX-License-Identifier: MIT
#include "vm_restart.h"

#include "assign.h"
#include "avic/avic.h"
#include "avic/emulated.h"
#include "base/lib.h"
#include "base/log.h"
#include "guest/place.h"
#include "guest/vpci.h"
#include "svm/regs.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/shared.h>

/* Nobody else has v: it left its CPU, and nothing starts it. */
static bool at_rest(const struct vcpu *v)
{
	uint32_t state = shared_load32(&v->state);

	return state == VCPU_STOPPED || state == VCPU_OFFLINE;
}

static bool all_at_rest(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		if (!at_rest(&vm->vcpus[i]))
			return false;
	return true;
}

static void reset_vcpu(struct vcpu *v)
{
	vcpu_revive(v);
	avic_vcpu_reset(&v->avic);
	emulated_reset(&v->emulated);
	v->pvclock = 0;
	/* A value that every CPU has. */
	if (!svm_set_guest_pat(&v->svm, PAT_RESET))
		log_error("vm %s: vCPU %u keeps its PAT", v->vm->config->name, v->index);
}

static void restart(struct cpu *here, struct vm *vm)
{
	const char *why = "a device does not come back from its reset";

	log_info("vm %s: starts anew", vm->config->name);
	memset(phys_to_virt(vm->memory), 0, vm->config->memory_bytes);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		reset_vcpu(&vm->vcpus[i]);
	avic_logical_update(&vm->avic);
	vm->clock = (struct pvclock){ .start_ticks = cpu_ticks() };
	err_t err = assign_restart(vm);

	if (!err) {
		vpci_reset(here, vm);
		err = guest_place(vm, &why);
	}
	if (err) {
		log_error("vm %s: not started anew: %s", vm->config->name, why);
		vm_gone(vm, 1);
		return;
	}
	shared_store32(&vm->stopped, 0);
	vm_start(here, vm);
}

void restart_look(struct cpu *here)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);

		if (shared_load32(&vm->restart) && all_at_rest(vm)) {
			shared_store32(&vm->restart, 0);
			restart(here, vm);
		}
	}
}
