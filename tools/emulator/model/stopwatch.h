/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stopwatch's file: one header, then fixed-size records, little-endian, in the
 * order in which things happened. It is written by the emulator and knows nothing of
 * the hypervisor that runs. Read by tools/report.
 */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdint.h>

#define STOPWATCH_MAGIC   0x3154415743505453ull /* "STPCWAT1", little-endian */
#define STOPWATCH_VERSION 1u

struct stopwatch_header {
	uint64_t magic;
	uint32_t version;
	uint32_t record_bytes; /* 40 */
	uint32_t flags;        /* bit 0: instruction counts are exact (icount) */
	uint32_t reserved;
};

struct stopwatch_record {
	uint64_t time_ns;      /* QEMU_CLOCK_VIRTUAL */
	uint64_t instructions; /* executed so far on this CPU, host and guest together */
	uint8_t kind;          /* enum sw_kind, model.h */
	uint8_t cpu;           /* index of the CPU in whose context it happened, 0xff none */
	uint16_t x;
	uint32_t a;
	uint64_t b;
	uint64_t c;
};

_Static_assert(sizeof(struct stopwatch_header) == 24, "file format");
_Static_assert(sizeof(struct stopwatch_record) == 40, "file format");

#endif
