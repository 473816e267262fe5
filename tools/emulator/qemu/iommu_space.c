/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space of a device: memory through the IOMMU, and the interrupt range. The
 * requester is known by its bus and not by the bus's number: QEMU asks for the space
 * before firmware has numbered the buses, and numbers change.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/i386/apic_internal.h"
#include "hw/i386/apic.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bus.h"
#include "iommu_glue_internal.h"
#include "machine_host.h"

#define INT_RANGE      0xfee00000u
#define INT_RANGE_SIZE 0x100000u
#define REQUEST_NS     10000

#define TYPE_IOMMU_SPACE_REGION "amd-iommu-space-region"

typedef struct IommuSpace {
	ReveilleIommu *iommu;
	PCIBus *bus;
	int devfn;
	AddressSpace as;
	MemoryRegion root;
	IOMMUMemoryRegion dma;
	MemoryRegion interrupts;
	/* The last refused access. */
	hwaddr refused;
	bool refused_write;
	int64_t refused_ns;
} IommuSpace;

static uint16_t requester(const IommuSpace *space)
{
	return PCI_BUILD_BDF(pci_bus_num(space->bus), space->devfn);
}

/*
 * QEMU goes on with a refused access in pieces of up to 8 bytes, each asked for anew.
 * They are one request: only the first of them is to be logged.
 */
static bool continues(const IommuSpace *space, hwaddr addr, bool write)
{
	return addr > space->refused && addr - space->refused <= 8 && addr % 4096 &&
	       write == space->refused_write &&
	       qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - space->refused_ns < REQUEST_NS;
}

static bool translate(
	IommuSpace *space, hwaddr addr, IOMMUAccessFlags flag, struct iommu_mapping *m)
{
	bool write = flag & IOMMU_WO;
	bool silent = flag == IOMMU_NONE || continues(space, addr, write);
	enum iommu_access access = silent ? IOMMU_PROBE : write ? IOMMU_WRITE : IOMMU_READ;
	bool ok = iommu_translate(space->iommu->model, requester(space), addr, access, m);

	if (flag == IOMMU_NONE || (ok && (write ? m->writable : m->readable)))
		return ok;
	space->refused = addr;
	space->refused_write = write;
	space->refused_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	return false;
}

static IOMMUTLBEntry space_translate(
	IOMMUMemoryRegion *region, hwaddr addr, IOMMUAccessFlags flag, int index)
{
	IommuSpace *space = container_of(region, IommuSpace, dma);
	struct iommu_mapping m = { 0 };
	bool locked = bql_locked();

	if (!locked)
		bql_lock();
	bool ok = translate(space, addr, flag, &m);

	if (!locked)
		bql_unlock();
	return (IOMMUTLBEntry){
		.target_as = &address_space_memory,
		.iova = addr & ~0xfffull,
		.translated_addr = m.spa & ~0xfffull,
		.addr_mask = 0xfff,
		.perm = ok ? IOMMU_ACCESS_FLAG(m.readable, m.writable) : IOMMU_NONE,
	};
}

static int space_notify_changed(
	IOMMUMemoryRegion *region, IOMMUNotifierFlag old, IOMMUNotifierFlag new, Error **errp)
{
	if (!(new &IOMMU_NOTIFIER_MAP))
		return 0;
	error_setg(errp, "amd-iommu: no notification of new mappings (capability, NpCache = 0)");
	return -EINVAL;
}

static MemTxResult interrupt_write(
	void *opaque, hwaddr addr, uint64_t value, unsigned size, MemTxAttrs attrs)
{
	IommuSpace *space = opaque;
	ReveilleIommu *s = space->iommu;
	uint64_t address = INT_RANGE + addr;

	if (size != 4 || addr % 4) {
		iommu_bad_interrupt_access(s->model, requester(space), address, true);
		return MEMTX_ERROR;
	}
	if (!x86_iommu_ir_supported(X86_IOMMU_DEVICE(s))) {
		machine_host.msi(NULL, address, value);
		return MEMTX_OK;
	}
	return iommu_interrupt(s->model, requester(space), address, value) ? MEMTX_OK : MEMTX_ERROR;
}

