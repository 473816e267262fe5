/* SPDX-License-Identifier: MIT */
/* Interrupts, doorbells and an IOMMU that posts, as atomic words; and what stands in for files that
 * need a machine. */
#include "guest/startup.h"
#include "machine.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "iommu/galog.h"
#include "iommu/gappi.h"
#include "place.h"
#include "sched.h"
#include "slow.h"
#include "storm.h"
#include "svm/fpu.h"
#include "vectors.h"
#include <hw/cpu.h>

#define IRR_WORDS 8
#define LOG_SIZE  1024

static struct {
	uint32_t pending[CPU_VECTORS]; /* atomic */
	uint32_t any;                  /* atomic: some are */
	uint32_t doorbell;             /* atomic */
} core[T_CPUS];

static struct iommu unit;
static struct irte irtes[T_MESSAGES] __attribute__((aligned(16)));
static struct post posts[T_MESSAGES];
static enum wake_mechanism hardware;
static pthread_mutex_t post_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t vector_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t log_entry[LOG_SIZE];
static unsigned log_head, log_tail;
static _Thread_local struct cpu *own;

static uint32_t cpu_of(apicid_t apicid)
{
	for (uint32_t i = 0; i < T_CPUS; i++)
		if (t_cpu[i].apicid == apicid)
			return i;
	abort();
}

void t_interrupt(uint32_t cpu, uint8_t vector)
{
	__atomic_store_n(&core[cpu].pending[vector], 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&core[cpu].any, 1, __ATOMIC_SEQ_CST);
}

bool t_interrupt_pending(uint32_t cpu)
{
	return __atomic_load_n(&core[cpu].any, __ATOMIC_SEQ_CST);
}

void t_doorbell_reset(uint32_t cpu)
{
	__atomic_store_n(&core[cpu].doorbell, 0, __ATOMIC_SEQ_CST);
}

bool t_doorbell_taken(uint32_t cpu)
{
	return __atomic_exchange_n(&core[cpu].doorbell, 0, __ATOMIC_SEQ_CST);
}

void sim_doorbell(uint32_t apicid)
{
	__atomic_store_n(&core[cpu_of(apicid)].doorbell, 1, __ATOMIC_SEQ_CST);
}

static void log_append(uint32_t gatag)
{
	pthread_mutex_lock(&log_lock);
	log_entry[log_tail++ % LOG_SIZE] = gatag;
	pthread_mutex_unlock(&log_lock);
	t_interrupt(cpu_of(unit.galog_apicid), VEC_GALOG);
}

/* Posts of one page are serialised. true: the whole IRR was clear. */
static bool set_irr(struct vapic *page, uint8_t vector)
{
	uint32_t *irr = &page->reg[VAPIC_IRR / 4];
	uint32_t any;

	pthread_mutex_lock(&post_lock);
	any = __atomic_fetch_or(irr + vector / 32 * 4, 1u << vector % 32, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < IRR_WORDS; i++)
		if (i != vector / 32u)
			any |= __atomic_load_n(irr + i * 4, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&post_lock);
	return !any;
}

void t_post(uint32_t m)
{
	struct vcpu *v = &t_vcpu[m / 2];
	bool first = set_irr(v->avic.page, t_vector(m));
	uint64_t now = __atomic_load_n(&irtes[m].q[0], __ATOMIC_SEQ_CST);
	apicid_t to = (apicid_t)(now >> 8 & 0xffffff);
	uint32_t gatag = (uint32_t)(now >> 32);

	/* 48882 rev 3.11, "Guest Virtual APIC": bit 6 IsRun, 5 GAPPIDis, 2 GALogIntr. */
	if (now & 1u << 6)
		sim_doorbell(to);
	else if (hardware == WAKE_GAPPI && first && !(now & 1u << 5))
		t_interrupt(cpu_of(to), (uint8_t)gatag);
	else if (hardware == WAKE_GALOG && (now & 1u << 2))
		log_append(gatag);
}

/* The device's messages are attached to their vCPUs; the mechanism is on. */
void t_hardware_init(enum wake_mechanism mechanism)
{
	hardware = mechanism;
	wake_word = (uint32_t)mechanism;
	unit.galog.enabled = mechanism == WAKE_GALOG;
	unit.galog_apicid = t_cpu[0].apicid;
	for (uint32_t m = 0; m < T_MESSAGES; m += 2) {
		posts[m] = (struct post){ .irte = &irtes[m],
			.iommu = &unit,
			.vector = t_vector(m),
			.gappi_dis = 1u << 5,
			.galog_intr = 1u << 2 };
		list_init(&posts[m].link);
		avic_attach(&t_vcpu[m / 2].avic, &posts[m]);
	}
}

