/* SPDX-License-Identifier: MIT */
/* What stands in the way: each in a sentence, with what can be done. */
#include "survey.h"

static void cpu(const struct survey *s, struct survey_text *t)
{
	const struct svm_features *f = &s->svm;

	if (f->why_not)
		survey_add(t, "- No VM can run: %s.\n", f->why_not);
	if (f->svm && !f->avic)
		survey_add(t,
			"- CPUID shows no AVIC: every interrupt is injected by the host "
			"(delivery emulated). Boards may mask it: look for a firmware update or "
			"an AVIC setting.\n");
	else if (f->svm && !f->x2avic)
		survey_add(t, "- CPUID shows AVIC but no x2AVIC: interrupts are posted to VMs with "
			      "apic = xapic only.\n");
	if (!s->huge_pages)
		survey_add(t, "- The CPU has no 1 GiB pages: the built-in guest can't run; give a "
			      "kernel.\n");
}

static void iommus(const struct survey *s, struct survey_text *t)
{
	if (s->ivrs_state == IVRS_MISSING)
		survey_add(t,
			"- The firmware describes no IOMMU (no IVRS table), so no device can be "
			"given to a VM: turn IOMMU on in the firmware setup.\n");
	if (s->ivrs_state == IVRS_DAMAGED)
		survey_add(t,
			"- The firmware's IVRS table is damaged, so no device can be given to a "
			"VM: look for a firmware update.\n");
	for (uint32_t i = 0; s->ivrs_state == IVRS_GOOD && i < s->ivrs.unit_count; i++) {
		const struct iommu_features *f = &s->iommu[i];

		if (!f->ga)
			survey_add(t,
				"- IOMMU %u lacks GASup: its devices can't be given to a VM; "
				"use slots of another one.\n",
				i);
		else if (!f->gam)
			survey_add(t,
				"- IOMMU %u lacks GAMSup: interrupts of its devices go through "
				"the host (delivery emulated); nothing to be done.\n",
				i);
		else if (!f->gappi)
			survey_add(t,
				"- IOMMU %u lacks GAPPISup: halted vCPUs are woken by the GA log "
				"(halt = galog); nothing to be done.\n",
				i);
		if (!f->smi_filters)
			survey_add(t,
				"- IOMMU %u has no SMI filter: a VM's device can raise SMIs, "
				"which the firmware answers; nothing to be done.\n",
				i);
	}
}

/* Why two functions can't have two owners. */
enum tie { SAME_REQUESTER, NO_ACS };

static bool tied(enum tie tie, const struct survey_device *a, const struct survey_device *b)
{
	if (tie == SAME_REQUESTER)
		return b->pci->header_type == 0 && a->requester == b->requester;
	return survey_is_endpoint(b->pci) && a->requester != b->requester &&
	       !pci_apart(a->pci->id, b->pci->id);
}

/* The first of those with a tie names all of them; false: d isn't it, or has none. */
static bool named_tied(
	const struct survey *s, const struct survey_device *d, enum tie tie, struct survey_text *t)
{
	bool before = true, any = false;

	for (uint32_t i = 0; i < pci_count(); i++) {
		struct survey_device other;

		survey_look(s, pci_by_index(i), &other);
		if (other.pci == d->pci) {
			before = false;
		} else if (tied(tie, d, &other)) {
			if (before)
				return false;
			if (!any)
				survey_add(t, "- %02x:%02x.%u", DEVID_ARGS(d->pci->id));
			survey_add(t, ", %02x:%02x.%u", DEVID_ARGS(other.pci->id));
			any = true;
		}
	}
	return any;
}

static void device(const struct survey *s, const struct pci_device *pci, struct survey_text *t)
{
	struct survey_device d;

	survey_look(s, pci, &d);
	if (d.why_not && s->ivrs_state == IVRS_GOOD && !d.range)
		survey_add(t,
			"- %02x:%02x.%u can't be given to a VM: the IVRS names no IOMMU for it; "
			"use another slot.\n",
			DEVID_ARGS(pci->id));
	if (named_tied(s, &d, SAME_REQUESTER, t))
		survey_add(t,
			" share the requester ID %02x:%02x.%u, by which the IOMMU can't tell them "
			"apart: give them to one VM together, or move one behind another bridge.\n",
			DEVID_ARGS(d.requester));
	if (named_tied(s, &d, NO_ACS, t))
		survey_add(t, " can reach each other past the IOMMU (no ACS between them): give "
			      "them to one VM, or use another slot.\n");
	if (!d.msi && !d.msix)
		survey_add(t,
			"- %02x:%02x.%u has neither MSI nor MSI-X: its interrupts can't be "
			"posted, and their line must be given (intx = DEVICE@GSI).\n",
			DEVID_ARGS(pci->id));
}

void survey_obstacles(const struct survey *s, struct survey_text *t)
{
	size_t before;

	survey_add(t, "In the way:\n");
	before = t->used;
	cpu(s, t);
	iommus(s, t);
	for (uint32_t i = 0; i < pci_count(); i++) {
		if (survey_is_endpoint(pci_by_index(i)))
			device(s, pci_by_index(i), t);
	}
	if (t->used == before)
		survey_add(t, "  nothing\n");
}
