/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device `amd-iommu`: properties, register window, its place in the machine. */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "exec/address-spaces.h"
#include "hw/i386/pc.h"
#include "hw/i386/x86.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "avic_glue.h"
#include "iommu_glue.h"
#include "iommu_glue_internal.h"
#include "machine_host.h"

#define WINDOW_BASE  0xfed80000u
#define WINDOW_SIZE  0x4000u
#define IOAPIC_ID    0u   /* as QEMU's MADT says */
#define IOAPIC_DEVFN 0xa0 /* 00:14.0; the HPET's messages carry it too */
#define ALIASES      8

static AddressSpace *hpet_space; /* NULL: there is no IOMMU */

AddressSpace *iommu_glue_hpet_space(void)
{
	return hpet_space ? hpet_space : &address_space_memory;
}

static uint64_t window_read(void *opaque, hwaddr offset, unsigned bytes)
{
	ReveilleIommu *s = opaque;

	return iommu_mmio_read(s->model, offset, bytes);
}

static void window_write(void *opaque, hwaddr offset, uint64_t value, unsigned bytes)
{
	ReveilleIommu *s = opaque;

	iommu_mmio_write(s->model, offset, value, bytes);
}

/* The model sees accesses as they are: also those that it calls malformed. */
static const MemoryRegionOps window_ops = {
	.read = window_read,
	.write = window_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static const PCIIOMMUOps iommu_ops = {
	.get_address_space = iommu_space_get,
};

static void host_doorbell(void *opaque, uint32_t apicid)
{
	avic_doorbell(apicid);
}

static uint32_t host_random(void *opaque, uint32_t n)
{
	ReveilleIommu *s = opaque;

	return machine_random(&s->random, n);
}

static void later(void *opaque, uint32_t ns)
{
	ReveilleIommu *s = opaque;
	int64_t when = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ns;

	if (!timer_pending(s->later) || timer_expire_time_ns(s->later) > when)
		timer_mod(s->later, when);
}

static void later_fired(void *opaque)
{
	ReveilleIommu *s = opaque;

	iommu_later(s->model);
}

static void iommu_realize(DeviceState *dev, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(dev);
	PCIBus *bus = PC_MACHINE(qdev_get_machine())->pcibus;

	if (s->cfg.hats > 3 || s->cfg.num_int_remap > 1 || s->cfg.segments_log2 > 3) {
		error_setg(errp, "amd-iommu: hats is 0-3, numintremapsup 0-1, devtblsegsup 0-3");
		return;
	}
	if (!qdev_realize(DEVICE(&s->pci), BUS(bus), errp))
		return;
	s->cfg.mmio_base = WINDOW_BASE;
	s->cfg.devid = PCI_BUILD_BDF(0, PCI_DEVICE(&s->pci)->devfn);
	s->cfg.ioapic_devid = PCI_BUILD_BDF(0, IOAPIC_DEVFN);
	s->cfg.hpet_devid = PCI_BUILD_BDF(0, IOAPIC_DEVFN);
	s->cfg.later = later;
	s->cfg.unmap = iommu_space_unmap;
	s->random = machine_seed(s->seed);
	s->spaces = iommu_spaces_new();
	s->later = timer_new_ns(QEMU_CLOCK_VIRTUAL, later_fired, s);

	struct model_host host = machine_host;

	host.opaque = s;
	host.doorbell = host_doorbell;
	host.random = host_random;
	s->model = iommu_new(&host, &s->cfg);
	s->pci.model = s->model;

	memory_region_init_io(&s->mmio, OBJECT(s), &window_ops, s, "amd-iommu-mmio", WINDOW_SIZE);
	s->mmio.disable_reentrancy_guard = true;
	memory_region_add_subregion(get_system_memory(), WINDOW_BASE, &s->mmio);
	/* The IOAPIC's messages, and the HPET's, are those of a device of its own. */
	hpet_space = iommu_space_get(bus, s, IOAPIC_DEVFN);
	X86_MACHINE(qdev_get_machine())->ioapic_as = hpet_space;
	pci_setup_iommu(bus, &iommu_ops, s);
}

static void iommu_glue_reset(DeviceState *dev)
{
	ReveilleIommu *s = REVEILLE_IOMMU(dev);

	timer_del(s->later);
	iommu_reset(s->model);
}

/* Faults can be injected at run time too: qom-set on the device's path. */
struct fault {
	const char *name;
	size_t offset;
};

static const struct fault faults[] = {
	{ "x-spurious-gappi", offsetof(struct iommu_config, spurious_gappi) },
	{ "x-galog-limit", offsetof(struct iommu_config, galog_limit) },
	{ "x-wake-lost", offsetof(struct iommu_config, wake_lost) },
	{ "x-completion-lost", offsetof(struct iommu_config, completion_lost) },
	{ "x-command-delay-ns", offsetof(struct iommu_config, command_delay_ns) },
};

static uint32_t *fault_field(struct iommu_config *cfg, const struct fault *f)
{
	return (uint32_t *)((char *)cfg + f->offset);
}

static void fault_get(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);

	visit_type_uint32(v, name, fault_field(s->model ? &s->model->cfg : &s->cfg, opaque), errp);
}