static void dispatch(struct cpu *cpu, uint8_t vector)
{
	const struct vector_use *use = &cpu->vectors[vector];

	if (vector == VEC_GALOG)
		wake_from_galog(cpu);
	else if (vector == VEC_GAPPI_SHARED)
		wake_from_gappi_shared(cpu);
	else if (vector == VEC_KICK)
		sched_inbox(cpu);
	else if (use->kind == VECTOR_GAPPI)
		wake_from_gappi_own(cpu, use->owner);
	else
		abort();
}

void t_thread_of(struct cpu *cpu)
{
	own = cpu;
}

uint64_t sim_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void sim_take_interrupts(void)
{
	uint32_t i = own->index;

	while (__atomic_exchange_n(&core[i].any, 0, __ATOMIC_SEQ_CST))
		for (unsigned v = 0; v < CPU_VECTORS; v++)
			if (__atomic_load_n(&core[i].pending[v], __ATOMIC_SEQ_CST) &&
				__atomic_exchange_n(&core[i].pending[v], 0, __ATOMIC_SEQ_CST))
				dispatch(own, (uint8_t)v);
}

void sim_sleep(void)
{
	usleep(1); /* or the others get nothing to do it with */
	sim_take_interrupts();
}

/* ---- what stands in for files that need a machine ---- */

/* As in vmm/cpu.c. */
void cpu_kick(struct cpu *target)
{
	if (!shared_swap32(&target->kicked, 1))
		t_interrupt(target->index, VEC_KICK);
}

uint8_t cpu_vector_alloc(struct cpu *cpu, enum vector_kind kind, void *owner)
{
	uint8_t found = 0;

	pthread_mutex_lock(&vector_lock);
	for (unsigned v = VEC_DYNAMIC_FIRST; v <= VEC_DYNAMIC_LAST && !found; v++) {
		if (cpu->vectors[v].kind != VECTOR_FREE)
			continue;
		cpu->vectors[v] = (struct vector_use){ owner, kind };
		found = (uint8_t)v;
	}
	pthread_mutex_unlock(&vector_lock);
	return found;
}

void lapic_send(apicid_t target, uint8_t vector)
{
	t_interrupt(cpu_of(target), vector);
}

void lapic_timer_arm(uint64_t deadline_ticks)
{
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

/* As without a limit. */
void storm_woken(struct cpu *here, struct vcpu *v)
{
}

void storm_useless(struct vcpu *v)
{
	avic_quiet(&v->avic, &v->state, VCPU_RUNNABLE);
}

uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	return 0;
}

void place_routed(struct cpu *here, struct iommu *u)
{
}

void place_look(struct cpu *here)
{
}

void audit_look(struct cpu *cpu)
{
}

void svm_fpu_switch(struct cpu *cpu, struct svm_vcpu *from, struct svm_vcpu *to)
{
}

void svm_flush(struct svm_vcpu *s)
{
}

bool startup_take(struct cpu *here, struct vcpu *v, uint32_t events)
{
	return false;
}

void vm_apply_mode(struct vcpu *v)
{
	v->halt = t_vm.halt;
	v->delivery = t_vm.delivery;
	vcpu_retarget(v);
}

uint32_t iommu_count(void)
{
	return 1;
}

struct iommu *iommu_by_index(uint32_t index)
{
	return &unit;
}

void galog_begin(struct iommu *u)
{
}

bool galog_next(struct iommu *u, uint32_t *gatag)
{
	bool any;

	pthread_mutex_lock(&log_lock);
	any = log_head != log_tail;
	if (any)
		*gatag = log_entry[log_head++ % LOG_SIZE];
	pthread_mutex_unlock(&log_lock);
	return any;
}

enum galog_state galog_end(struct iommu *u)
{
	return GALOG_EMPTY;
}

err_t galog_restart(struct iommu *u)
{
	return OK;
}

bool galog_overflowed(struct iommu *u)
{
	return false;
}

err_t galog_enable(struct iommu *u)
{
	return OK;
}

err_t galog_disable(struct iommu *u)
{
	return OK;
}

err_t gappi_enable(struct iommu *u)
{
	return OK;
}

void gappi_disable(struct iommu *u)
{
}
