/* SPDX-License-Identifier: MIT */
/* The hardware under the hypervisor's files: the seam, and stand-ins for files that need a machine.
 */
#include "setup.h"

#include <stdio.h>

#include "drivers/clock.h"
#include "drivers/lapic.h"
#include "drivers/pci.h"
#include "exit_mmio.h"
#include "exit_parts.h"
#include "guest/startup.h"
#include "svm/fpu.h"
#include "sched.h"
#include "place.h"
#include "slow.h"
#include "storm.h"
#include "trace_ring.h"
#include "vectors.h"
#include <hw/sim.h>

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	sim_drain();
	return machine_mmio_read((uint32_t)((const volatile uint8_t *)p - machine_window), bytes);
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	sim_drain();
	machine_mmio_write((uint32_t)((volatile uint8_t *)p - machine_window), bytes, v);
}

/* The part of it that is about halted vCPUs. */
uint64_t slow_tick(struct cpu *here, uint64_t now)
{
	uint64_t due = storm_tick(here, now);

	if (here->index)
		return due;
	wake_backstop(here);
	now += clock_us_to_ticks(SLOW_US);
	return due && due < now ? due : now;
}

uint64_t sim_ticks(void)
{
	return rig_now += 10;
}

void sim_doorbell(uint32_t apicid)
{
	machine_doorbell(apicid); /* no barrier: R24 */
}

static void dispatch(struct cpu *cpu, uint8_t vector)
{
	const struct vector_use *use = &cpu->vectors[vector];

	switch (vector) {
	case VEC_GALOG:
		wake_from_galog(cpu);
		return;
	case VEC_GAPPI_SHARED:
		wake_from_gappi_shared(cpu);
		return;
	case VEC_KICK:
		sched_inbox(cpu);
		return;
	case VEC_GALOG_MOVE:
		place_obey(cpu);
		return;
	case VEC_TIMER:
		sched_tick(cpu);
		return;
	default:
		break;
	}
	if (use->kind == VECTOR_GAPPI) {
		wake_from_gappi_own(cpu, use->owner);
	} else if (use->kind == VECTOR_DEVICE) {
		assign_host_interrupt(cpu, use->owner);
	} else {
		printf("vector %#x is nobody's\n", vector);
		machine_strict++;
	}
}

void sim_take_interrupts(void)
{
	struct cpu *cpu = sim_cpu;
	int vector;

	sim_drain();
	while ((vector = machine_pending(cpu->index)) >= 0) {
		machine_ack(cpu->index, (uint8_t)vector);
		cpu->interrupts++;
		dispatch(cpu, (uint8_t)vector);
	}
}

/* ---- what stands in for files that need the machine itself ---- */

void cpu_kick(struct cpu *target)
{
	if (!shared_swap32(&target->kicked, 1))
		machine_interrupt(target->index, VEC_KICK);
}

uint8_t cpu_vector_alloc(struct cpu *cpu, enum vector_kind kind, void *owner)
{
	for (unsigned v = VEC_DYNAMIC_FIRST; v <= VEC_DYNAMIC_LAST; v++)
		if (cpu->vectors[v].kind == VECTOR_FREE) {
			cpu->vectors[v] = (struct vector_use){ owner, kind };
			return (uint8_t)v;
		}
	return 0;
}

uint32_t vm_count(void)
{
	return 1;
}

struct vm *vm_by_index(uint32_t i)
{
	return &rig_vm;
}

bool vm_has_x2apic(const struct vm *vm)
{
	return true;
}

void vm_set_apic_mode(struct vcpu *v, enum vapic_mode mode)
{
}

bool notice_count(struct notices *n, enum notice_kind kind)
{
	return false;
}

void notice(struct vm *vm, enum notice_kind kind, const char *fmt, ...)
{
}

struct cpu *cpu_by_index(uint32_t index)
{
	return index < rig_cpus ? &rig_cpu[index] : NULL;
}

uint32_t cpu_count(void)
{
	return rig_cpus;
}

void lapic_send(apicid_t target, uint8_t vector)
{
	for (unsigned i = 0; i < rig_cpus; i++)
		if (rig_cpu[i].apicid == target)
			machine_interrupt(i, vector);
}

void lapic_timer_arm(uint64_t deadline_ticks)
{
	rig_timer[sim_cpu->index] = deadline_ticks;
}

/* No story has INIT, startup messages or NMIs, nor another APIC access that exits. */
static void never(const char *what)
{
	printf("%s: not in the simulation\n", what);
	machine_strict++;
}

void startup_send_init(struct cpu *here, struct vcpu *to)
{
	never("INIT");
}

void startup_send_sipi(struct cpu *here, struct vcpu *to, uint8_t page)
{
	never("startup message");
}

void startup_send_nmi(struct cpu *here, struct vcpu *to)
{
	never("NMI");
}

void exit_mmio_apic(struct cpu *here, struct vcpu *v, uint32_t offset)
{
	never("APIC page");
}

void exit_msr(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	never("MSR");
}

void vioapic_eoi(struct cpu *here, struct vm *vm, uint8_t vector)
{
	never("EOI to an I/O APIC");
}

bool startup_take(struct cpu *here, struct vcpu *v, uint32_t events)
{
	return false;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * 1000;
}

uint64_t clock_ticks_to_us(uint64_t ticks)
{
	return ticks / 1000;
}

void trace_print(uint32_t cpu, uint32_t count)
{
}

void vm_stop(struct cpu *here, struct vm *vm, const char *why)
{
	printf("vm_stop: %s\n", why);
	machine_strict++;
}

void svm_fpu_switch(struct cpu *cpu, struct svm_vcpu *from, struct svm_vcpu *to)
{
}

void svm_flush(struct svm_vcpu *s)
{
}

uint32_t pci_read(devid_t id, uint16_t offset, unsigned bytes)
{
	uint32_t v = id == 0x0002 ? machine_pci_read(offset) : 0;

	return bytes == 4 ? v : v & ((1u << 8 * bytes) - 1);
}

void pci_write(devid_t id, uint16_t offset, unsigned bytes, uint32_t value)
{
	if (id == 0x0002 && bytes == 4)
		machine_pci_write(offset, value);
}

uint16_t pci_find_cap(devid_t id, uint8_t cap)
{
	return 0;
}

/* The real one needs the CPU's features; what is left of it for a vCPU of ours. */
void vm_apply_mode(struct vcpu *v)
{
	v->halt = rig_vm.halt;
	v->delivery = rig_vm.delivery;
	vcpu_retarget(v);
}
