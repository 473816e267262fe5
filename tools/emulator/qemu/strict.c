/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qemu/thread.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "system/system.h"
#include "cpu.h"
#include "strict.h"

#define TYPE_STRICT_DEVICE "reveille-strict"
OBJECT_DECLARE_SIMPLE_TYPE(StrictDevice, STRICT_DEVICE)

#define SHOWN_PER_FORMAT 20

struct StrictDevice {
	DeviceState parent_obj;
	bool report;
};

static bool report = true;
static uint64_t total;
static GHashTable *counts; /* format -> how often */
static QemuMutex lock;
static Notifier exit_notifier;

static void show_suppressed(gpointer fmt, gpointer count, gpointer unused)
{
	if (GPOINTER_TO_UINT(count) > SHOWN_PER_FORMAT)
		fprintf(stderr, "emulator-strict: %u more like \"%s\"\n",
			GPOINTER_TO_UINT(count) - SHOWN_PER_FORMAT, (const char *)fmt);
}

static void at_exit(Notifier *n, void *unused)
{
	if (!total)
		return;
	g_hash_table_foreach(counts, show_suppressed, NULL);
	fprintf(stderr, "emulator-strict: %" PRIu64 " errors\n", total);
}

/* The instruction pointer is that of the current block where it is not known better. */
static void show_where(void)
{
	CPUState *cpu = current_cpu;
	bool allowed;

	if (!cpu || !cpu->running)
		return;
	allowed = cpu->neg.can_do_io;
	cpu->neg.can_do_io = true; /* see virtual_ns in stopwatch.c */
	fprintf(stderr, "cpu %d rip %" PRIx64 "%s time %" PRId64 " ns: ", cpu->cpu_index,
		(uint64_t)cpu_env(cpu)->eip, cpu_env(cpu)->hflags & HF_GUEST_MASK ? " (guest)" : "",
		qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
	cpu->neg.can_do_io = allowed;
}

void reveille_vstrict(const char *fmt, va_list args)
{
	unsigned count;

	if (!report)
		return;
	qemu_mutex_lock(&lock);
	total++;
	count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, fmt)) + 1;
	g_hash_table_insert(counts, (gpointer)fmt, GUINT_TO_POINTER(count));
	if (count <= SHOWN_PER_FORMAT) {
		fprintf(stderr, "emulator-strict: ");
		show_where();
		vfprintf(stderr, fmt, args);
		fprintf(stderr, "%s\n", count == SHOWN_PER_FORMAT ? " (no more of these)" : "");
	}
	qemu_mutex_unlock(&lock);
}

void reveille_strict(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	reveille_vstrict(fmt, args);
	va_end(args);
}

static void strict_realize(DeviceState *dev, Error **errp)
{
	report = STRICT_DEVICE(dev)->report;
}

static const Property strict_properties[] = {
	DEFINE_PROP_BOOL("report", StrictDevice, report, true),
};

static void strict_class_init(ObjectClass *oc, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(oc);

	dc->realize = strict_realize;
	dc->desc = "Reveille: options of the reports about wrong use of the hardware";
	dc->hotpluggable = false;
	dc->user_creatable = true;
	device_class_set_props(dc, strict_properties);
}

static const TypeInfo strict_type = {
	.name = TYPE_STRICT_DEVICE,
	.parent = TYPE_DEVICE,
	.instance_size = sizeof(StrictDevice),
	.class_init = strict_class_init,
};

static void strict_register(void)
{
	qemu_mutex_init(&lock);
	counts = g_hash_table_new(g_str_hash, g_str_equal);
	exit_notifier.notify = at_exit;
	qemu_add_exit_notifier(&exit_notifier);
	type_register_static(&strict_type);
}

type_init(strict_register)
