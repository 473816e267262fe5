/* SPDX-License-Identifier: MIT */
/*
 * One physical CPU (pCPU): its block of data, bring-up, and the vectors it hands out.
 * Host code runs with interrupts off on one stack; the only windows are cpu_sleep() and
 * cpu_take_interrupts(). So what is marked (own) needs no lock.
 */
#ifndef VMM_CPU_H
#define VMM_CPU_H

#include "boot/boot_info.h"
#include "base/err.h"
#include "base/list.h"
#include "base/spinlock.h"
#include "base/types.h"
#include "config.h"
#include "counters.h"
#include <hw/cpu.h>

#define CPU_MAX           64
#define CPU_VECTORS       256
#define CPU_GAPPI_SHARERS 256

struct vcpu;
struct svm_vcpu;

/* Who a dynamic vector of this pCPU belongs to. */
enum vector_kind { VECTOR_FREE, VECTOR_GAPPI, VECTOR_DEVICE, VECTOR_LINE, VECTOR_HPET };
struct vector_use {
	/* GAPPI: struct vcpu; DEVICE: struct assigned_irq (assign.h); LINE: struct intx_line;
	 * HPET: struct vhpet */
	void *owner;
	enum vector_kind kind;
};

struct inbox {
	struct spinlock lock; /* rank INBOX; the only cross-CPU lock of the scheduler */
	struct list queue;    /* (lock) vcpu.link */
};

struct cpu {
	struct cpu *self; /* gs:0 */
	uint32_t index;   /* (const) 0 is the boot CPU */
	apicid_t apicid;  /* (const) */

	struct vcpu *current;                   /* (own) RUNNING here, or NULL */
	struct vcpu *next;                      /* (own) the best ready one: ready.h */
	struct list ready[CONFIG_PRIORITIES];   /* (own) the other ready ones */
	uint32_t ready_mask;                    /* (own) bit p: ready[p] not empty */
	uint32_t resched;                       /* (own) leave the guest and pick again */
	struct vector_use vectors[CPU_VECTORS]; /* (own) written by cpu_vector_alloc before use */
	struct list gappi_sharers;              /* (own) vCPUs blocked here on VEC_GAPPI_SHARED */
	struct list throttled;                  /* (own) RUNNABLE vCPUs without time: budget.h */
	struct vcpu *charged;                   /* (own) whose time it is, or NULL: of no budget */
	uint64_t charged_from;                  /* (own) ticks */
	struct list timers;                     /* (own) vCPUs whose APIC timer is armed */
	uint64_t slice_end;                     /* (own) ticks; 0: not timed: nobody equal waits */
	uint64_t backstop;                      /* (own) next slow tick, ticks; 0: none */
	struct svm_vcpu *fpu_owner;             /* (own) whose FPU state is loaded */
	uint64_t tsc_deadline;                  /* (own) host timer, ticks; 0: not armed */
	uint64_t interrupts;                    /* (own) taken since boot */
	uint64_t stale_interrupts;              /* (own) of vectors that nobody has (any more) */

	struct cpu_counters count; /* (own) */

	struct inbox inbox;
	uint32_t kicked; /* (shared) a kick is on its way */

	phys_t host_vmcb;         /* VMSAVE area of the host */
	uint64_t asid_generation; /* (own) svm/asid.h */
	uint32_t online;          /* (shared) it has come up: smp.c */
} __attribute__((aligned(64)));

/* Before vmm_main(), by entry.asm: the boot CPU's GDT, IDT, TSS and GS base, so that a fault is
 * reported. */
void cpu_init_boot(void);
/* After clock_init() and lapic_init_cpu(): starts all others listed in the MADT, up to limit in all
 * (0: all). Returns how many run. The others sleep until released. */
uint32_t cpu_init_all(const struct boot_info *boot, uint32_t limit);
uint32_t cpu_count(void);
struct cpu *cpu_by_index(uint32_t index);   /* NULL: none */
struct cpu *cpu_by_apicid(apicid_t apicid); /* NULL: none */
/* Lets the other CPUs go on into entry(cpu); entry doesn't return. */
void cpu_release_all(void (*entry)(struct cpu *cpu));
/* VEC_KICK to another CPU. */
void cpu_kick(struct cpu *target);
/* NMI to all others; they stop for ever. */
void cpu_stop_others(void);
bool cpu_stopping(void);

/* A free dynamic vector of cpu, or 0. Any CPU may call; serialised inside. */
uint8_t cpu_vector_alloc(struct cpu *cpu, enum vector_kind kind, void *owner);
void cpu_vector_free(struct cpu *cpu, uint8_t vector);

#endif
