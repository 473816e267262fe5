/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU and the protocol by which it blocks and is woken.
 *
 *            load               block
 *  RUNNABLE -----> RUNNING ------------> BLOCKED
 *     ^  ^            |   <--- cancel ---   |
 *     |  +--preempt---+                     |
 *     +---------------- wake ---------------+
 *  OFFLINE --start--> RUNNABLE; anything --stop--> STOPPED (by its home CPU)
 *  STOPPED --revive--> OFFLINE (its VM starts anew: vm_restart.h)
 *
 * Only vcpu.c writes the state. BLOCKED -> RUNNABLE is a compare-and-swap: of all who want to
 * wake a vCPU one wins and enqueues it; losers do nothing.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "avic/avic.h"
#include "avic/emulated.h"
#include "svm/svm.h"
#include "base/list.h"
#include "base/types.h"
#include "config.h"
#include "cpu.h"
#include "server.h"

struct cpu;
struct vm;

enum vcpu_state { VCPU_OFFLINE, VCPU_RUNNABLE, VCPU_RUNNING, VCPU_BLOCKED, VCPU_STOPPED };

/* OPEN: nothing is in service, masked by TPR, IF or a shadow: any interrupt would be taken. */
enum halted { HALTED_NOT, HALTED, HALTED_OPEN };

/* Requests that another CPU leaves for a vCPU; taken by its home before entry. */
#define VCPU_EVENT_STOP  (1u << 0)
#define VCPU_EVENT_MODE  (1u << 1) /* vm's delivery or halt mode changed */
#define VCPU_EVENT_TIMER (1u << 2) /* came from another pCPU with its timer armed */
#define VCPU_EVENT_FLUSH (1u << 3) /* pages were taken out of the nested tables */
/* guest/startup.h */
#define VCPU_EVENT_INIT     (1u << 4)
#define VCPU_EVENT_SIPI     (1u << 5)
#define VCPU_EVENT_NMI      (1u << 6)
#define VCPU_EVENTS_STARTUP (VCPU_EVENT_INIT | VCPU_EVENT_SIPI | VCPU_EVENT_NMI)
#define VCPU_EVENT_BUDGET   (1u << 7) /* (home) its time is used up: budget.h */
#define VCPU_EVENT_MOVE     (1u << 8) /* to another pCPU: move_to */

struct vcpu_stats {
	uint64_t exits[SVM_EXIT_KINDS];
	uint64_t blocks, block_cancels, wakes, spurious_wakes, parked_bits, preemptions;
	uint64_t throttles; /* its time was used up: budget.h */
	uint64_t rescues;   /* by the audit: audit.h */
	uint64_t moves;     /* to another pCPU */
};

/* All exits: the sum, so that an exit counts once. */
static inline uint64_t vcpu_exits(const struct vcpu_stats *s)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < SVM_EXIT_KINDS; kind++)
		sum += s->exits[kind];
	return sum;
}

struct vcpu {
	struct list link; /* home's ready queue, throttled or inbox: one at a time */
	struct list
		sharer_link;    /* (home) home's gappi_sharers while blocked on the shared vector */
	struct list timer_link; /* (home) home's timers while the guest's APIC timer is armed */
	uint32_t state;         /* enum vcpu_state, vcpu.c */
	uint32_t events;        /* (shared) VCPU_EVENT_*; set by locked OR */
	struct cpu *home;       /* where it runs next; changed only by its home while RUNNING */
	struct cpu *move_to;    /* (shared) of VCPU_EVENT_MOVE */
	enum halted halted;     /* (home) after HLT, until an interrupt can be taken */
	struct wake_target target; /* (home) whom a post to it, blocked, shall tell */
	uint64_t slice_left;       /* (home) ticks; of a slice in which it had to give way, or 0 */
	uint32_t log_allowance;    /* (GA log's CPU) wakes before the next look: storm.h */
	uint64_t log_granted;      /* (GA log's CPU) ticks: when it got them; 0: it has none */
	uint32_t log_useless;      /* (GA log's CPU) the same, entries that woke nobody */
	bool contends;             /* (home) it lost the CPU, but not by itself: budget.c */
	uint8_t priority;
	uint8_t index; /* in its VM: the guest APIC ID */
	uint32_t tag;  /* (const) dense index into the table of all vCPUs */
	struct vm *vm; /* (const) */

