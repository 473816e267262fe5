// SPDX-License-Identifier: MIT
/*
 * The unit's own interrupts: by the XT interrupt control registers, which take 32-bit APIC IDs and
 * any vector, or by its PCI function's MSI capability, one or two messages. Neither is subject to
 * the unit's own remapping.
 */
#include "access.h"
#include "base/log.h"
#include "drivers/pci.h"
#include <hw/shared.h>

#define PCI_CAP_MSI     0x05
#define MSI_CONTROL     0x02
#define MSI_ADDRESS     0x04
#define MSI_ADDRESS_HI  0x08
#define MSI_DATA_32     0x08
#define MSI_DATA_64     0x0c
#define MSI_ENABLE      BIT(0)
#define MSI_CAPABLE     FIELD(3, 1) /* log2 of the messages it could send */
#define MSI_GRANTED     FIELD(6, 4)
#define MSI_64BIT       BIT(7)
#define MSI_ADDRESS_FEE 0xfee00000u

static uint64_t xt_word(apicid_t apicid, uint8_t vector)
{
	return field_set(XT_DEST_LO, 0, apicid & 0xffffff) |
	       field_set(XT_DEST_HI, 0, apicid >> 24) | field_set(XT_VECTOR, 0, vector);
}

/* Which message of the block the unit uses for its event and its GA log: two messages if they are
 * 0 and 1, else all on one. */
static bool two_messages(const struct iommu *u, uint32_t control)
{
	uint32_t header = pci_read(u->dev, u->cap_offset + CAP_HEADER, 4);

	if (!(header & CAP_EXT) || field_get(MSI_CAPABLE, control) == 0)
		return false;
	uint64_t event = pci_read(u->dev, u->cap_offset + CAP_MISC0, 4) & CAP_MSI_NUM;
	uint64_t ga = pci_read(u->dev, u->cap_offset + CAP_MISC1, 4) & CAP_MSI_NUM;

	return event == 0 && ga == 1;
}

static err_t msi_init(struct iommu *u, const struct iommu_setup *s)
{
	uint16_t cap = pci_find_cap(u->dev, PCI_CAP_MSI);

	if (!cap || s->galog_apicid > 0xff)
		return ERR_UNFIT;
	uint32_t control = pci_read(u->dev, cap + MSI_CONTROL, 2);
	bool two = two_messages(u, control) && s->galog_vector == s->event_vector + 1 &&
		   s->event_vector % 2 == 0;
	bool wide = control & MSI_64BIT;

	pci_write(u->dev, cap + MSI_ADDRESS, 4, MSI_ADDRESS_FEE | s->galog_apicid << 12);
	if (wide)
		pci_write(u->dev, cap + MSI_ADDRESS_HI, 4, 0);
	pci_write(u->dev, cap + (wide ? MSI_DATA_64 : MSI_DATA_32), 2, s->event_vector);
	control = (uint32_t)field_set(MSI_GRANTED, control, two ? 1 : 0);
	pci_write(u->dev, cap + MSI_CONTROL, 2, control | (uint32_t)MSI_ENABLE);
	u->one_message = !two;
	return OK;
}

void own_interrupt_move(struct iommu *u, apicid_t to)
{
	uint8_t vector = (uint8_t)field_get(XT_VECTOR, iommu_read(u, IOMMU_XT_GALOG));

	iommu_write(u, IOMMU_XT_GALOG, xt_word(to, vector));
	shared_store32(&u->galog_apicid, to);
}

err_t own_interrupt_init(struct iommu *u, const struct iommu_setup *s)
{
	u->galog_apicid = s->galog_apicid;
	if (u->xt) {
		iommu_write(u, IOMMU_XT_GENERAL, xt_word(s->event_apicid, s->event_vector));
		iommu_write(u, IOMMU_XT_GALOG, xt_word(s->galog_apicid, s->galog_vector));
		iommu_control(u, CONTROL_INTCAPXT_EN, 0);
		return OK;
	}
	err_t err = msi_init(u, s);

	if (err)
		log_warn("IOMMU %u: no way to send its interrupts (XT registers or MSI)", u->index);
	return err;
}
