/* SPDX-License-Identifier: MIT */
/*
 * A story that the hypervisor's real code plays is told again and again, with a device interrupt
 * (Y) at crossing 1, 2, 3.. of the seam until the story is over before it fires: each with the post
 * in one piece and in two, with stores seen at once and late, and with the other pCPU quick and
 * slow. Every time each interrupt must be taken exactly once, and nobody may sleep on one.
 */
#ifndef SIM_TELL_H
#define SIM_TELL_H

#include "rig.h"

/* Messages: X is the story's own, OPENER opens a guest's TPR, TO_n goes to vCPU n, all else to vCPU
 * 0. */
enum { X, Y, OPENER, TO_1, TO_2, TO_3 };
extern const uint8_t vector_of[RIG_MESSAGES];

struct scenario {
	const char *name;
	void (*story)(void);
	unsigned fires[RIG_MESSAGES]; /* how often the story and what is after it fire message n */
	void (*after)(void);          /* unarmed: what is needed for the next time */
	bool by_software;             /* Y is posted by the other pCPU */
	unsigned *told;               /* counts how often it was told */
	uint32_t limit; /* crossings after which nothing new is to be expected; 0: to the end */
};

/* window: how many crossings later the second half of a post may come. False: something was lost,
 * doubled or stuck; it is printed, and nothing more is told. */
bool tell_everywhere(const struct scenario *s, unsigned cpus, uint32_t window);

/* The mechanism and mode from now on. */
void use(enum wake_mechanism mechanism, enum halt_mode halt);
/* The vCPU's home from now on. */
void live_on(unsigned vcpu, struct cpu *cpu);

#endif
