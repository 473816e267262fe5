/* SPDX-License-Identifier: MIT */
/* ACPI tables: finding them, checksums, and what we read of MADT, MCFG, FADT. Read-only data after
 * init; firmware is not trusted: every length is checked. */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include "base/err.h"
#include "base/types.h"

#define ACPI_CPUS    64
#define ACPI_IOAPICS 8
#define ACPI_ECAMS   8

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __attribute__((packed));

struct acpi_info {
	uint32_t cpu_count;
	apicid_t cpu[ACPI_CPUS]; /* enabled ones */
	uint64_t lapic_base;
	uint32_t ioapic_count;
	struct {
		uint8_t id;
		uint64_t base;
		uint32_t gsi_base;
	} ioapic[ACPI_IOAPICS];
	uint32_t ecam_count;
	struct {
		uint64_t base;
		uint16_t segment;
		uint8_t bus_first, bus_last;
	} ecam[ACPI_ECAMS];
	uint32_t pm_timer_port; /* 0: none */
	uint64_t reset_address; /* FADT reset register; 0: none */
	uint8_t reset_space, reset_value;
};

err_t acpi_init(uint64_t rsdp) MUST_USE;
const struct acpi_info *acpi_info(void);
/* A whole table with a good checksum, or NULL. */
const struct acpi_header *acpi_find(const char signature[4]);

#endif
