// SPDX-License-Identifier: MIT
#include "vm.h"

#include "base/check.h"
#include "base/lib.h"
#include "base/log.h"
#include "budget.h"
#include "cpu.h"
#include "exit_parts.h"
#include "guest/memory_map.h"
#include "guest/place.h"
#include "guest/platform.h"
#include "intx.h"
#include "page.h"
#include "report.h"
#include "sched.h"
#include "svm/perm.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define LARGE_PAGES   (2 * MIB / PAGE_BYTES)
#define APIC_PAGE_GPA GPA(0xfee00000)

static struct vm *vms[CONFIG_VMS];
static uint32_t created;
static uint32_t done_count;   /* (shared) VMs that are done or stopped */
static uint32_t worst_status; /* (shared) */

uint32_t vm_count(void)
{
	return created;
}

struct vm *vm_by_index(uint32_t i)
{
	return i < created ? vms[i] : NULL;
}

static err_t check_config(const struct vm_config *config, const char **why)
{
	for (uint32_t i = 0; i < config->vcpu_count; i++)
		if (!cpu_by_index(config->pcpu[i])) {
			*why = "cpus: names a pCPU that this machine doesn't have or doesn't use";
			return ERR_INVALID;
		}
	return OK;
}

/* Devices' BARs at their host addresses lie above all of its memory; so does the APIC page. */
_Static_assert(CONFIG_MEMORY_DIRECT <= PLATFORM_HOLE, "pci = direct: one piece");

static err_t make_memory(struct vm *vm, const char **why)
{
	uint64_t bytes = vm->config->memory_bytes;
	err_t err = OK;

	vm->memory = page_alloc(bytes / PAGE_BYTES, LARGE_PAGES);
	if (vm->memory.v == PHYS_NONE.v) {
		fmt_text(vm->why_not, sizeof(vm->why_not),
			"not enough memory: it wants %lluM in one piece, and the largest that is "
			"free has %lluM",
			(unsigned long long)(bytes / MIB),
			(unsigned long long)(page_largest_count() * PAGE_BYTES / MIB));
		*why = vm->why_not;
		return ERR_NOMEM;
	}
	if (npt_init(&vm->npt) || perm_init(&vm->svm))
		return ERR_NOMEM;
	vm->svm.npt_root = vm->npt.root;
	exit_msr_open(&vm->svm);
	for (unsigned n = 0; n < MEMORY_PIECES && !err; n++) {
		const struct memory_piece p = memory_piece(bytes, n);

		err = npt_map(&vm->npt, GPA(p.at), PHYS(vm->memory.v + p.offset), p.bytes, NPT_RWX);
	}
	return err;
}

/*
 * Hardware takes over accesses to the APIC page in xAPIC mode only where the nested tables let
 * them through, to whatever page (24593 rev 3.44, "Virtual APIC Page Access"). Mapped here so that
 * the tables above it exist from now on; vm_map_apic_page() may later need no memory.
 */
static err_t make_apic_page(struct vm *vm)
{
	vm->apic_page = page_alloc(1, 1);
	if (vm->apic_page.v == PHYS_NONE.v)
		return ERR_NOMEM;
	err_t err = npt_map(&vm->npt, APIC_PAGE_GPA, vm->apic_page, PAGE_BYTES, NPT_RW);

	return err ? err : npt_unmap(&vm->npt, APIC_PAGE_GPA, PAGE_BYTES);
}

bool vm_map_apic_page(struct vm *vm)
{
	phys_t there;
	bool ready = true;

	spin_lock(&vm->lock);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		ready &= vm->vcpus[i].delivery == DELIVERY_POSTED;
	ready &= vm->delivery == DELIVERY_POSTED;
	if (ready && !npt_translate(&vm->npt, APIC_PAGE_GPA, true, &there))
		ready = !npt_map(&vm->npt, APIC_PAGE_GPA, vm->apic_page, PAGE_BYTES, NPT_RW);
	spin_unlock(&vm->lock);
	return ready;
}

