/* SPDX-License-Identifier: MIT */
/*
 * The IVRS parser with any bytes: clang -g -fsanitize=fuzzer,address,undefined -Itests/host -Ivmm
 * -I. tests/fuzz/ivrs.c iommu/ivrs.c. tests/unit/ivrs_test.c has a short run of the same kind
 * without libFuzzer.
 */
#include "iommu/ivrs.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void check(const struct ivrs *ivrs)
{
	if (ivrs->unit_count > IOMMU_MAX || ivrs->range_count > IVRS_RANGES ||
		ivrs->special_count > IVRS_SPECIAL || ivrs->unity_count > IVRS_UNITY)
		abort();
	for (uint32_t i = 0; i < ivrs->range_count; i++)
		if (ivrs->range[i].unit >= ivrs->unit_count ||
			ivrs->range[i].first > ivrs->range[i].last)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct ivrs ivrs;
	uint8_t *table = malloc(bytes + 48);

	/* The header is given, so that the fuzzer spends its time on the blocks. */
	memset(table, 0, 48);
	memcpy(table, "IVRS", 4);
	uint32_t total = (uint32_t)bytes + 48;

	memcpy(table + 4, &total, 4);
	memcpy(table + 48, data, bytes);
	if (ivrs_parse(&ivrs, table, total) == OK)
		check(&ivrs);
	free(table);
	return 0;
}
