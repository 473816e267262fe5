/* SPDX-License-Identifier: MIT */
/* Between acpi.c (where the tables are) and acpi_tables.c (what is in them). */
#ifndef DRIVERS_ACPI_TABLES_H
#define DRIVERS_ACPI_TABLES_H

#include "acpi.h"

/* Each takes a whole table with a good checksum, or NULL: then *info stays as it is. */
void acpi_read_madt(struct acpi_info *info, const struct acpi_header *t);
void acpi_read_mcfg(struct acpi_info *info, const struct acpi_header *t);
void acpi_read_fadt(struct acpi_info *info, const struct acpi_header *t);

#endif
