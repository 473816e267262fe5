/* SPDX-License-Identifier: MIT */
/* What needs a whole section (as many priorities as CPUs) or the whole file (two VMs that want one
 * device). */
#include "config_parser.h"

/* Says so in an earlier line than the last one read. */
#define FAIL_AT(p, at, ...) ((p)->line = (at), FAIL(p, __VA_ARGS__))

static err_t check_guest(struct parser *p)
{
	const struct vm_config *vm = p->vm;
	bool kernel = vm->kernel.path[0];

	if (!vm->builtin && !kernel)
		return FAIL_AT(p, vm->line,
			"[vm %s] has no guest; expected kernel = FILE or guest = builtin",
			vm->name);
	if (vm->builtin && kernel)
		return FAIL_AT(p, vm->kernel.line,
			"[vm %s] has a kernel and guest = builtin; expected one of them", vm->name);
	if (vm->initrd.path[0] && !kernel)
		return FAIL_AT(p, vm->initrd.line,
			"'initrd' belongs to a kernel; expected kernel = FILE too");
	if (p->cmdline_line && !kernel)
		return FAIL_AT(p, p->cmdline_line,
			"'cmdline' belongs to a kernel; expected args for guest = builtin");
	if (p->pci_line && !vm->builtin)
		return FAIL_AT(p, p->pci_line,
			"'pci' belongs to guest = builtin; expected none for a kernel, which "
			"always has a virtual bus");
	if (p->args_line && !vm->builtin)
		return FAIL_AT(p, p->args_line,
			"'args' belongs to guest = builtin; expected cmdline for a kernel");
	return OK;
}

/* Where a flat image goes that doesn't say: what most are linked for, and boot sectors. */
#define LOAD_FLAT 0x100000u
#define LOAD_REAL 0x7c00u
#define REAL_LAST 0xfffffu

static err_t check_kernel(struct parser *p)
{
	struct vm_config *vm = p->vm;
	bool real = vm->kernel_type == KERNEL_FLAT_REAL;
	uint32_t line = p->load_line ? p->load_line : p->entry_line;

	if (p->type_line && !vm->kernel.path[0])
		return FAIL_AT(p, p->type_line,
			"'kernel-type' belongs to a kernel; expected kernel = FILE too");
	if (line && !real && vm->kernel_type != KERNEL_FLAT)
		return FAIL_AT(p, line,
			"'load-at' and 'entry' belong to flat images; expected kernel-type = flat "
			"or flat-real too");
	if (!p->load_line)
		vm->load_at = real ? LOAD_REAL : LOAD_FLAT;
	if (!p->entry_line)
		vm->entry = vm->load_at;
	if (real && vm->entry > REAL_LAST)
		return FAIL_AT(p, line,
			"entry %x can't be reached in real mode; expected one below 1M", vm->entry);
	return OK;
}

static err_t check_cpus(struct parser *p)
{
	struct vm_config *vm = p->vm;

	if (!vm->vcpu_count)
		return FAIL_AT(p, vm->line,
			"[vm %s] has no 'cpus'; expected cpus = the CPU of each vCPU, like 0, 1",
			vm->name);
	if (p->priority_count == 1)
		memset(vm->priority, vm->priority[0], vm->vcpu_count);
	else if (p->priority_count && p->priority_count != vm->vcpu_count)
		return FAIL_AT(p, p->priority_line,
			"%u priorities for %u vCPUs; expected one for all, or one for each",
			p->priority_count, vm->vcpu_count);
	for (uint32_t i = 1; p->budget_count == 1 && i < vm->vcpu_count; i++) {
		vm->budget_us[i] = vm->budget_us[0];
		vm->period_us[i] = vm->period_us[0];
	}
	if (p->budget_count > 1 && p->budget_count != vm->vcpu_count)
		return FAIL_AT(p, p->budget_line,
			"%u budgets for %u vCPUs; expected one for all, or one for each",
			p->budget_count, vm->vcpu_count);
	return OK;
}

static err_t check_timer(struct parser *p)
{
	if (p->vm->timer != TIMER_HPET)
		return OK;
	if (p->vm->pci != PCI_VIRTUAL)
		return FAIL_AT(p, p->timer_line,
			"'timer = hpet' needs a guest with tables to find it by; expected a kernel, "
			"or pci = virtual too");
	for (uint32_t v = 0; v + 1 < p->config->vm_count; v++)
		if (p->config->vms[v].timer == TIMER_HPET)
			return FAIL_AT(p, p->timer_line,
				"the HPET belongs to [vm %s] already; expected timer = hpet once",
				p->config->vms[v].name);
	return OK;
}

err_t config_check_vm(struct parser *p)
{
	if (!p->vm)
		return OK;
	err_t err = check_guest(p);

	if (!err)
		err = check_kernel(p);
	if (!p->vm->builtin)
		p->vm->pci = PCI_VIRTUAL;
	if (!err && p->vm->pci == PCI_DIRECT && p->vm->memory_bytes > CONFIG_MEMORY_DIRECT)
		return FAIL_AT(p, p->memory_line,
			"memory beyond 2G needs a PCI bus for the guest, since BARs at host "
			"addresses are in the way; expected at most 2G, or pci = virtual too");
	if (!err && p->vm->intx_count && p->vm->pci != PCI_VIRTUAL)
		return FAIL_AT(p, p->vm->intx[0].device.line,
			"'intx' needs a PCI bus for the guest; expected pci = virtual too");
	if (!err)
		err = check_timer(p);
	return err ? err : check_cpus(p);
}

/* Whether two of different naming are one device, only the machine knows; vm_create() looks again.
 */
static bool same_device(const struct config_device *a, const struct config_device *b)
{
	char one[CONFIG_DEVICE_TEXT], two[CONFIG_DEVICE_TEXT];

	config_device_text(one, a);
	config_device_text(two, b);
	return strcmp(one, two) == 0;
}

/* The owner of an earlier mention of d, or NULL. */
static const struct vm_config *claimed_before(const struct config *c, const struct config_device *d)
{
	for (uint32_t v = 0; v < c->vm_count; v++) {
		for (uint32_t i = 0; i < c->vms[v].device_count; i++) {
			if (&c->vms[v].devices[i] == d)
				return NULL;
			if (same_device(&c->vms[v].devices[i], d))
				return &c->vms[v];
		}
	}
	return NULL;
}

static err_t check_devices(struct parser *p, const struct vm_config *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct config_device *d = &vm->devices[i];
		const struct vm_config *other = claimed_before(p->config, d);

		if (!other)
			continue;
		char text[CONFIG_DEVICE_TEXT];

		config_device_text(text, d);
		return FAIL_AT(p, d->line,
			"device %s belongs to [vm %s] already; expected each device once", text,
			other->name);
	}
	return OK;
}

err_t config_check_file(struct parser *p)
{
	struct config *c = p->config;

	for (uint32_t v = 0; v < c->vm_count; v++) {
		const struct vm_config *vm = &c->vms[v];
		err_t err = check_devices(p, vm);

		if (err)
			return err;
		for (uint32_t i = 0; c->cpu_count && i < vm->vcpu_count; i++) {
			p->line = p->cpus_line[v];
			if (vm->pcpu[i] >= c->cpu_count && vm->pcpu[i] != CONFIG_CPU_ANY)
				return FAIL(p,
					"vCPU %u on CPU %u, but [reveille] has cpus = %u; "
					"expected 0 to %u",
					i, vm->pcpu[i], c->cpu_count, c->cpu_count - 1);
		}
	}
	return OK;
}
