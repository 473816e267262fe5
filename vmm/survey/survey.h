/* SPDX-License-Identifier: MIT */
/*
 * What this machine has for Reveille, what stands in the way, and a configuration to start from.
 * Only reads: it runs in boot/, under firmware that still uses the devices, so that it can write a
 * file. boot/ compiles it with physical memory mapped one to one.
 */
#ifndef SURVEY_SURVEY_H
#define SURVEY_SURVEY_H

#include "drivers/pci.h"
#include "iommu/ivrs.h"
#include "svm/svm.h"

enum survey_ivrs { IVRS_MISSING, IVRS_DAMAGED, IVRS_GOOD };

struct survey {
	char vendor[13]; /* of the CPU */
	uint32_t cpu_count;
	bool x2apic, huge_pages; /* 1 GiB */
	struct svm_features svm;
	enum survey_ivrs ivrs_state;
	struct ivrs ivrs;
	struct iommu_features iommu[IOMMU_MAX];
};

struct survey_device {
	const struct pci_device *pci;
	const struct ivrs_range *range; /* NULL: no IOMMU in front of it */
	devid_t requester;              /* the ID that its requests carry */
	uint32_t sharers;               /* other functions with that ID */
	bool flr;
	uint32_t msi, msix, vfs; /* messages; virtual functions */
	const char *why_not;     /* it can't be given to a VM; NULL: it can */
};

/* Text grows until the buffer is full; the rest is cut. */
struct survey_text {
	char *text;
	size_t bytes, used;
};
void survey_add(struct survey_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* NULL, or why there is nothing to survey. PCI devices are enumerated afterwards. */
const char *survey_gather(struct survey *s, uint64_t rsdp);
void survey_look(const struct survey *s, const struct pci_device *pci, struct survey_device *d);
/* Not a bridge or a part of the chipset: something that a guest could want. */
bool survey_is_endpoint(const struct pci_device *pci);
const char *survey_class(uint32_t class_code);

/* The tables; what stands in the way, with remedies; a configuration, with what it rests upon as
 * comments. */
void survey_show(const struct survey *s, struct survey_text *t);
void survey_obstacles(const struct survey *s, struct survey_text *t);
void survey_config(const struct survey *s, struct survey_text *t);

/* "00:03.0" for "%02x:%02x.%u" */
#define DEVID_ARGS(id) (id) >> 8, (id) >> 3 & 0x1f, (id)&7u

#endif