enum vapic_mode vm_first_apic_mode(const struct vm *vm)
{
	return vm->config->apic == APIC_X2APIC ? VAPIC_X2APIC : VAPIC_XAPIC;
}

static err_t make_vcpu(struct vm *vm, uint32_t i)
{
	struct vcpu *v = &vm->vcpus[i];

	v->vm = vm;
	v->index = (uint8_t)i;
	v->priority = vm->config->priority[i];
	budget_init(v, vm->config->budget_us[i], vm->config->period_us[i]);
	v->halt = vm->halt;
	err_t err = svm_vcpu_init(&v->svm, &vm->svm);

	if (err)
		return err;
	err = avic_vcpu_init(&v->avic, &vm->avic, &v->svm, i);
	if (err)
		return err;
	emulated_init(&v->emulated, &v->avic, i == 0);
	return OK;
}

static err_t make_vcpus(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	size_t pages = (config->vcpu_count * sizeof(struct vcpu) + PAGE_MASK) / PAGE_BYTES;
	phys_t array = page_alloc(pages, 1);

	if (array.v == PHYS_NONE.v)
		return ERR_NOMEM;
	vm->vcpus = phys_to_virt(array);
	vm->vcpu_count = config->vcpu_count;
	err_t err = avic_vm_init(&vm->avic, vm_first_apic_mode(vm), config->vcpu_count - 1,
		svm_features()->erratum_1235);

	for (uint32_t i = 0; i < vm->vcpu_count && !err; i++)
		err = make_vcpu(vm, i);
	return err;
}

/* From here on vcpu_from_tag() knows them, so this comes last. */
static err_t register_vcpus(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = &vm->vcpus[i];
		err_t err = vcpu_init(v, cpu_by_index(vm->config->pcpu[i]));

		if (err)
			return err;
		vm_apply_mode(v);
	}
	return OK;
}

static void free_memory(struct vm *vm)
{
	assign_block_all(vm);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		svm_vcpu_free(&vm->vcpus[i].svm);
	npt_free(&vm->npt);
	perm_free(&vm->svm);
	if (vm->memory.v != PHYS_NONE.v)
		page_free(vm->memory, vm->config->memory_bytes / PAGE_BYTES);
}

static err_t assign_devices(struct vm *vm, const char **why)
{
	for (uint32_t i = 0; i < vm->config->device_count; i++) {
		err_t err = assign_device(vm, &vm->config->devices[i], why);

		if (err)
			return err;
	}
	*why = intx_unused(vm);
	return *why ? ERR_NOT_FOUND : OK;
}

static void choose_timer(struct vm *vm)
{
	const char *why;

	vhpet_create(vm, &why);
	if (why)
		log_warn("vm %s: timer hpet falls back to apic: %s", vm->config->name, why);
}

err_t vm_create(struct vm *vm, const struct vm_config *config, uint32_t id, const char **why)
{
	*vm = (struct vm){
		.config = config,
		.id = id,
		.lock = SPINLOCK_INIT,
		.svm = { PHYS_NONE, PHYS_NONE, PHYS_NONE, PHYS_NONE },
		.npt = { PHYS_NONE },
		.memory = PHYS_NONE,
		.apic_page = PHYS_NONE,
		.console = { .lock = SPINLOCK_INIT },
		.ioapic = { .lock = SPINLOCK_INIT },
		.uart = { .lock = SPINLOCK_INIT },
		.clock = { .start_ticks = cpu_ticks() },
	};
	err_t err = check_config(config, why);

	if (err)
		return err;
	vm_choose_modes(vm);
	*why = "not enough memory";
	err = make_memory(vm, why);
	if (err)
		goto undo;
	err = make_apic_page(vm);
	if (err)
		goto undo;
	err = make_vcpus(vm);
	if (err)
		goto undo;
	err = assign_devices(vm, why);
	if (err)
		goto undo;
	choose_timer(vm);
	err = vpci_create(vm, why);
	if (err)
		goto undo;
	err = guest_place(vm, why);
	if (err)
		goto undo;
	*why = "too many vCPUs in all VMs together";
	err = register_vcpus(vm);
	if (err)
		return err; /* known by tag: their memory stays */
	vms[created++] = vm;
	return OK;
undo:
	free_memory(vm);
	return err;
}

