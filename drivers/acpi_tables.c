/* SPDX-License-Identifier: MIT */
/* MADT, MCFG and FADT. Offsets are those of ACPI 6.5, "Multiple APIC Description Table" and "Fixed
 * ACPI Description Table", and of the PCI Firmware Specification 3.3, "MCFG Table Description". */
#include "acpi_tables.h"
#include "base/lib.h"

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_LAPIC_BASE  36
#define MADT_FIRST_ENTRY 44
#define CPU_ENABLED      1u

#define MCFG_FIRST_ENTRY 44
#define MCFG_ENTRY_BYTES 16

#define FADT_PM_TIMER    76
#define FADT_FLAGS       112
#define FADT_RESET_REG   116
#define FADT_RESET_VALUE 128
#define FADT_X_PM_TIMER  208
#define FLAG_RESET_REG   (1u << 10)
#define SPACE_IO         1

/* Little-endian, unaligned; the caller has checked that they are inside the table. */
static uint32_t get32(const void *t, size_t offset)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)t + offset, sizeof(v));
	return v;
}

static uint64_t get64(const void *t, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)t + offset, sizeof(v));
	return v;
}

static uint8_t get8(const void *t, size_t offset)
{
	return ((const uint8_t *)t)[offset];
}

static void add_cpu(struct acpi_info *info, apicid_t id, uint32_t flags)
{
	if (!(flags & CPU_ENABLED) || info->cpu_count == ACPI_CPUS)
		return;
	/* One CPU may have both a LAPIC and an x2APIC entry. */
	for (uint32_t i = 0; i < info->cpu_count; i++) {
		if (info->cpu[i] == id)
			return;
	}
	info->cpu[info->cpu_count++] = id;
}

static void madt_entry(struct acpi_info *info, const uint8_t *e, uint8_t length)
{
	enum madt_type type = (enum madt_type)e[0];

	if (type == MADT_LAPIC && length >= 8 && e[3] != 0xff) {
		add_cpu(info, e[3], get32(e, 4));
	} else if (type == MADT_X2APIC && length >= 16) {
		add_cpu(info, get32(e, 4), get32(e, 8));
	} else if (type == MADT_LAPIC_ADDRESS && length >= 12) {
		info->lapic_base = get64(e, 4);
	} else if (type == MADT_IOAPIC && length >= 12 && info->ioapic_count < ACPI_IOAPICS) {
		info->ioapic[info->ioapic_count].id = e[2];
		info->ioapic[info->ioapic_count].base = get32(e, 4);
		info->ioapic[info->ioapic_count].gsi_base = get32(e, 8);
		info->ioapic_count++;
	}
}

void acpi_read_madt(struct acpi_info *info, const struct acpi_header *t)
{
	if (!t || t->length < MADT_FIRST_ENTRY)
		return;
	info->lapic_base = get32(t, MADT_LAPIC_BASE);
	for (uint32_t at = MADT_FIRST_ENTRY; at + 2 <= t->length;) {
		uint8_t length = get8(t, at + 1);

		if (length < 2 || length > t->length - at)
			return;
		madt_entry(info, (const uint8_t *)t + at, length);
		at += length;
	}
}

void acpi_read_mcfg(struct acpi_info *info, const struct acpi_header *t)
{
	if (!t)
		return;
	for (uint32_t at = MCFG_FIRST_ENTRY;
		at + MCFG_ENTRY_BYTES <= t->length && info->ecam_count < ACPI_ECAMS;
		at += MCFG_ENTRY_BYTES) {
		uint8_t first = get8(t, at + 10), last = get8(t, at + 11);

		if (first > last)
			continue;
		info->ecam[info->ecam_count].base = get64(t, at);
		info->ecam[info->ecam_count].segment = (uint16_t)get32(t, at + 8);
		info->ecam[info->ecam_count].bus_first = first;
		info->ecam[info->ecam_count].bus_last = last;
		info->ecam_count++;
	}
}

void acpi_read_fadt(struct acpi_info *info, const struct acpi_header *t)
{
	if (!t || t->length < FADT_PM_TIMER + 4)
		return;
	info->pm_timer_port = get32(t, FADT_PM_TIMER);
	if (t->length >= FADT_RESET_VALUE + 1 && get32(t, FADT_FLAGS) & FLAG_RESET_REG) {
		info->reset_space = get8(t, FADT_RESET_REG);
		info->reset_address = get64(t, FADT_RESET_REG + 4);
		info->reset_value = get8(t, FADT_RESET_VALUE);
	}
	/* The extended block wins where it names a port (generic address structure: space in the
	 * first byte, address in the fifth). */
	if (t->length >= FADT_X_PM_TIMER + 12 && get8(t, FADT_X_PM_TIMER) == SPACE_IO &&
		get64(t, FADT_X_PM_TIMER + 4))
		info->pm_timer_port = (uint32_t)get64(t, FADT_X_PM_TIMER + 4);
}