static void fault_set(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);
	uint32_t value;

	if (!visit_type_uint32(v, name, &value, errp))
		return;
	*fault_field(&s->cfg, opaque) = value;
	if (s->model)
		*fault_field(&s->model->cfg, opaque) = value;
}

static bool overflow_get(Object *obj, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);

	return s->model && s->model->galog_full_once;
}

static void overflow_set(Object *obj, bool value, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);

	if (!s->model)
		error_setg(errp, "amd-iommu: x-galog-overflow is for a running machine");
	else if (value)
		iommu_inject_galog_overflow(s->model);
}

/* A counter of the model, which opaque is the offset of. */
static void count_get(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);
	uint64_t value = 0;

	if (s->model)
		value = *(uint64_t *)((char *)s->model + (uintptr_t)opaque);
	visit_type_uint64(v, name, &value, errp);
}

static void iommu_instance_init(Object *obj)
{
	ReveilleIommu *s = REVEILLE_IOMMU(obj);

	iommu_config_newest(&s->cfg);
	object_initialize_child(obj, "function", &s->pci, TYPE_REVEILLE_IOMMU_PCI);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		object_property_add(obj, faults[i].name, "uint32", fault_get, fault_set, NULL,
			(void *)&faults[i]);
	object_property_add_bool(obj, "x-galog-overflow", overflow_get, overflow_set);
	object_property_add(obj, "x-stale-irte-uses", "uint64", count_get, NULL, NULL,
		(void *)offsetof(struct iommu, stale_irte_uses));
	object_property_add(obj, "x-faults-done", "uint64", count_get, NULL, NULL,
		(void *)offsetof(struct iommu, faults_done));
}

