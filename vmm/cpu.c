/* SPDX-License-Identifier: MIT */
/* The table of CPUs, kicks, and the vectors of each. */
#include "cpu.h"
#include "base/check.h"
#include "base/lib.h"
#include "cpu_arch.h"
#include "drivers/lapic.h"
#include "smp.h"
#include "vectors.h"
#include <hw/shared.h>

_Static_assert(CPU_MAX == CONFIG_CPUS, "the grammar checks CPU numbers by its own name");
_Static_assert(offsetof(struct cpu, self) == 0, "this_cpu() reads gs:0");

static struct cpu cpus[CPU_MAX]; /* boot CPU first; its own from count on: nobody's */
static uint32_t count;           /* grows while only the boot CPU runs code that looks */
static uint32_t stopping;
static struct spinlock vectors_lock; /* rank INBOX; who gets which vector */

static void prepare(struct cpu *cpu, apicid_t apicid)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->self = cpu;
	cpu->index = (uint32_t)(cpu - cpus);
	cpu->apicid = apicid;
}

void cpu_init_boot(void)
{
	prepare(&cpus[0], 0);
	cpu_arch_init(&cpus[0]);
	count = 1;
}

uint32_t cpu_init_all(const struct boot_info *boot, uint32_t limit)
{
	cpus[0].apicid = lapic_id();
	cpus[0].online = 1;
	lapic_timer_init();
	smp_start_others(boot, limit ? limit : CPU_MAX);
	cpu_drop_identity_map();
	return count;
}

struct cpu *cpu_next_slot(apicid_t apicid)
{
	if (count == CPU_MAX)
		return NULL;
	prepare(&cpus[count], apicid);
	return &cpus[count];
}

void cpu_add(struct cpu *cpu)
{
	CHECK(cpu == &cpus[count]);
	count++;
}

uint32_t cpu_count(void)
{
	return count;
}

struct cpu *cpu_by_index(uint32_t index)
{
	return index < count ? &cpus[index] : NULL;
}

struct cpu *cpu_by_apicid(apicid_t apicid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (cpus[i].apicid == apicid)
			return &cpus[i];
	}
	return NULL;
}

void cpu_kick(struct cpu *target)
{
	/* [model protocol:kick] Whoever finds the flag set has nothing to send: see sched_inbox().
	 */
	if (!shared_swap32(&target->kicked, 1))
		lapic_send(target->apicid, VEC_KICK);
}

void cpu_stop_others(void)
{
	shared_store32(&stopping, 1);
	for (uint32_t i = 0; i < count; i++) {
		if (&cpus[i] != this_cpu())
			lapic_send_nmi(cpus[i].apicid);
	}
}

bool cpu_stopping(void)
{
	return shared_load32(&stopping);
}

uint8_t cpu_vector_alloc(struct cpu *cpu, enum vector_kind kind, void *owner)
{
	uint8_t found = 0;

	spin_lock(&vectors_lock);
	for (uint32_t v = VEC_DYNAMIC_FIRST; v <= VEC_DYNAMIC_LAST; v++) {
		struct vector_use *use = &cpu->vectors[v];

		if (use->kind != VECTOR_FREE)
			continue;
		use->owner = owner; /* before kind: cpu's trap_interrupt() looks at kind first */
		__atomic_store_n(&use->kind, kind, __ATOMIC_RELEASE);
		found = (uint8_t)v;
		break;
	}
	spin_unlock(&vectors_lock);
	return found;
}

void cpu_vector_free(struct cpu *cpu, uint8_t vector)
{
	CHECK(vector >= VEC_DYNAMIC_FIRST && vector <= VEC_DYNAMIC_LAST);
	spin_lock(&vectors_lock);
	cpu->vectors[vector].kind = VECTOR_FREE;
	spin_unlock(&vectors_lock);
}
