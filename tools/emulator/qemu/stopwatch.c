/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qemu/thread.h"
#include "qapi/error.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "system/cpu-timers.h"
#include "system/system.h"
#include "../model/stopwatch.h"
#include "stopwatch.h"

#define TYPE_SW_DEVICE "reveille-stopwatch"
OBJECT_DECLARE_SIMPLE_TYPE(SwDevice, SW_DEVICE)

#define BUFFER_BYTES (4 * 1024 * 1024)

struct SwDevice {
	DeviceState parent_obj;
	char *path;
	FILE *file;
	QemuMutex lock; /* CPUs run in threads of their own without -icount */
	Notifier exit;
};

bool sw_on;
int64_t sw_executed[SW_CPUS];
static SwDevice *sw_device;

/*
 * With -icount QEMU refuses to read the virtual clock inside a translation block,
 * because the count is that of the block's end there. The places that record are the
 * last instruction of their block (or have restored the state), so the refusal is lifted.
 */
static int64_t virtual_ns(void)
{
	CPUState *self = current_cpu;
	bool allowed = self && self->neg.can_do_io;
	int64_t ns;

	if (self)
		self->neg.can_do_io = true;
	ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	if (self)
		self->neg.can_do_io = allowed;
	return ns;
}

static uint64_t executed(CPUState *cpu)
{
	int64_t slice;

	if (!icount_enabled())
		return 0;
	slice = cpu->icount_budget - (cpu->neg.icount_decr.u16.low + cpu->icount_extra);
	return sw_executed[cpu->cpu_index] + slice;
}

void sw_write(CPUState *cpu, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c)
{
	struct stopwatch_record r = {
		.time_ns = cpu_to_le64(virtual_ns()),
		.kind = kind,
		.cpu = MODEL_NO_CPU,
		.x = cpu_to_le16(x),
		.a = cpu_to_le32(a),
		.b = cpu_to_le64(b),
		.c = cpu_to_le64(c),
	};

	/* QEMU's timers run in a CPU's thread between its turns: that is no CPU's doing. */
	if (cpu && cpu->running && cpu->cpu_index < SW_CPUS) {
		r.cpu = cpu->cpu_index;
		r.instructions = cpu_to_le64(executed(cpu));
	}
	qemu_mutex_lock(&sw_device->lock);
	fwrite(&r, sizeof(r), 1, sw_device->file);
	qemu_mutex_unlock(&sw_device->lock);
}

static void at_exit(Notifier *n, void *unused)
{
	SwDevice *d = container_of(n, SwDevice, exit);

	sw_on = false;
	qemu_mutex_lock(&d->lock);
	fflush(d->file);
	qemu_mutex_unlock(&d->lock);
}

static void sw_realize(DeviceState *dev, Error **errp)
{
	SwDevice *d = SW_DEVICE(dev);
	struct stopwatch_header h = {
		.magic = cpu_to_le64(STOPWATCH_MAGIC),
		.version = cpu_to_le32(STOPWATCH_VERSION),
		.record_bytes = cpu_to_le32(sizeof(struct stopwatch_record)),
		.flags = cpu_to_le32(icount_enabled() == ICOUNT_PRECISE),
	};

	if (sw_device) {
		error_setg(errp, "there is a %s already", TYPE_SW_DEVICE);
		return;
	}
	if (!d->path) {
		error_setg(errp, "%s needs file=PATH", TYPE_SW_DEVICE);
		return;
	}
	d->file = fopen(d->path, "wb");
	if (!d->file) {
		error_setg_errno(errp, errno, "cannot write %s", d->path);
		return;
	}
	setvbuf(d->file, NULL, _IOFBF, BUFFER_BYTES);
	fwrite(&h, sizeof(h), 1, d->file);
	qemu_mutex_init(&d->lock);
	d->exit.notify = at_exit;
	qemu_add_exit_notifier(&d->exit);
	sw_device = d;
	sw_on = true;
}

static const Property sw_properties[] = {
	DEFINE_PROP_STRING("file", SwDevice, path),
};

static void sw_class_init(ObjectClass *oc, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(oc);

	dc->realize = sw_realize;
	dc->desc = "Reveille: records interrupts, exits and IOMMU accesses to a file";
	dc->hotpluggable = false;
	dc->user_creatable = true;
	device_class_set_props(dc, sw_properties);
}

static const TypeInfo sw_type = {
	.name = TYPE_SW_DEVICE,
	.parent = TYPE_DEVICE,
	.instance_size = sizeof(SwDevice),
	.class_init = sw_class_init,
};

static void sw_register(void)
{
	type_register_static(&sw_type);
}

type_init(sw_register)
