/* SPDX-License-Identifier: MIT */
/*
 * The trace: what each pCPU did last, one ring of records each. reveille.efi carries the hypervisor
 * twice, with and without the hooks (trace.h); "trace = on" in the configuration picks the one that
 * has them, so that the other one pays nothing: its code doesn't know of a trace.
 *
 * A ring is written by its own CPU, with interrupts off, and read by any at any time. Layout, for a
 * debugger: trace_rings[CPU index]; record n is at record[n & mask] and valid while its sequence is
 * n. All numbers little-endian.
 */
#ifndef VMM_TRACE_RING_H
#define VMM_TRACE_RING_H

#include "base/err.h"
#include "base/types.h"

/* tools/report/tracefile.py has the same list. */
enum trace_kind {
	TRACE_HOST_IRQ = 1,  /* x vector; vCPU: whom it made exit, if any */
	TRACE_IDLE,          /* about to sleep */
	TRACE_GALOG_BEGIN,   /* drain; x IOMMU */
	TRACE_GALOG_ENTRY,   /* vCPU; a GATag */
	TRACE_GALOG_END,     /* x: 0 empty, 1 more came, 2 overflowed; a entries so far */
	TRACE_GALOG_RESTART, /* x IOMMU; a vCPUs woken */
	TRACE_GAPPI,         /* x: 0 the shared vector, 1 the vCPU's own */
	TRACE_WAKE,          /* vCPU; x enum trace_cause: BLOCKED -> RUNNABLE */
	TRACE_INBOX_SEND,    /* vCPU; a pCPU that it goes to */
	TRACE_INBOX_TAKE,    /* vCPU */
	TRACE_LOAD,          /* vCPU; a GATag: its IRTEs say IsRun = 1 from here on */
	TRACE_LOAD_VAIN,     /* vCPU: woken for nothing */
	TRACE_BLOCK,         /* vCPU; x: 1 GAPPI armed, 0 GA log: its IRTEs say IsRun = 0 */
	TRACE_CANCEL,        /* vCPU: the block is called off */
	TRACE_PUT,           /* vCPU; x its new state, enum vcpu_state */
	TRACE_VMRUN,         /* vCPU */
	TRACE_EXIT,          /* vCPU; a exit code, b guest RIP */
	TRACE_POST,          /* vCPU; x vector: an interrupt by software */
	TRACE_ROUTE,         /* vCPU; x vector; a device ID << 32 | message: a new IRTE */
	TRACE_SWITCH,        /* x enum wake_mechanism */
	TRACE_RESCUE,        /* vCPU; x enum wake_mechanism; a microseconds that it was forgotten */
	TRACE_KINDS,
};

/* Who woke it. */
enum trace_cause {
	CAUSE_EVENT, /* an event or an interrupt by software */
	CAUSE_GALOG,
	CAUSE_GAPPI_OWN,
	CAUSE_GAPPI_SHARED,
	CAUSE_SCAN,
	CAUSE_SWITCH,
	CAUSE_AUDIT,
};

#define TRACE_NO_VCPU 0xffffu

struct trace_record {
	uint64_t ticks;    /* cpu_ticks() */
	uint32_t sequence; /* of this pCPU, from 1; 0: being written */
	uint8_t kind, x;
	uint16_t vcpu; /* tag; TRACE_NO_VCPU */
	uint64_t a, b;
};
_Static_assert(sizeof(struct trace_record) == 32, "the dump's format");

struct trace_ring {
	struct trace_record *record; /* NULL: no trace */
	uint32_t mask;
	uint32_t last;  /* sequence of the newest; 0: none yet */
	uint32_t cause; /* (own) enum trace_cause of what the CPU does now */
};

struct cpu;
extern struct trace_ring trace_rings[];

/* Rings for all pCPUs, of at least entries records each (at most 2^20). Before a VM starts, and
 * before the others run. ERR_NOMEM: no trace. */
err_t trace_ring_init(uint32_t cpus, uint32_t entries) MUST_USE;
bool trace_ring_on(void);
/* On cpu itself. A call, so that the hooks stay small. */
void trace_ring_write(const struct cpu *cpu, enum trace_kind kind, unsigned x, unsigned vcpu,
	uint64_t a, uint64_t b);
/* Record n of a pCPU; false: overwritten meanwhile, or never written. Any CPU. */
bool trace_ring_read(uint32_t cpu, uint32_t n, struct trace_record *out);
/* Sequences that may be there: first..last; last 0: none. */
struct trace_span {
	uint32_t first, last;
};
struct trace_span trace_ring_span(uint32_t cpu);

/* trace_dump.c. All rings into the log, in lines that tools/report/trace.py reads:
 *   TRACE begin cpu=0 apicid=0 first=1 last=300 ticks_per_us=62
 *   TRACE 0 <base64 of up to 12 records>
 *   TRACE vcpu tag=0 vm=g n=0
 *   TRACE end */
void trace_dump(void);
/* The newest count records of a pCPU as text, one a line, oldest first. For a panic (no lock) and
 * for the audit. */
void trace_print(uint32_t cpu, uint32_t count);

#endif
