/* SPDX-License-Identifier: MIT */
/*
 * The soak: as many wake-ups of halted vCPUs as a machine can make.
 *
 *   vCPU 0    monitor  sleeps by its APIC timer, looks how far it is, and for what is overdue
 *   vCPU 1    helper   does what a fault needs somebody for: storms, re-routes, switches modes
 *   vCPU 2..  targets  halted until one of their messages comes
 *
 * Nobody spins. The messages of one igb are a wave: they fire together, each at a target of its
 * own. Whoever handles the last one of a wave fires the partner's, whose targets have mostly gone
 * to sleep; now and then the same wave again, whose targets are just about to. So half as many
 * waves are under way at any time as there are devices, on all pCPUs at once.
 *
 * A message is fired again only after its handler ran. So it is lost when its handler does not run
 * within so many looks, and came twice when it runs with nothing outstanding.
 */
#ifndef GUEST_SOAK_H
#define GUEST_SOAK_H

#include "config.h"
#include "devices.h"
#include "guest.h"

#define SOAK_MONITOR 0
#define SOAK_HELPER  1
#define SOAK_TARGET  2     /* .. */
#define SOAK_LOOK_US 20000 /* the monitor's period */
#define SOAK_WAVES   8
#define SOAK_SOURCES (SOAK_WAVES * IGB_MESSAGES)

enum {
	VEC_SOAK = 0x40,  /* .. + SOAK_SOURCES - 1 */
	VEC_STORM = 0xa0, /* .. + IGB_MESSAGES - 1 */
	VEC_ALARM = 0xb0, /* APIC timer */
	VEC_POKE = 0xb1,  /* IPI: is something pending that nobody told you of? */
};

enum soak_mechanism { SOAK_GALOG, SOAK_GAPPI_OWN, SOAK_GAPPI_SHARED, SOAK_NATIVE, SOAK_EMULATED };
enum soak_fault {
	SOAK_NONE,
	SOAK_OVERFLOW,        /* by the emulator */
	SOAK_SPURIOUS,        /* by the emulator; each target gets two messages of a wave */
	SOAK_COMPLETION_LATE, /* by the emulator; the helper re-routes messages that are under way
			       */
	SOAK_COMPLETION_LOST, /* by the emulator, of another VM's command */
	SOAK_WAKE_LOST,       /* by the emulator; no hardware does it */
	SOAK_STORM,           /* by the helper */
	SOAK_MIGRATE,         /* by the targets */
	SOAK_SWITCH,          /* by the helper */
	SOAK_FAULTS
};

/* One message of one device. */
struct source {
	uint32_t device, message;
	volatile uint32_t vcpu; /* where it is routed to; the helper changes it */
	uint32_t wave;
	volatile uint64_t sent; /* posts; written by who fires */
	volatile uint64_t seen; /* value of sent when the handler ran last */
} __attribute__((aligned(64)));

struct wave {
	int device;
	uint32_t left; /* of the messages that were fired; atomic */
	volatile uint64_t rounds;
} __attribute__((aligned(64)));

/* One target's own account; another CPU only reads it. */
struct target {
	volatile uint64_t delivered, twice;
	volatile uint64_t asleep;        /* 1 just before HLT, 0 in the handler */
	volatile uint64_t posted;        /* by its handlers */
	volatile uint64_t posted_asleep; /* of these: the receiver was asleep */
	volatile uint64_t moves;
	uint32_t pcpu;
	uint32_t random;
} __attribute__((aligned(64)));

struct soak {
	const char *arm; /* its name */
	enum soak_mechanism mechanism;
	volatile enum soak_fault fault;
	volatile uint32_t stop;         /* the last handler of a wave fires nothing */
	uint32_t tokens;                /* waves under way; atomic */
	uint64_t patience;              /* looks without progress after which a message is lost */
	uint64_t lost;                  /* monitor: in this arm */
	volatile uint64_t ready;        /* monitor: handlers are there */
	volatile uint64_t helper_rests; /* helper: it has seen stop */
	volatile uint64_t helper_done;  /* helper: faults that it made in this arm */
	uint64_t naps;                  /* wake-ups that count for nothing; atomic */
	uint32_t waves, wave_messages, targets, target_pcpus;
	uint32_t hole; /* native: the pCPU that no target is on, or ~0 while one moves; atomic */
	int storm;     /* device, or DEVICE_MISSING */
	volatile uint64_t storm_sent, storm_seen[IGB_MESSAGES];
	struct source sources[SOAK_SOURCES];
	struct wave waves_of[SOAK_WAVES];
	struct target of[GUEST_VCPUS];
};
extern struct soak soak;

/* Sleeps, by the APIC timer. */
void soak_nap(uint32_t us);

/* soak_watch.c: the monitor looks whether each wave goes on, and counts and names what is lost. */
void soak_watch(void);

/* soak_targets.c */
void soak_handlers(void);
_Noreturn void soak_target(uint32_t index);
/* Fires wave w for the vCPU index. */
void soak_fire(uint32_t w, uint32_t index);

/* soak_helper.c */
_Noreturn void soak_helper(void);
/* Puts every message where this arm wants it. */
bool soak_route_all(void);
bool soak_set_mode(enum soak_mechanism m);

#endif
