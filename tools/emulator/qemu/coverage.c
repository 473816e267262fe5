/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "system/system.h"
#include "tcg/tcg-op-common.h"
#include "coverage.h"

#define TYPE_COVERAGE_DEVICE "reveille-coverage"
OBJECT_DECLARE_SIMPLE_TYPE(CoverageDevice, COVERAGE_DEVICE)

#define MAX_BYTES (64 * 1024 * 1024)

struct CoverageDevice {
	DeviceState parent_obj;
	char *path;
	uint64_t base;
	uint64_t bytes;
	uint8_t *executed; /* a byte for each address: CPUs may store at the same time */
	FILE *file;
	Notifier exit;
};

bool coverage_on;
static CoverageDevice *device;

void coverage_mark(vaddr pc)
{
	uint64_t offset = pc - device->base;

	if (offset < device->bytes)
		tcg_gen_st8_i32(
			tcg_constant_i32(1), tcg_constant_ptr(device->executed + offset), 0);
}

static void at_exit(Notifier *n, void *unused)
{
	CoverageDevice *d = container_of(n, CoverageDevice, exit);
	uint64_t header[] = { cpu_to_le64(COVERAGE_MAGIC), cpu_to_le64(d->base),
		cpu_to_le64(d->bytes) };

	fwrite(header, sizeof(header), 1, d->file);
	for (uint64_t i = 0; i < d->bytes; i += 8) {
		uint8_t bits = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			bits |= d->executed[i + bit] << bit;
		fputc(bits, d->file);
	}
	if (ferror(d->file) || fflush(d->file))
		error_report("%s: cannot write %s", TYPE_COVERAGE_DEVICE, d->path);
}

static void coverage_realize(DeviceState *dev, Error **errp)
{
	CoverageDevice *d = COVERAGE_DEVICE(dev);

	if (device) {
		error_setg(errp, "there is a %s already", TYPE_COVERAGE_DEVICE);
		return;
	}
	if (!d->path || !d->bytes || d->bytes % 8 || d->bytes > MAX_BYTES) {
		error_setg(errp,
			"%s needs file=PATH, base=ADDRESS and bytes=SIZE, a multiple of 8 up to %d",
			TYPE_COVERAGE_DEVICE, MAX_BYTES);
		return;
	}
	d->file = fopen(d->path, "wb");
	if (!d->file) {
		error_setg_errno(errp, errno, "cannot write %s", d->path);
		return;
	}
	d->executed = g_malloc0(d->bytes);
	d->exit.notify = at_exit;
	qemu_add_exit_notifier(&d->exit);
	device = d;
	coverage_on = true;
}

static const Property coverage_properties[] = {
	DEFINE_PROP_STRING("file", CoverageDevice, path),
	DEFINE_PROP_UINT64("base", CoverageDevice, base, 0),
	DEFINE_PROP_UINT64("bytes", CoverageDevice, bytes, 0),
};

static void coverage_class_init(ObjectClass *oc, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(oc);

	dc->realize = coverage_realize;
	dc->desc = "Reveille: records which instructions outside of guests were executed";
	dc->hotpluggable = false;
	dc->user_creatable = true;
	device_class_set_props(dc, coverage_properties);
}

static const TypeInfo coverage_type = {
	.name = TYPE_COVERAGE_DEVICE,
	.parent = TYPE_DEVICE,
	.instance_size = sizeof(CoverageDevice),
	.class_init = coverage_class_init,
};

static void coverage_register(void)
{
	type_register_static(&coverage_type);
}

type_init(coverage_register)
