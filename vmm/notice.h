/* SPDX-License-Identifier: MIT */
/*
 * What a guest or its device tried and wasn't allowed to, on the host's log: with the VM's name,
 * but never as often as the guest likes. Of each kind and VM so many lines go out in a period; the
 * rest is counted, and the period's end says how many there were. Nobody waits for the serial line
 * meanwhile: log_later().
 */
#ifndef VMM_NOTICE_H
#define VMM_NOTICE_H

#include "base/types.h"

struct vm;

#define NOTICE_PERIOD_US 10000000
/* How many IOMMU events a device may cause in a period before it is fenced: events.c. */
#define NOTICE_EVENTS_BEFORE_FENCE 16

enum notice_kind {
	NOTICE_EVENT,     /* the IOMMU stopped a device's DMA or interrupt */
	NOTICE_MSR,       /* #GP instead of an access */
	NOTICE_PORT,      /* a port of nobody */
	NOTICE_CONFIG,    /* configuration space of a bridge, or of what isn't there */
	NOTICE_IPI,       /* to nobody in its VM */
	NOTICE_STARTUP,   /* INIT and SIPI, more of them than bringing up vCPUs takes */
	NOTICE_HYPERCALL, /* unknown, not allowed, or bad arguments */
	NOTICE_STORM,     /* a device's interrupts were held back: storm.h */
	NOTICE_REPORT,    /* REPORT lines that a guest asked for */
	NOTICE_KINDS
};

/* (shared) Of one VM. */
struct notices {
	uint64_t now[NOTICE_KINDS];    /* in this period */
	uint64_t before[NOTICE_KINDS]; /* in all earlier ones; written by whoever renews */
};

/* Counts one. True: it may have its line. Any CPU, no lock. */
bool notice_count(struct notices *n, enum notice_kind kind);
/* The same, and where it may, a warning "vm NAME: ...". */
void notice(struct vm *vm, enum notice_kind kind, const char *fmt, ...)
	__attribute__((noinline, cold, format(printf, 3, 4)));
/* A new period: says how many of each kind had no line. One CPU at a time. */
void notice_renew(struct vm *vm);
/* Of all periods. */
uint64_t notice_total(const struct notices *n, enum notice_kind kind);
/* "msr": as in the counters. */
const char *notice_name(enum notice_kind kind);

#endif
