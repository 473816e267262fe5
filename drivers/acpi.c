/* SPDX-License-Identifier: MIT */
/* RSDP, RSDT and XSDT (ACPI 6.5, "ACPI Software Programming Model"). */
#include "acpi.h"
#include "acpi_tables.h"
#include "base/lib.h"
#include <hw/mem.h>

#define TABLES          64
#define TABLE_BYTES_MAX (1 * MIB) /* nothing that we read is near that */

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	/* revision 2 and later */
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

#define RSDP1_BYTES 20

static const struct acpi_header *tables[TABLES];
static uint32_t table_count;
static struct acpi_info info;

static bool sums_to_zero(const void *p, size_t bytes)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + b[i]);
	return sum == 0;
}

/* The table there, or NULL when it isn't whole. */
static const struct acpi_header *table_at(uint64_t address)
{
	const struct acpi_header *t = phys_to_virt(PHYS(address));

	if (!address || t->length < sizeof(*t) || t->length > TABLE_BYTES_MAX ||
		!sums_to_zero(t, t->length))
		return NULL;
	return t;
}

/* entry_bytes: 4 in an RSDT, 8 in an XSDT; neither is aligned. */
static void add_tables(const struct acpi_header *root, size_t entry_bytes)
{
	const uint8_t *entry = (const uint8_t *)(root + 1);
	size_t count = (root->length - sizeof(*root)) / entry_bytes;

	for (size_t i = 0; i < count && table_count < TABLES; i++) {
		uint64_t address = 0;

		memcpy(&address, entry + i * entry_bytes, entry_bytes);
		const struct acpi_header *t = table_at(address);

		if (t)
			tables[table_count++] = t;
	}
}

static err_t find_tables(uint64_t rsdp_address)
{
	const struct rsdp *rsdp = phys_to_virt(PHYS(rsdp_address));
	const struct acpi_header *root = NULL;

	if (memcmp(rsdp->signature, "RSD PTR ", 8) != 0 || !sums_to_zero(rsdp, RSDP1_BYTES))
		return ERR_INVALID;
	if (rsdp->revision >= 2 && rsdp->length >= sizeof(*rsdp) && rsdp->length <= PAGE_BYTES &&
		sums_to_zero(rsdp, rsdp->length))
		root = table_at(rsdp->xsdt);
	if (root && memcmp(root->signature, "XSDT", 4) == 0) {
		add_tables(root, 8);
		return OK;
	}
	root = table_at(rsdp->rsdt);
	if (!root || memcmp(root->signature, "RSDT", 4) != 0)
		return ERR_INVALID;
	add_tables(root, 4);
	return OK;
}

err_t acpi_init(uint64_t rsdp)
{
	table_count = 0;
	memset(&info, 0, sizeof(info));
	if (!rsdp)
		return ERR_NOT_FOUND;
	err_t err = find_tables(rsdp);

	if (err)
		return err;
	acpi_read_madt(&info, acpi_find("APIC"));
	acpi_read_mcfg(&info, acpi_find("MCFG"));
	acpi_read_fadt(&info, acpi_find("FACP"));
	return OK;
}

const struct acpi_info *acpi_info(void)
{
	return &info;
}

const struct acpi_header *acpi_find(const char signature[4])
{
	for (uint32_t i = 0; i < table_count; i++) {
		if (memcmp(tables[i]->signature, signature, 4) == 0)
			return tables[i];
	}
	return NULL;
}
