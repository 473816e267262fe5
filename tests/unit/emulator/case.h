/* SPDX-License-Identifier: MIT */
/*
 * A conformance case: what hardware does, where the manual says so, and, by where it stands,
 * the test that shows it. The test prints it when it gets there; tests/conformance/generate.py
 * makes the table of those that were printed by programs that passed.
 *   #define AREA "IOMMU: commands"
 *   CASE(IOMMU, "COMPLETION_WAIT", "S = 1 stores the data");
 * ASSUMED() is for what the public facts leave open: it states what we assume.
 */
#ifndef CASE_H
#define CASE_H

#include <stdarg.h>
#include <stdio.h>

#define DOC_IOMMU "48882"
#define DOC_APM   "24593"

__attribute__((format(printf, 6, 7))) static inline void case_say(const char *status,
	const char *area, const char *source, const char *doc, const char *section,
	const char *what, ...)
{
	va_list args;

	printf("case\t%s\t%s\t%s\t%s\t%s\t", status, area, source, doc, section);
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	printf("\n");
}

#define CASE_AT(status, doc, section, ...)                                                         \
	do {                                                                                       \
		char source_[160];                                                                 \
		snprintf(source_, sizeof(source_), "%s:%s", __FILE__, __func__);                   \
		case_say(status, AREA, source_, doc, section, __VA_ARGS__);                        \
	} while (0)

#define CASE(doc, section, ...)    CASE_AT("stated", DOC_##doc, section, __VA_ARGS__)
#define ASSUMED(doc, section, ...) CASE_AT("assumed", DOC_##doc, section, __VA_ARGS__)

#endif
