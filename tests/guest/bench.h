/* SPDX-License-Identifier: MIT */
/*
 * The bench: one target, one sender, company on the target's pCPU.
 *
 *   vCPU 0  T  target    pCPU 0, highest priority: spins, or halts, and counts interrupts
 *   vCPU 1  S  sender    another pCPU: makes a device fire, waits until T has counted, again
 *   vCPU 2  B  busy      pCPU 0, lower priority: spins in the "busy" arms, else parked
 *   vCPU 3..   sleepers  pCPU 0, lowest priority: halted in the "64" arms, else parked
 *
 * Parked (HC_PARK) vCPUs are neither runnable nor blocked: they cost the hypervisor nothing.
 */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include "guest.h"
#include "config.h"

#define BENCH_TARGET        0
#define BENCH_SENDER        1
#define BENCH_BUSY          2
#define BENCH_FIRST_SLEEPER 3
#define BENCH_SLEEPERS      64
#define BENCH_SOURCES       128 /* device messages of the overflow arm */

enum {
	VEC_BENCH = 0x51,
	VEC_EDU = 0x52,
	VEC_NUDGE = 0x53, /* IPI: look at your orders again */
	VEC_BURST = 0x60, /* .. + BENCH_SOURCES - 1 */
};

enum order { ORDER_SPIN, ORDER_HALT, ORDER_EDU };
enum company { COMPANY_NONE, COMPANY_BUSY, COMPANY_SLEEPERS };
enum trigger { TRIGGER_IGB, TRIGGER_EDU, TRIGGER_BURST };

struct arm {
	uint32_t number; /* in marks and results; never reused for something else */
	const char *name;
	enum delivery_mode delivery;
	enum halt_mode halt; /* HALT_AUTO: leave it as it is */
	enum order order;
	enum company company;
	enum trigger trigger;
	uint64_t features; /* HC_FEATURE_* that it needs */
};

/* Written by one vCPU, read by another. */
struct bench {
	volatile uint32_t order;      /* S -> T; T sets ORDER_SPIN at the end of an edu arm */
	volatile uint32_t dismissed;  /* S -> B and sleepers: park */
	volatile uint64_t sent;       /* number of the interrupt under way */
	volatile uint64_t seen;       /* T: the last one it counted */
	volatile uint64_t delivered;  /* T */
	volatile uint64_t duplicates; /* T */
	volatile uint64_t spins;      /* T: turns of its idle loop; shows that it spins */
	volatile uint64_t handled[GUEST_VCPUS]; /* interrupts of any kind */
	volatile uint64_t asleep[GUEST_VCPUS];  /* handled + 1 just before HLT, then stale */
	volatile uint64_t parked[GUEST_VCPUS];  /* 1 just before HC_PARK */
	const struct arm *arm;
	uint64_t count;
	int igb, edu;
	uint32_t sleepers;
};
extern struct bench bench;

/* Roles: for ever. */
void bench_target(void);
void bench_busy(void);
void bench_sleeper(uint32_t index);
void bench_handlers(void);
/* Is vCPU index halted, or about to, with everything handled? */
bool bench_is_asleep(uint64_t index);
void bench_park(uint32_t index);
bool bench_unpark(uint32_t index);
void bench_mark(const struct arm *arm, uint32_t edge);
void bench_nudge(uint32_t index);

/* The overflow arm; false: given up. Counts go into *result. */
bool burst_run(struct arm_result *result);
void burst_seen(uint8_t vector);

#endif