static const Property iommu_properties[] = {
	DEFINE_PROP_BOOL("gasup", ReveilleIommu, cfg.gasup, true),
	DEFINE_PROP_BOOL("gamsup", ReveilleIommu, cfg.gamsup, true),
	DEFINE_PROP_BOOL("gappisup", ReveilleIommu, cfg.gappisup, true),
	DEFINE_PROP_BOOL("gappidissup", ReveilleIommu, cfg.gappidissup, true),
	DEFINE_PROP_BOOL("xtsup", ReveilleIommu, cfg.xtsup, true),
	DEFINE_PROP_BOOL("iasup", ReveilleIommu, cfg.iasup, true),
	DEFINE_PROP_BOOL("prefsup", ReveilleIommu, cfg.prefsup, true),
	DEFINE_PROP_BOOL("irtcachedissup", ReveilleIommu, cfg.irtcachedissup, true),
	DEFINE_PROP_BOOL("htrangeignore", ReveilleIommu, cfg.htrangeignore, false),
	DEFINE_PROP_BOOL("smifsup", ReveilleIommu, cfg.smifsup, true),
	DEFINE_PROP_UINT32("smifrc", ReveilleIommu, cfg.smi_filters, 1),
	DEFINE_PROP_UINT32("x-smi-filter", ReveilleIommu, cfg.smi_filter, 0),
	DEFINE_PROP_UINT32("numintremapsup", ReveilleIommu, cfg.num_int_remap, 1),
	DEFINE_PROP_UINT32("hats", ReveilleIommu, cfg.hats, 2),
	DEFINE_PROP_UINT32("devtblsegsup", ReveilleIommu, cfg.segments_log2, 3),
	DEFINE_PROP_BOOL("caching", ReveilleIommu, cfg.caching, true),
	DEFINE_PROP_BOOL("x-galog-overflow-int", ReveilleIommu, cfg.galog_overflow_int, false),
	DEFINE_PROP_BOOL("x-late-log", ReveilleIommu, cfg.late_log, false),
	DEFINE_PROP_BOOL("x-aliases", ReveilleIommu, aliases, false),
	DEFINE_PROP_UINT32("x-seed", ReveilleIommu, seed, 1),
};

static const VMStateDescription iommu_vmstate = {
	.name = "amd-iommu",
	.unmigratable = 1,
};

static void iommu_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);

	device_class_set_legacy_reset(dc, iommu_glue_reset);
	dc->vmsd = &iommu_vmstate;
	dc->hotpluggable = false;
	dc->desc = "AMD IOMMU with guest virtual APIC mode (Reveille)";
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
	X86_IOMMU_DEVICE_CLASS(klass)->realize = iommu_realize;
	device_class_set_props(dc, iommu_properties);
}

static const TypeInfo iommu_type = {
	.name = TYPE_REVEILLE_IOMMU,
	.parent = TYPE_X86_IOMMU_DEVICE,
	.instance_size = sizeof(ReveilleIommu),
	.instance_init = iommu_instance_init,
	.class_init = iommu_class_init,
};

static void register_types(void)
{
	type_register_static(&iommu_type);
}

type_init(register_types)

	/* Each bus whose devices' requests carry another ID, as firmware tells it. */
	struct aliases {
	struct iommu_alias range[ALIASES];
	size_t count;
};

static void note_alias(PCIBus *bus, PCIDevice *dev, void *opaque)
{
	struct aliases *a = opaque;
	uint16_t first = PCI_BUILD_BDF(pci_bus_num(bus), 0);

	if (pci_requester_id(dev) == pci_get_bdf(dev) ||
		(a->count && a->range[a->count - 1].first == first) || a->count == ALIASES)
		return;
	a->range[a->count++] = (struct iommu_alias){
		.first = first, .last = first | 0xff, .source = pci_requester_id(dev)
	};
}

/* Built once more when firmware reads it, which then has numbered the buses. */
void iommu_glue_build_ivrs(
	GArray *table_data, BIOSLinker *linker, const char *oem_id, const char *oem_table_id)
{
	ReveilleIommu *s = REVEILLE_IOMMU(x86_iommu_get_default());
	PCIBus *root = PC_MACHINE(qdev_get_machine())->pcibus;
	struct aliases a = { .count = 0 };
	AcpiTable table = {
		.sig = "IVRS", .rev = 2, .oem_id = oem_id, .oem_table_id = oem_table_id
	};
	uint8_t body[512];

	for (int bus = 0; s->aliases && bus < 256; bus++)
		pci_for_each_device(root, bus, note_alias, &a);

	size_t bytes = iommu_ivrs(s->model, IOAPIC_ID, a.range, a.count, body, sizeof(body));

	g_assert(bytes <= sizeof(body));
	acpi_table_begin(&table, table_data);
	g_array_append_vals(table_data, body, bytes);
	acpi_table_end(linker, &table);
}
