// SPDX-License-Identifier: MIT
#include "guest/memory_map.h"
#include "guest/platform.h"

struct memory_piece memory_piece(uint64_t memory_bytes, unsigned n)
{
	uint64_t below = memory_bytes < PLATFORM_HOLE ? memory_bytes : PLATFORM_HOLE;

	return n == 0 ? (struct memory_piece){ 0, 0, below }
		      : (struct memory_piece){ PLATFORM_HOLE_END, below, memory_bytes - below };
}

uint64_t memory_offset(uint64_t memory_bytes, uint64_t at, uint64_t bytes)
{
	struct memory_piece p = memory_piece(memory_bytes, at >= PLATFORM_HOLE_END);

	return at - p.at <= p.bytes && bytes <= p.bytes - (at - p.at) ? p.offset + (at - p.at)
								      : MEMORY_NOWHERE;
}

unsigned memory_map(struct memory_range map[MEMORY_RANGES], uint64_t memory_bytes)
{
	struct memory_piece below = memory_piece(memory_bytes, 0);
	struct memory_piece above = memory_piece(memory_bytes, 1);

	map[0] = (struct memory_range){ 0, PLATFORM_LOW_RAM_END, MEMORY_RAM };
	map[1] = (struct memory_range){ PLATFORM_ACPI, PLATFORM_ACPI_END - PLATFORM_ACPI,
		MEMORY_RESERVED };
	map[2] = (struct memory_range){ PLATFORM_HIGH_RAM, below.bytes - PLATFORM_HIGH_RAM,
		MEMORY_RAM };
	map[3] = (struct memory_range){ PLATFORM_ECAM, PLATFORM_ECAM_BYTES, MEMORY_RESERVED };
	if (!above.bytes)
		return 4;
	map[4] = (struct memory_range){ above.at, above.bytes, MEMORY_RAM };
	return 5;
}

bool memory_is_ram(uint64_t memory_bytes, uint64_t at, uint64_t bytes)
{
	uint64_t end = at < PLATFORM_LOW_RAM_END ? PLATFORM_LOW_RAM_END
						 : memory_piece(memory_bytes, 0).bytes;

	if (at >= PLATFORM_LOW_RAM_END && at < PLATFORM_HIGH_RAM)
		return false;
	return at <= end && bytes <= end - at;
}
