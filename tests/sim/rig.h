/* SPDX-License-Identifier: MIT */
/*
 * The simulation's other half: the hypervisor's real files on two simulated pCPUs, with guests that
 * do what a test says, and a device that fires at a chosen crossing of the seam.
 *
 * One thread: a pCPU runs until it is idle. While it runs, each crossing is a place where
 *   - the device fires, or finishes what it had begun;
 *   - the other pCPU gets its turn, and runs until idle (not while a lock is held, it would wait).
 * With late stores nobody else sees plain stores since the last barrier: stores.h.
 */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/wake.h"
#include "setup.h"

#define RIG_CPUS     2
#define RIG_VCPUS    6
#define RIG_MESSAGES 6
#define IPI_VECTOR   0x71

/* What a guest does between two HLTs. */
struct guest {
	unsigned busy;       /* so many steps before it halts */
	uint8_t tpr;         /* raises TPR to this before HLT; 0: doesn't */
	uint8_t opener;      /* taking this vector lowers TPR to 0 */
	uint8_t await;       /* runs on without an exit until it has taken this vector */
	struct cpu *move_to; /* asks for this pCPU at its next step */
	unsigned ipi_to;     /* 1 + the vCPU that it sends IPI_VECTOR to at its next step */
	bool untold;         /* it waited in vain */
	unsigned taken[256]; /* per vector */
};

struct plan {
	uint32_t message;
	int software; /* >= 0: not the device fires, the other pCPU posts this vector to vCPU 0 */
	enum machine_split split;
	bool late_stores;
	uint32_t fire_at, finish_at; /* crossings, from 1; 0: never */
	uint32_t lag;                /* crossings until the other pCPU gets its turn */
};

extern struct vcpu rig_vcpu[RIG_VCPUS];
extern struct guest rig_guest[RIG_VCPUS];

/* What the other pCPU does when its turn comes while one runs, once. */
extern void (*rig_job)(struct cpu *here);
extern uint32_t rig_job_at; /* not before this crossing */

/* While armed: so many times more the device fires this message, at every sixth crossing. */
extern uint32_t rig_storm, rig_storm_message;
/* So many crossings later each of the IOMMU's own writes and commands comes; 0: at once. */
extern uint32_t rig_late;

/* Everything is set up, all vCPUs are blocked, GALOG is on. Once. */
void rig_start(void);
/* From now on crossings are counted and the plan goes by them. */
void rig_arm(const struct plan *plan);
/* How many crossings there were; the plan is over. */
uint32_t rig_disarm(void);
bool rig_fired(void);

/* All pCPUs run until they are idle. */
void rig_run(void);
/* The same, then each armed timer expires once, the slow one too, then the device finishes. */
void rig_settle(void);
/* What must hold after rig_settle(): NULL, or what is wrong. */
const char *rig_wrong(void);

#endif
