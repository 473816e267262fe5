/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include <stdarg.h>
#include "base/lib.h"
#include "drivers/hpet.h"

void survey_add(struct survey_text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->used + 1 >= t->bytes)
		return;
	va_start(ap, fmt);
	size_t wanted = (size_t)fmt_textv(t->text + t->used, t->bytes - t->used, fmt, ap);

	va_end(ap);
	t->used = wanted < t->bytes - t->used ? t->used + wanted : t->bytes - 1;
}

const char *survey_class(uint32_t class_code)
{
	static const struct {
		uint32_t code, digits; /* of the three bytes that count */
		const char *name;
	} classes[] = { { 0x010800, 2, "NVMe" }, { 0x010600, 2, "SATA" },
		{ 0x010000, 1, "storage" }, { 0x020000, 1, "network" }, { 0x030000, 1, "display" },
		{ 0x040000, 1, "multimedia" }, { 0x0c0300, 2, "USB" },
		{ 0x0c0000, 1, "serial bus" }, { 0x0d0000, 1, "wireless" } };

	for (unsigned i = 0; i < ARRAY_COUNT(classes); i++) {
		unsigned shift = classes[i].digits == 2 ? 8 : 16;

		if (class_code >> shift == classes[i].code >> shift)
			return classes[i].name;
	}
	return "other";
}

static const char *yes(bool b)
{
	return b ? "yes" : "no";
}

static void show_cpu(const struct survey *s, struct survey_text *t)
{
	const struct svm_features *f = &s->svm;

	survey_add(t, "CPU: %s, %u CPUs, x2APIC %s, 1 GiB pages %s\n", s->vendor, s->cpu_count,
		yes(s->x2apic), yes(s->huge_pages));
	survey_add(t,
		"  SVM %s, nested paging %s, %u ASIDs, nRIP save %s, decode assists %s, flush by "
		"ASID %s, clean bits %s\n",
		yes(f->svm), yes(f->npt), f->asid_count, yes(f->nrips), yes(f->decode_assists),
		yes(f->flush_by_asid), yes(f->vmcb_clean));
	survey_add(t, "  AVIC %s, x2AVIC %s\n", yes(f->avic), yes(f->x2avic));
}

static void show_iommu(const struct survey *s, uint32_t i, struct survey_text *t)
{
	const struct ivrs_unit *u = &s->ivrs.unit[i];
	const struct iommu_features *f = &s->iommu[i];

	survey_add(t, "IOMMU %u: %02x:%02x.%u, registers at %lx, features %lx %lx\n", i,
		DEVID_ARGS(u->dev), u->mmio, f->efr, f->efr2);
	survey_add(t,
		"  GASup %s, GAMSup %s, GAPPISup %s, GAPPIDisSup %s, XTSup %s, IASup %s, NXSup %s, "
		"%u levels, %u interrupts a device, SMI filter %s\n",
		yes(f->ga), yes(f->gam), yes(f->gappi), yes(f->gappi_dis), yes(f->xt), yes(f->ia),
		yes(f->nx), f->host_levels, f->irte_max, yes(f->smi_filters));
}

/* Of the bridge above it. */
static const char *acs(const struct pci_device *pci)
{
	const struct pci_device *bridge = pci_bridge_to(pci->id >> 8);

	return bridge ? yes(bridge->cap_acs) : "-";
}

static void show_device(const struct survey *s, const struct pci_device *pci, struct survey_text *t)
{
	struct survey_device d;

	survey_look(s, pci, &d);
	survey_add(t, "  %02x:%02x.%u %04x:%04x %s: ", DEVID_ARGS(pci->id), pci->vendor,
		pci->device, survey_class(pci->class_code));
	if (d.range)
		survey_add(t, "IOMMU %u, ", d.range->unit);
	else
		survey_add(t, "no IOMMU, ");
	if (d.sharers)
		survey_add(t, "requests as %02x:%02x.%u with %u others", DEVID_ARGS(d.requester),
			d.sharers);
	else
		survey_add(t, "alone");
	survey_add(t, ", ACS %s, FLR %s, MSI %u, MSI-X %u", acs(pci), yes(d.flr), d.msi, d.msix);
	if (d.vfs)
		survey_add(t, ", %u VFs", d.vfs);
	survey_add(t, "\n");
}

/* Does the IVRS name it? */
static bool remapped(const struct survey *s, const struct hpet *h)
{
	for (uint32_t i = 0; s->ivrs_state == IVRS_GOOD && i < s->ivrs.special_count; i++)
		if (s->ivrs.special[i].variety == IVRS_HPET &&
			s->ivrs.special[i].handle == h->number)
			return true;
	return false;
}

static void show_hpet(const struct survey *s, struct survey_text *t)
{
	struct hpet h;

	if (!hpet_find(&h)) {
		survey_add(t, "HPET: none\n");
		return;
	}
	uint32_t messages = hpet_messages(&h);

	survey_add(t, "HPET: %u comparators, %u that can send messages, IOMMU %s: ", h.comparators,
		messages, yes(remapped(s, &h)));
	if (messages && remapped(s, &h))
		survey_add(t, "timer = hpet for a VM of %u vCPUs at most\n", messages);
	else
		survey_add(t, "no VM's timer\n");
}

void survey_show(const struct survey *s, struct survey_text *t)
{
	uint32_t shown = 0;

	show_cpu(s, t);
	for (uint32_t i = 0; s->ivrs_state == IVRS_GOOD && i < s->ivrs.unit_count; i++)
		show_iommu(s, i, t);
	show_hpet(s, t);
	survey_add(t, "Devices, without bridges and the chipset's own:\n");
	for (uint32_t i = 0; i < pci_count(); i++) {
		if (!survey_is_endpoint(pci_by_index(i)))
			continue;
		show_device(s, pci_by_index(i), t);
		shown++;
	}
	if (!shown)
		survey_add(t, "  none\n");
}