	struct server server; /* (home) its budget; period 0: none */

	enum delivery_mode delivery; /* in force on this vCPU */
	enum halt_mode halt;
	uint8_t gappi_vector[CPU_MAX]; /* per pCPU index; 0: not allotted */

	struct svm_vcpu svm;
	struct avic_vcpu avic;
	struct emulated_vcpu emulated;
	struct vcpu_stats stats;

	uint64_t pvclock;    /* (home) guest/pvclock.h: MSR as last written */
	bool waits_for_sipi; /* (home) after INIT: startup.h */
	uint32_t sipi_page;  /* (shared) of the startup message that VCPU_EVENT_SIPI tells of */
};

#define VCPU_MAX 1024 /* of all VMs */

/* By tag; NULL when nobody has it (any more). */
struct vcpu *vcpu_from_tag(uint32_t tag);
/* All tags given so far are below. Grows only while VMs are made. */
uint32_t vcpu_tag_end(void);
/* Gives v its tag and home; OFFLINE. v->vm, index, priority are filled in. ERR_NOMEM: too many. */
err_t vcpu_init(struct vcpu *v, struct cpu *home) MUST_USE;
/* Recomputes v->target after a change of home or halt mode. On v's home, or before v starts. */
void vcpu_retarget(struct vcpu *v);

/* STOPPED or OFFLINE -> OFFLINE, with nothing left to do; its VM is at rest (vm_restart.c). */
void vcpu_revive(struct vcpu *v);
/* OFFLINE -> RUNNABLE and enqueued; false: it wasn't OFFLINE. Any CPU. */
bool vcpu_start(struct cpu *here, struct vcpu *v);
/* On v's home, RUNNING: -> OFFLINE until vcpu_start(), or -> STOPPED until its VM starts anew. */
void vcpu_park(struct cpu *here, struct vcpu *v);
void vcpu_stop(struct cpu *here, struct vcpu *v);
/* After HLT, on v's home with v RUNNING: BLOCKED, or still RUNNING when an interrupt is there.
 * True when v is not RUNNING any more (blocked, or already woken and queued by another). */
bool vcpu_block(struct cpu *here, struct vcpu *v);
/* Any CPU, any time. True when this call won and enqueued v. */
bool vcpu_wake(struct cpu *here, struct vcpu *v);
/* For the audit, any CPU: is there something for v, were it BLOCKED, that it should have been woken
 * for? Others change it meanwhile: one look proves nothing. */
bool vcpu_owed(const struct vcpu *v);
/* On v's home: RUNNABLE (just picked) -> RUNNING, interrupts directed here; true. False when it
 * was woken for nothing and sleeps again. */
bool vcpu_load(struct cpu *here, struct vcpu *v);
/* On v's home: RUNNING -> RUNNABLE. The caller puts it onto the ready queue. */
void vcpu_preempt(struct cpu *here, struct vcpu *v);
/* On v's home: RUNNING -> RUNNABLE on another pCPU. No IOMMU command. */
void vcpu_migrate(struct cpu *here, struct vcpu *v, struct cpu *to);
/* Asks v to go to that pCPU, where it will run, or sleep on. Any CPU; without waiting. */
void vcpu_move(struct cpu *here, struct vcpu *v, struct cpu *to);
/* On v's home, RUNNING: does what was left by vcpu_post_event(). True: v has left this CPU. */
bool vcpu_take_events(struct cpu *here, struct vcpu *v);
/* Leave events (may be 0) and make sure that v looks soon: wakes it when blocked, makes it exit
 * when it runs elsewhere. Any CPU. */
void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events);
/* An interrupt by software: IRR bit, then whatever makes v notice. Any CPU. */
void vcpu_interrupt(struct cpu *here, struct vcpu *v, uint8_t vector);
/* v->emulated.timer_deadline changed. On v's home. */
void vcpu_timer_changed(struct cpu *here, struct vcpu *v);

#endif
