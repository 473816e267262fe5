// SPDX-License-Identifier: MIT
/* A VM's devices between two of its lives: fenced by assign_block_all() from the end of the first
 * until the last one is reset. */
#include "assign.h"

#include "base/log.h"
#include "vm.h"

void assign_reset_begin(struct cpu *here, struct vm *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct assigned_device *d = &vm->devices[i];

		for (uint32_t n = 0; n < d->irq_count; n++)
			assign_unroute(here, &d->irq[n]);
		d->reset_done = false;
		pci_reset_begin(d->pci, &d->reset);
	}
}

static const char *reason(err_t err)
{
	return err == ERR_UNFIT ? "no reset: not given to a second owner"
				: "it does not come back from its reset";
}

static void say(
	enum log_level level, const struct assigned_device *d, const char *what, const char *more)
{
	log_line(level, "vm %s: device %02x:%02x.%x: %s%s", d->vm->config->name, d->pci->id >> 8,
		d->pci->id >> 3 & 31, d->pci->id & 7, what, more);
}

static err_t reset_step(struct assigned_device *d, const char **why)
{
	err_t err = pci_reset_step(d->pci, &d->reset);

	if (err == ERR_BUSY)
		return err;
	if (err) {
		*why = reason(err);
		say(LOG_ERROR, d, *why, "");
		return err;
	}
	d->reset_done = true;
	say(LOG_INFO, d, "reset by ", pci_reset_name(d->reset.way));
	return OK;
}

static err_t open_all(struct vm *vm, const char **why)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		err_t err = assign_open(&vm->devices[i], why);

		if (err) {
			assign_block_all(vm);
			return err;
		}
	}
	return vhpet_open(vm, why);
}

err_t assign_reset_step(struct vm *vm, const char **why)
{
	bool busy = false;

	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct assigned_device *d = &vm->devices[i];
		err_t err = d->reset_done ? OK : reset_step(d, why);

		if (err && err != ERR_BUSY)
			return err;
		busy |= err == ERR_BUSY;
	}
	return busy ? ERR_BUSY : open_all(vm, why);
}
