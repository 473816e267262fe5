/* SPDX-License-Identifier: MIT */
/* The ACPI IVRS, parsed (48882 rev 3.11, "I/O Virtualization Reporting Structure"). Firmware is not
 * trusted: lengths and ranges are checked; what makes no sense is skipped with one warning. */
#ifndef IOMMU_IVRS_H
#define IOMMU_IVRS_H

#include "iommu.h"

#define IVRS_RANGES  128
#define IVRS_SPECIAL 32
#define IVRS_UNITY   16

struct ivrs_unit {
	uint64_t mmio;
	devid_t dev;
	uint16_t cap_offset, segment;
	uint8_t type, flags; /* highest type the table has for this unit: 10h, 11h, 40h */
	uint64_t efr, efr2;  /* images of 11h/40h; 0: read the registers */
};
struct ivrs_range {
	devid_t first, last;
	uint8_t unit, setting;
	bool aliased;
	devid_t alias; /* requests carry this ID */
};
#define IVRS_IOAPIC 1
#define IVRS_HPET   2
struct ivrs_special {
	uint8_t unit, handle, variety;
	devid_t dev;
};
struct ivrs_unity {
	devid_t first, last;
	uint64_t base, bytes;
	uint8_t flags;
};
struct ivrs {
	uint32_t unit_count, range_count, special_count, unity_count;
	struct ivrs_unit unit[IOMMU_MAX];
	struct ivrs_range range[IVRS_RANGES];
	struct ivrs_special special[IVRS_SPECIAL];
	struct ivrs_unity unity[IVRS_UNITY];
};

/* table: a whole ACPI table with a good checksum (drivers/acpi.h), as bytes. */
err_t ivrs_parse(struct ivrs *out, const void *table, size_t bytes) MUST_USE;
/* The last range that names the device: firmware lists all first and exceptions later. NULL: none,
 * no IOMMU is in front of it. */
const struct ivrs_range *ivrs_range_of(const struct ivrs *ivrs, devid_t dev);

#endif
