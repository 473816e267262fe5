// SPDX-License-Identifier: MIT
#include "vm_restart.h"

#include "assign.h"
#include "avic/avic.h"
#include "avic/emulated.h"
#include "base/lib.h"
#include "base/log.h"
#include "drivers/clock.h"
#include "guest/place.h"
#include "guest/vpci.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/shared.h>

#define STEP_US     250 /* between two steps: others have their turn */
#define REST_US     10000000
#define SCRUB_BYTES (256 * KIB)
/* A life shorter than that is a short one; after FREE of them in a row a pause of a second is made,
 * and twice as long with each more. */
#define SHORT_US    10000000
#define FREE        3
#define PAUSE_US    1000000
#define PAUSE_SHIFT 6 /* no pause is longer than 64 s */

/* Nobody else has v: it left its CPU, and nothing starts it. */
static bool at_rest(const struct vcpu *v)
{
	uint32_t state = shared_load32(&v->state);

	return state == VCPU_STOPPED || state == VCPU_OFFLINE;
}

static bool all_at_rest(const struct vm *vm)
{
	bool rest = true;

	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		rest &= at_rest(&vm->vcpus[i]);
	return rest;
}

/*
 * One that was inside the guest may start another that was found OFFLINE just before, and then be
 * found STOPPED itself. The other finds VCPU_EVENT_STOP before it enters the guest, so it starts
 * nobody: a second look at all of them is enough.
 */
static bool vm_at_rest(const struct vm *vm)
{
	return all_at_rest(vm) && all_at_rest(vm) && !shared_load32(&vm->switching);
}

static void reset_vcpu(struct vcpu *v)
{
	vcpu_revive(v);
	svm_vcpu_reset(&v->svm);
	vm_set_apic_mode(v, vm_first_apic_mode(v->vm));
	avic_vcpu_reset(&v->avic);
	emulated_init(&v->emulated, &v->avic, v->index == 0);
}

static void go(struct vm *vm, enum restart_stage stage, uint64_t after_us)
{
	vm->restart.stage = stage;
	vm->restart.due = cpu_ticks() + clock_us_to_ticks(after_us);
}

static void give_up(struct vm *vm, const char *why)
{
	log_error("vm %s: not started anew: %s", vm->config->name, why);
	go(vm, RESTART_IDLE, 0);
	vm_gone(vm, 1);
}

/* Returns how long to wait. */
static uint64_t pause_us(struct vm *vm)
{
	struct vm_restart *r = &vm->restart;
	bool at_once = r->at_once;

	r->at_once = 0;
	if (at_once || cpu_ticks() - r->started >= clock_us_to_ticks(SHORT_US))
		r->short_lives = 0;
	else
		r->short_lives++;
	if (r->short_lives <= FREE)
		return 0;
	if (r->short_lives == FREE + 1)
		log_error("vm %s: ends soon each time: a pause before each new start, up to 64 s",
			vm->config->name);
	uint32_t shift = r->short_lives - FREE - 1;

	return PAUSE_US << (shift < PAUSE_SHIFT ? shift : PAUSE_SHIFT);
}

static void rest(struct vm *vm, uint64_t now)
{
	if (vm_at_rest(vm))
		go(vm, RESTART_PAUSE, pause_us(vm));
	else if (now >= vm->restart.deadline)
		give_up(vm, "a vCPU does not come to rest");
	else
		go(vm, RESTART_REST, 4 * STEP_US);
}

static void begin_scrub(struct vm *vm)
{
	log_info("vm %s: starts anew", vm->config->name);
	vm->restart.scrubbed = 0;
	go(vm, RESTART_SCRUB, 0);
}

static void begin_reset(struct cpu *here, struct vm *vm)
{
	if (vm->apic_page.v != PHYS_NONE.v)
		memset(phys_to_virt(vm->apic_page), 0, PAGE_BYTES);
	vpci_reset(here, vm);
	vhpet_reset(here, vm);
	vm->pm1_enable = 0;
	assign_reset_begin(here, vm);
	go(vm, RESTART_RESET, 0);
}

