/* SPDX-License-Identifier: MIT */
/* The monitor's tables. Counters are read while their owners count on: each number is right at some
 * moment of the command. */
#include "monitor.h"

#include <stdarg.h>
#include "base/lib.h"
#include "base/log.h"
#include "counters.h"
#include "cpu.h"
#include "cpu_time.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "vcpu.h"
#include "vm.h"
#include "wake.h"
#include <hw/shared.h>

static const char *const delivery_names[] = { "auto", "emulated", "posted" };
static const char *const halt_names[] = { "auto", "native", "galog", "gappi", "gappi-shared" };

void monitor_print(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	fmt_textv(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	size_t length = strlen(line);

	line[length] = '\n';
	log_text(line, length + 1);
}

static const char *state_of(const struct vm *vm)
{
	if (!shared_load32(&vm->stopped))
		return "running";
	return restart_under_way(vm) ? "starts anew" : "stopped";
}

static uint64_t vm_ms(const struct vm *vm)
{
	uint64_t ms = 0;

	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		ms += cpu_time_ms(&vm->vcpus[i]);
	return ms;
}

static uint64_t vm_exits(const struct vm *vm)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		n += vcpu_exits(&vm->vcpus[i].stats);
	return n;
}

void monitor_show_vms(void)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		const struct vm *vm = vm_by_index(i);

		monitor_print("%u %s: %s, %u vCPUs, %lu ms of CPU time (sampled), %lu exits", i + 1,
			vm->config->name, state_of(vm), vm->vcpu_count, vm_ms(vm), vm_exits(vm));
		monitor_print("  delivery %s: %s; halt %s: %s", delivery_names[vm->delivery],
			vm->delivery_why, halt_names[vm->halt], vm->halt_why);
	}
}

static void show_vcpus(const struct vm *vm)
{
	static const char *const states[] = { "offline", "runnable", "running", "blocked",
		"stopped" };

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *v = &vm->vcpus[i];
		uint32_t state = shared_load32(&v->state);

		monitor_print("%s vCPU %u: %s on CPU %u, priority %u, %lu ms, %lu exits, %lu halts "
			      "(%lu called off), %lu wakes (%lu spurious)",
			vm->config->name, i, state < ARRAY_COUNT(states) ? states[state] : "?",
			v->home->index, v->priority, cpu_time_ms(v), vcpu_exits(&v->stats),
			v->stats.blocks, v->stats.block_cancels, v->stats.wakes,
			v->stats.spurious_wakes);
	}
}

static void show_exits(const struct vm *vm)
{
	monitor_print("%s: %lu exits", vm->config->name, vm_exits(vm));
	for (unsigned kind = 0; kind < SVM_EXIT_KINDS; kind++) {
		uint64_t n = 0;

		for (uint32_t i = 0; i < vm->vcpu_count; i++)
			n += vm->vcpus[i].stats.exits[kind];
		if (n)
			monitor_print("  %lu %s", n, vmexit_name((enum vmexit_kind)kind));
	}
}

/* Takes the device's lock for each message: routes change meanwhile. */
static void show_message(struct vm *vm, struct assigned_irq *irq)
{
	struct assigned_device *d = irq->device;
	devid_t id = d->pci->id;

	spin_lock(&d->lock);
	const struct vcpu *target = irq->target;
	uint8_t vector = irq->guest_vector;
	bool posted = irq->posted;

	spin_unlock(&d->lock);
	if (!target)
		return;
	if (posted)
		monitor_print("  %02x:%02x.%u message %u to vCPU %u vector %02xh: posted: %s",
			id >> 8, id >> 3 & 0x1f, id & 7u, irq->message, target->index, vector,
			vm->delivery_why);
	else
		monitor_print("  %02x:%02x.%u message %u to vCPU %u vector %02xh: remapped to CPU "
			      "%u, injected, %lu so far: %s",
			id >> 8, id >> 3 & 0x1f, id & 7u, irq->message, target->index, vector,
			target->home->index, irq->host_interrupts, vm->delivery_why);
}

static void show_line(const struct intx_line *line)
{
	devid_t id = line->device->pci->id;

	monitor_print("  %02x:%02x.%u INTx, GSI %u to pin %u: remapped, %lu so far, then by the "
		      "virtual I/O APIC: a wire can't be posted",
		id >> 8, id >> 3 & 0x1f, id & 7u, line->gsi, line->guest_pin, line->interrupts);
}

static void show_irqs(struct vm *vm)
{
	bool posted = vm->delivery == DELIVERY_POSTED;
	const struct assigned_device *d;

	monitor_print("%s: delivery %s: %s", vm->config->name, delivery_names[vm->delivery],
		vm->delivery_why);
	monitor_print("  IPIs: %s", posted ? "posted by AVIC" : "emulated: no AVIC in this mode");
	monitor_print("  APIC timer: emulated: AVIC has none");
	if (vm->hpet.device.vm)
		monitor_print("  HPET: %s", vm->hpet.mapped
						    ? "the guest sets it without exits"
						    : "trapped: its messages are being set up");
	for (uint32_t i = 0; (d = vm_source(vm, i)); i++) {
		for (uint32_t n = 0; n < d->irq_count; n++)
			show_message(vm, &d->irq[n]);
		if (d->line)
			show_line(d->line);
	}
}

void monitor_show_vcpus(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		if (!vm || vm == vm_by_index(i))
			show_vcpus(vm_by_index(i));
	}
}

void monitor_show_exits(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		if (!vm || vm == vm_by_index(i))
			show_exits(vm_by_index(i));
	}
}

void monitor_show_irqs(struct vm *vm)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		if (!vm || vm == vm_by_index(i))
			show_irqs(vm_by_index(i));
	}
}

void monitor_show_wakes(void)
{
	static const char *const names[] = { "none", "galog", "gappi" };
	uint32_t word = shared_load32(&wake_word);

	monitor_print("mechanism %s, switched %u times", names[wake_mechanism(word)], word >> 8);
	monitor_show_counters("mechanism ");
}

void monitor_show_counters(const char *kind)
{
	struct counters_cursor at = { 0 };
	char line[256];

	while (counters_next(&at, line, sizeof(line))) {
		if (strncmp(line, kind, strlen(kind)) == 0)
			monitor_print("%s", line);
	}
}

void monitor_show_cpus(void)
{
	for (uint32_t i = 0; i < cpu_count(); i++) {
		const struct cpu *cpu = cpu_by_index(i);
		const struct vcpu *v = __atomic_load_n(&cpu->current, __ATOMIC_RELAXED);

		if (v)
			monitor_print("CPU %u: runs %s vCPU %u; idle %lu ms, %lu interrupts, %lu "
				      "stale",
				i, v->vm->config->name, v->index, cpu_idle_ms(i), cpu->interrupts,
				cpu->stale_interrupts);
		else
			monitor_print("CPU %u: idle; idle %lu ms, %lu interrupts, %lu stale", i,
				cpu_idle_ms(i), cpu->interrupts, cpu->stale_interrupts);
	}
}
