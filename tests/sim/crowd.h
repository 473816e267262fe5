/* SPDX-License-Identifier: MIT */
/*
 * The random simulation: the hypervisor's real files on two to eight pCPUs with up to 64 vCPUs.
 * Each pCPU has a stack of its own. At each crossing of the seam, by a seeded random number,
 * another pCPU goes on, or the device fires, or finishes what it had begun: so any two things that
 * cross the seam meet in any order. A seed decides everything, the machine's shape included, and
 * replays exactly.
 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "setup.h"

#define CROWD_VCPUS    64
#define CROWD_MESSAGES (2 * CROWD_VCPUS)

/* Vectors: below 80h a task priority of 80h holds them back. */
#define VECTOR_LOW      0x20 /* + n: message 2n */
#define VECTOR_HIGH     0x90 /* + n: message 2n + 1 */
#define VECTOR_SOFTWARE 0xe0 /* by other vCPUs */

struct crowd_shape {
	uint32_t cpus, vcpus;
	enum halt_mode halt;
	uint32_t switch_mask; /* a crossing lets somebody else go on with a chance of one in this +
				 1 */
	uint32_t device_mask; /* a crossing fires the device, likewise */
	bool late_stores, late_iommu, migrates, routes, masks, hands_over, quiet_galog,
		erratum_1235;
	uint32_t switches; /* 0: none; more: more often */
	uint32_t spurious_percent, log_limit;
	uint32_t storm_limit; /* of the device, a second; 0: none */
};
extern struct crowd_shape crowd;
extern struct vcpu crowd_vcpu[CROWD_VCPUS];

/* Of one message: one at a time is under way. The last CROWD_VCPUS are the software's, one a vCPU.
 */
struct crowd_message {
	uint32_t sent, seen;
	bool posted; /* whoever sent it is done with it */
};
extern struct crowd_message crowd_message[CROWD_MESSAGES + CROWD_VCPUS];
extern uint32_t crowd_twice, crowd_untold; /* untold: in the guest, and not told of a message */
extern uint64_t crowd_crossings, crowd_posts;
/* Set before a seed begins: few vCPUs, which do one thing all the time. */
extern enum crowd_only { CROWD_ALL, CROWD_SWITCHES, CROWD_HAND_OVERS } crowd_only;
extern bool crowd_ending;    /* nothing new begins */
extern uint32_t crowd_hurry; /* for so many crossings nobody else goes on, but for locks */

uint32_t crowd_random(uint32_t n); /* below n */
/* Says what happens, when a seed is replayed. */
extern bool crowd_loud;
void crowd_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The vector of message n, and the other way round. */
uint8_t crowd_vector(uint32_t n);
struct crowd_message *crowd_of_vector(uint32_t vcpu, uint8_t vector);
/* A message about to be sent; false: its last one is still under way. */
bool crowd_begin(struct crowd_message *m);

/* Sets up by the seed, runs until so many posts by the device were seen. NULL, or what is wrong. */
const char *crowd_run(uint64_t seed, uint64_t posts);
uint64_t crowd_wakes(void);

/* crowd_guest.c: takes what is pending and lowers its priority if it had raised it. */
bool crowd_masked(uint32_t vcpu);

#endif