static void scrub(struct cpu *here, struct vm *vm)
{
	struct vm_restart *r = &vm->restart;
	uint64_t left = vm->config->memory_bytes - r->scrubbed;
	uint64_t bytes = left < SCRUB_BYTES ? left : SCRUB_BYTES;

	memset(phys_to_virt(PHYS(vm->memory.v + r->scrubbed)), 0, bytes);
	r->scrubbed += bytes;
	if (r->scrubbed == vm->config->memory_bytes)
		begin_reset(here, vm);
	else
		go(vm, RESTART_SCRUB, STEP_US);
}

static void reset(struct cpu *here, struct vm *vm)
{
	const char *why;
	err_t err = assign_reset_step(vm, &why);

	if (err == ERR_BUSY) {
		go(vm, RESTART_RESET, 4 * STEP_US);
		return;
	}
	if (!err) {
		for (uint32_t i = 0; i < vm->vcpu_count; i++)
			reset_vcpu(&vm->vcpus[i]);
		avic_logical_update(&vm->avic);
		vm->clock = (struct pvclock){ .start_ticks = cpu_ticks() };
		err = guest_place(vm, &why);
	}
	if (err) {
		assign_block_all(vm);
		give_up(vm, why);
		return;
	}
	go(vm, RESTART_IDLE, 0);
	shared_store32(&vm->stopped, 0);
	vm_start(here, vm);
}

static void step(struct cpu *here, struct vm *vm, uint64_t now)
{
	switch (vm->restart.stage) {
	case RESTART_IDLE:
		if (!shared_swap32(&vm->restart.wanted, 0))
			return;
		vm->restart.deadline = now + clock_us_to_ticks(REST_US);
		rest(vm, now);
		break;
	case RESTART_REST:
		rest(vm, now);
		break;
	case RESTART_PAUSE:
		begin_scrub(vm);
		break;
	case RESTART_SCRUB:
		scrub(here, vm);
		break;
	case RESTART_RESET:
		reset(here, vm);
		break;
	}
}

uint64_t restart_look(struct cpu *here, uint64_t now)
{
	uint64_t due = ~0ull;

	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);
		struct vm_restart *r = &vm->restart;

		if (r->stage == RESTART_IDLE || r->due <= now)
			step(here, vm, now);
		if (r->stage != RESTART_IDLE && r->due < due)
			due = r->due;
	}
	return due;
}

bool restart_under_way(const struct vm *vm)
{
	return vm->restart.stage != RESTART_IDLE || shared_load32(&vm->restart.wanted);
}

const char *restart_start(struct vm *vm)
{
	if (!shared_load32(&vm->stopped))
		return "it runs";
	if (restart_under_way(vm)) {
		if (vm->restart.stage == RESTART_PAUSE)
			go(vm, RESTART_PAUSE, 0);
		return NULL;
	}
	if (!shared_load32(&vm->gone))
		return "it is about to end: try again";
	vm_wanted_again(vm);
	vm->restart.at_once = 1;
	shared_store32(&vm->restart.wanted, 1);
	return NULL;
}

const char *restart_vm(struct cpu *here, struct vm *vm)
{
	if (shared_load32(&vm->stopped))
		return restart_start(vm);
	vm->restart.at_once = 1;
	vm_end(here, vm, VM_OPERATOR_RESTART, "restarted by the monitor");
	return NULL;
}

const char *restart_stop(struct cpu *here, struct vm *vm)
{
	if (!shared_load32(&vm->stopped)) {
		vm_end(here, vm, VM_OPERATOR_STOP, "stopped: by the monitor");
		return NULL;
	}
	if (!restart_under_way(vm))
		return "it has ended";
	shared_store32(&vm->restart.wanted, 0);
	give_up(vm, "by the monitor");
	return NULL;
}
