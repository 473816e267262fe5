/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOMMU's PCI function. Its capabilities are the model's, not QEMU's. */
#include "qemu/osdep.h"
#include "hw/pci/pci.h"
#include "iommu_glue_internal.h"

static uint32_t config_read(PCIDevice *dev, uint32_t address, int bytes)
{
	struct iommu *model = REVEILLE_IOMMU_PCI(dev)->model;
	uint32_t word;

	if (!model || !iommu_pci_read(model, address & ~3u, &word))
		return pci_default_read_config(dev, address, bytes);
	word >>= 8 * (address & 3);
	return bytes < 4 ? word & ((1u << 8 * bytes) - 1) : word;
}

static void config_write(PCIDevice *dev, uint32_t address, uint32_t value, int bytes)
{
	struct iommu *model = REVEILLE_IOMMU_PCI(dev)->model;
	unsigned shift = 8 * (address & 3);
	uint32_t mask = (bytes < 4 ? (1u << 8 * bytes) - 1 : ~0u) << shift;

	if (!model || !iommu_pci_write(model, address & ~3u, value << shift, mask))
		pci_default_write_config(dev, address, value, bytes);
}

static void realize(PCIDevice *dev, Error **errp)
{
	pci_config_set_prog_interface(dev->config, 0);
	pci_set_word(dev->config + PCI_STATUS, PCI_STATUS_CAP_LIST);
	pci_set_byte(dev->config + PCI_CAPABILITY_LIST, IOMMU_CAP_FIRST);
}

static void class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

	k->vendor_id = PCI_VENDOR_ID_AMD;
	k->device_id = 0x14b5;
	k->class_id = 0x0806;
	k->realize = realize;
	k->config_read = config_read;
	k->config_write = config_write;
	dc->user_creatable = false;
	dc->desc = "AMD IOMMU, PCI function";
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo function_type = {
	.name = TYPE_REVEILLE_IOMMU_PCI,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(ReveilleIommuPci),
	.class_init = class_init,
	.interfaces =
		(InterfaceInfo[]){
			{ INTERFACE_CONVENTIONAL_PCI_DEVICE },
			{},
		},
};

static void register_types(void)
{
	type_register_static(&function_type);
}

type_init(register_types)
