/* SPDX-License-Identifier: MIT */
/*
 * MADT, MCFG and FADT with any bytes after the header: clang -g
 * -fsanitize=fuzzer,address,undefined -Itests/host -Ivmm -I. tests/fuzz/acpi.c
 * drivers/acpi_tables.c
 */
#include <stdlib.h>
#include <string.h>
#include "drivers/acpi_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct acpi_info info = { 0 };
	size_t total = bytes + sizeof(struct acpi_header);
	struct acpi_header *table = calloc(1, total);

	if (bytes)
		memcpy(table + 1, data, bytes);
	table->length = (uint32_t)total;
	acpi_read_madt(&info, table);
	acpi_read_mcfg(&info, table);
	acpi_read_fadt(&info, table);
	if (info.cpu_count > ACPI_CPUS || info.ioapic_count > ACPI_IOAPICS ||
		info.ecam_count > ACPI_ECAMS)
		abort();
	for (uint32_t i = 0; i < info.ecam_count; i++) {
		if (info.ecam[i].bus_first > info.ecam[i].bus_last)
			abort();
	}
	free(table);
	return 0;
}
