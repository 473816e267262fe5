/* SPDX-License-Identifier: MIT */
/*
 * A VM that ended is started anew where its restart policy or an operator says so: on the memory,
 * pCPUs and devices that it has.
 *
 *   IDLE --wanted--> REST --> PAUSE --> SCRUB --> RESET --> IDLE, running
 *                     |  all vCPUs stopped |  memory |  devices reset, kernel placed
 *                     +--------------------+---------+--> IDLE, ended: its operator may try again
 *
 * vm_end(), vm_stop() and vm_exit() set vm->restart.wanted on any CPU. The rest is the boot CPU's,
 * in the slow timer's interrupt, in steps that are short, because other VMs run there too.
 */
#ifndef VMM_VM_RESTART_H
#define VMM_VM_RESTART_H

#include "base/types.h"

struct cpu;
struct vm;

enum restart_stage { RESTART_IDLE, RESTART_REST, RESTART_PAUSE, RESTART_SCRUB, RESTART_RESET };

struct vm_restart {
	uint32_t wanted;  /* (shared) 1: to be started anew */
	uint32_t at_once; /* (boot CPU) 1: an operator waits: no pause */
	/* (boot CPU) */
	enum restart_stage stage;
	uint64_t due, deadline; /* ticks: of the next step; of REST */
	uint64_t scrubbed;      /* bytes of its memory */
	uint64_t started;       /* ticks */
	uint32_t short_lives;   /* one after the other, until now */
};

/* On the boot CPU: what is due at now, in ticks; returns when to call again, ~0: no VM waits. */
uint64_t restart_look(struct cpu *here, uint64_t now);

/* Has it ended, to be started anew? */
bool restart_under_way(const struct vm *vm);

/* For operators, on the boot CPU. NULL: it is done or under way; else why not, as a sentence. A VM
 * that was stopped starts anew by restart_start(). */
const char *restart_vm(struct cpu *here, struct vm *vm);
const char *restart_start(struct vm *vm);
const char *restart_stop(struct cpu *here, struct vm *vm);

#endif