void vm_start(struct cpu *here, struct vm *vm)
{
	intx_open(vm);
	vm->restart.started = cpu_ticks();
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		if (!vm->vcpus[i].waits_for_sipi)
			vcpu_start(here, &vm->vcpus[i]);
}

static _Noreturn void stop_machine(void)
{
	char line[80];

	report_end();
	/* Not a matter of log levels: whoever ran us waits for this line. */
	log_text(line, (size_t)fmt_text(line, sizeof(line),
			       "Reveille: all guests done, status %u\n", worst_status));
	cpu_stop_others();
	for (;;)
		cpu_sleep();
}

void vm_gone(struct vm *vm, uint32_t status)
{
	if (status)
		shared_or32(&worst_status, status);
	shared_store32(&vm->gone, 1);
	if (shared_add32(&done_count, 1) + 1 == created)
		stop_machine();
}

void vm_wanted_again(struct vm *vm)
{
	shared_add32(&done_count, (uint32_t)-1);
	shared_store32(&vm->gone, 0);
}

enum what_next { STAYS_ENDED, STARTS_ANEW };

/* For the caller that stopped it. */
static void finish(struct cpu *here, struct vm *vm, uint32_t status, enum what_next next)
{
	assign_block_all(vm);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vcpu_post_event(here, &vm->vcpus[i], VCPU_EVENT_STOP);
	notice_renew(vm);
	if (next == STARTS_ANEW)
		shared_store32(&vm->restart.wanted, 1);
	else
		vm_gone(vm, status);
}

static enum what_next by_policy(const struct vm *vm, enum restart_policy least)
{
	return vm->config->restart >= least ? STARTS_ANEW : STAYS_ENDED;
}

void vm_stop(struct cpu *here, struct vm *vm, const char *why)
{
	if (!shared_cas32(&vm->stopped, 0, 1))
		return;
	log_error("vm %s: stopped: %s", vm->config->name, why);
	finish(here, vm, 1, by_policy(vm, RESTART_ON_FAILURE));
}

void vm_exit(struct cpu *here, struct vm *vm, uint32_t status)
{
	if (!shared_cas32(&vm->stopped, 0, 1))
		return;
	log_info("vm %s: done, status %u", vm->config->name, status);
	finish(here, vm, status, by_policy(vm, status ? RESTART_ON_FAILURE : RESTART_ALWAYS));
}

void vm_end(struct cpu *here, struct vm *vm, enum vm_end what, const char *how)
{
	static const enum restart_policy least[] = { [VM_POWER_OFF] = RESTART_ALWAYS,
		[VM_RESET] = RESTART_ON_RESET,
		[VM_OPERATOR_RESTART] = RESTART_NEVER };

	if (!shared_cas32(&vm->stopped, 0, 1))
		return;
	log_info("vm %s: %s", vm->config->name, how);
	if (what == VM_OPERATOR_STOP)
		finish(here, vm, 1, STAYS_ENDED);
	else
		finish(here, vm, 0, by_policy(vm, least[what]));
}

phys_t vm_phys(const struct vm *vm, gpa_t at, size_t bytes)
{
	uint64_t offset = memory_offset(vm->config->memory_bytes, at.v, bytes);

	return offset == MEMORY_NOWHERE ? PHYS_NONE : PHYS(vm->memory.v + offset);
}

bool vm_read(struct vm *vm, gpa_t from, void *to, size_t bytes)
{
	phys_t p = vm_phys(vm, from, bytes);

	if (p.v == PHYS_NONE.v)
		return false;
	memcpy(to, phys_to_virt(p), bytes);
	return true;
}

bool vm_write(struct vm *vm, gpa_t to, const void *from, size_t bytes)
{
	phys_t p = vm_phys(vm, to, bytes);

	if (p.v == PHYS_NONE.v)
		return false;
	memcpy(phys_to_virt(p), from, bytes);
	return true;
}