static MemTxResult interrupt_read(
	void *opaque, hwaddr addr, uint64_t *value, unsigned size, MemTxAttrs attrs)
{
	IommuSpace *space = opaque;

	*value = 0;
	iommu_bad_interrupt_access(space->iommu->model, requester(space), INT_RANGE + addr, false);
	return MEMTX_ERROR;
}

static const MemoryRegionOps interrupt_ops = {
	.read_with_attrs = interrupt_read,
	.write_with_attrs = interrupt_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static guint space_hash(gconstpointer key)
{
	const IommuSpace *space = key;

	return g_direct_hash(space->bus) ^ (space->devfn * 2654435761u);
}

static gboolean space_equal(gconstpointer a, gconstpointer b)
{
	const IommuSpace *x = a, *y = b;

	return x->bus == y->bus && x->devfn == y->devfn;
}

GHashTable *iommu_spaces_new(void)
{
	return g_hash_table_new(space_hash, space_equal);
}

static void space_init(IommuSpace *space)
{
	Object *owner = OBJECT(space->iommu);
	g_autofree char *name = g_strdup_printf(
		"amd-iommu-%02x.%x", PCI_SLOT(space->devfn), PCI_FUNC(space->devfn));

	memory_region_init(&space->root, owner, "amd-iommu-root", UINT64_MAX);
	memory_region_init_iommu(&space->dma, sizeof(space->dma), TYPE_IOMMU_SPACE_REGION, owner,
		"amd-iommu-dma", UINT64_MAX);
	memory_region_init_io(&space->interrupts, owner, &interrupt_ops, space,
		"amd-iommu-interrupts", INT_RANGE_SIZE);
	space->interrupts.disable_reentrancy_guard = true;
	memory_region_add_subregion_overlap(&space->root, 0, MEMORY_REGION(&space->dma), 0);
	memory_region_add_subregion_overlap(&space->root, INT_RANGE, &space->interrupts, 1);
	address_space_init(&space->as, &space->root, name);
}

AddressSpace *iommu_space_get(PCIBus *bus, void *opaque, int devfn)
{
	ReveilleIommu *s = opaque;
	IommuSpace key = { .bus = bus, .devfn = devfn };
	IommuSpace *space = g_hash_table_lookup(s->spaces, &key);

	if (!space) {
		space = g_new0(IommuSpace, 1);
		space->iommu = s;
		space->bus = bus;
		space->devfn = devfn;
		space_init(space);
		g_hash_table_add(s->spaces, space);
	}
	return &space->as;
}

/* Whoever keeps translations outside (vhost) is told to forget all of them: more than is
 * asked, in the power-of-two pieces that QEMU wants. */
void iommu_space_unmap(void *opaque, uint64_t iova, uint64_t last)
{
	ReveilleIommu *s = opaque;
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, s->spaces);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		IommuSpace *space = key;
		IOMMUNotifier *n;

		IOMMU_NOTIFIER_FOREACH(n, &space->dma)
		{
			if (iova <= n->end && last >= n->start)
				memory_region_unmap_iommu_notifier_range(n);
		}
	}
}

static void region_class_init(ObjectClass *klass, void *data)
{
	IOMMUMemoryRegionClass *c = IOMMU_MEMORY_REGION_CLASS(klass);

	c->translate = space_translate;
	c->notify_flag_changed = space_notify_changed;
}

static const TypeInfo region_type = {
	.name = TYPE_IOMMU_SPACE_REGION,
	.parent = TYPE_IOMMU_MEMORY_REGION,
	.class_init = region_class_init,
};

static void register_types(void)
{
	type_register_static(&region_type);
}

type_init(register_types)
