// SPDX-License-Identifier: MIT
#include "guest/memory_map.h"
#include "guest/platform.h"

void memory_map(struct memory_range map[MEMORY_RANGES], uint64_t memory_bytes)
{
	map[0] = (struct memory_range){ 0, PLATFORM_LOW_RAM_END, MEMORY_RAM };
	map[1] = (struct memory_range){ PLATFORM_ACPI, PLATFORM_ACPI_END - PLATFORM_ACPI,
		MEMORY_RESERVED };
	map[2] = (struct memory_range){ PLATFORM_HIGH_RAM, memory_bytes - PLATFORM_HIGH_RAM,
		MEMORY_RAM };
	map[3] = (struct memory_range){ PLATFORM_ECAM, PLATFORM_ECAM_BYTES, MEMORY_RESERVED };
}

bool memory_is_ram(uint64_t memory_bytes, uint64_t at, uint64_t bytes)
{
	uint64_t end = at < PLATFORM_LOW_RAM_END ? PLATFORM_LOW_RAM_END : memory_bytes;

	if (at >= PLATFORM_LOW_RAM_END && at < PLATFORM_HIGH_RAM)
		return false;
	return at <= end && bytes <= end - at;
}
