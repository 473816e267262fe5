/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include "base/lib.h"
#include "drivers/acpi.h"
#include "drivers/msi.h"
#include "drivers/msix.h"
#include "drivers/pci_regs.h"
#include "iommu/regs.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

#define CLASS_BRIDGE 0x06
#define CLASS_SMBUS  0x0c05
#define CLASS_SYSTEM 0x08 /* timers, interrupt controllers, the IOMMU */

static void look_at_cpu(struct survey *s)
{
	struct cpuid c = hw_cpuid(0, 0);

	memcpy(s->vendor, &c.ebx, 4);
	memcpy(s->vendor + 4, &c.edx, 4);
	memcpy(s->vendor + 8, &c.ecx, 4);
	s->x2apic = hw_cpuid(1, 0).ecx & BIT(21);
	s->huge_pages = hw_cpuid(0x80000001, 0).edx & BIT(26);
	svm_read_features(&s->svm);
}

static void look_at_iommus(struct survey *s)
{
	const struct acpi_header *table = acpi_find("IVRS");

	if (!table)
		return;
	s->ivrs_state = IVRS_DAMAGED;
	if (ivrs_parse(&s->ivrs, table, table->length) || !s->ivrs.unit_count)
		return;
	s->ivrs_state = IVRS_GOOD;
	for (uint32_t i = 0; i < s->ivrs.unit_count; i++) {
		const struct ivrs_unit *u = &s->ivrs.unit[i];
		const volatile uint8_t *regs = phys_to_virt(PHYS(u->mmio));

		iommu_decode_features(&s->iommu[i],
			u->efr ? u->efr : mmio_read64(regs + IOMMU_FEATURES),
			u->efr ? u->efr2 : mmio_read64(regs + IOMMU_FEATURES2));
	}
}

const char *survey_gather(struct survey *s, uint64_t rsdp)
{
	memset(s, 0, sizeof(*s));
	look_at_cpu(s);
	if (acpi_init(rsdp))
		return "the firmware's ACPI tables can't be read";
	s->cpu_count = acpi_info()->cpu_count;
	if (pci_init())
		return "no PCI configuration access: neither MCFG nor ports CF8h/CFCh";
	look_at_iommus(s);
	return NULL;
}

bool survey_is_endpoint(const struct pci_device *pci)
{
	uint32_t base = pci->class_code >> 16;

	return pci->header_type == 0 && base != CLASS_BRIDGE && base != CLASS_SYSTEM &&
	       pci->class_code >> 8 != CLASS_SMBUS;
}

static bool has_flr(const struct pci_device *pci)
{
	uint16_t af = pci_find_cap(pci->id, CAP_AF);

	if (pci->cap_pcie &&
		pci_read(pci->id, (uint16_t)(pci->cap_pcie + PCIE_DEVCAP), 4) & DEVCAP_FLR)
		return true;
	return af && pci_read(pci->id, (uint16_t)(af + AF_CAP), 1) & AF_CAP_FLR;
}

static devid_t requester_of(const struct survey *s, const struct pci_device *pci)
{
	const struct ivrs_range *r = ivrs_range_of(&s->ivrs, pci->id);

	return r && r->aliased ? r->alias : pci_wire_id(pci->id);
}

static uint32_t count_sharers(const struct survey *s, const struct pci_device *pci)
{
	devid_t requester = requester_of(s, pci);
	uint32_t n = 0;

	for (uint32_t i = 0; i < pci_count(); i++) {
		const struct pci_device *other = pci_by_index(i);

		n += other != pci && other->header_type == 0 && requester_of(s, other) == requester;
	}
	return n;
}

/* What assign_device() would say; the machine tests of the survey hold the two together. */
static const char *refuse(const struct survey *s, const struct survey_device *d)
{
	if (!d->range)
		return "no IOMMU is in front of it";
	if (!d->range->aliased && d->requester != d->pci->id)
		return "it is behind a bridge to conventional PCI that the IVRS does not know of";
	if (!s->iommu[d->range->unit].ga)
		return "its IOMMU lacks GASup";
	if (s->iommu[d->range->unit].host_levels < 4)
		return "its IOMMU can't translate DMA";
	return NULL;
}

void survey_look(const struct survey *s, const struct pci_device *pci, struct survey_device *d)
{
	uint16_t sriov = pci_find_ext_cap(pci->id, EXT_CAP_SRIOV);

	*d = (struct survey_device){
		.pci = pci,
		.range = s->ivrs_state == IVRS_GOOD ? ivrs_range_of(&s->ivrs, pci->id) : NULL,
		.requester = requester_of(s, pci),
		.sharers = count_sharers(s, pci),
		.flr = has_flr(pci),
		.msi = msi_plain_count(pci),
		.msix = msix_count(pci),
		.vfs = sriov ? pci_read(pci->id, (uint16_t)(sriov + SRIOV_TOTAL), 2) : 0,
	};
	d->why_not = refuse(s, d);
}
