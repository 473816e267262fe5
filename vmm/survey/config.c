/* SPDX-License-Identifier: MIT */
/* A configuration that boots on this machine as it is, and shows where to go on. */
#include "survey.h"

#include "config.h"
#include "device_find.h"

#define VCPUS_MOST    4
#define CLASS_NETWORK 0x02

/* All that a first VM should be given: network functions that nothing else is tied to. */
static bool offered(const struct survey_device *d)
{
	return !d->why_not && !d->sharers && (d->msi || d->msix) &&
	       d->pci->class_code >> 16 == CLASS_NETWORK;
}

static void name_device(const struct pci_device *pci, struct survey_text *t)
{
	char name[CONFIG_DEVICE_TEXT];
	struct config_device path;

	if (!device_path(pci->id, &path))
		path = (struct config_device){ .naming = DEVICE_BY_ADDRESS, .bdf = pci->id };
	config_device_text(name, &path);
	survey_add(t, "%s", name);
}

static void devices(const struct survey *s, struct survey_text *t)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pci_count() && count < CONFIG_DEVICES; i++) {
		struct survey_device d;

		survey_look(s, pci_by_index(i), &d);
		if (!survey_is_endpoint(d.pci) || !offered(&d))
			continue;
		survey_add(t, count++ ? ", " : "devices = ");
		name_device(d.pci, t);
	}
	survey_add(t,
		count ? "\n" : "# devices = none that could be given to a VM is a network card\n");
}

static void others(const struct survey *s, struct survey_text *t)
{
	for (uint32_t i = 0; i < pci_count(); i++) {
		struct survey_device d;

		survey_look(s, pci_by_index(i), &d);
		if (!survey_is_endpoint(d.pci) || offered(&d))
			continue;
		survey_add(t, "# %s ", d.why_not ? "not possible:" : "also possible:");
		name_device(d.pci, t);
		survey_add(t, " (%s)%s%s\n", survey_class(d.pci->class_code), d.why_not ? ": " : "",
			d.why_not ? d.why_not : "");
	}
}

void survey_config(const struct survey *s, struct survey_text *t)
{
	bool xapic = !s->x2apic || (s->svm.avic && !s->svm.x2avic);
	uint32_t vcpus = s->cpu_count < VCPUS_MOST ? s->cpu_count : VCPUS_MOST;

	if (s->svm.why_not) {
		survey_add(t, "# No configuration: %s.\n", s->svm.why_not);
		return;
	}
	survey_add(t, "[reveille]\niommu = %s\n\n[vm first]\nguest = builtin\nargs = hello\n",
		s->ivrs_state == IVRS_GOOD ? "required" : "auto");
	survey_add(t, "# for Linux instead of these two: kernel = FILE, initrd = FILE, cmdline = "
		      "console=ttyS0\n");
	survey_add(t, "memory = 64M\ncpus = ");
	for (uint32_t i = 0; i < vcpus; i++)
		survey_add(t, "%s%u", i ? ", " : "", i);
	survey_add(t, "\napic = %s\ndelivery = auto\nhalt = auto\n", xapic ? "xapic" : "x2apic");
	devices(s, t);
	others(s, t);
}
