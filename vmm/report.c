// SPDX-License-Identifier: MIT
#include "report.h"

#include "base/lib.h"
#include "base/log.h"
#include "cpu.h"
#include "iommu/iommu.h"
#include "vcpu.h"
#include "vm.h"

static void gather_vcpu(const struct vcpu_stats *s, struct hc_counters *out)
{
	out->exits += vcpu_exits(s);
	out->exits_hlt += s->exits[VMEXIT_KIND_HLT];
	out->exits_intr += s->exits[VMEXIT_KIND_INTR];
	out->exits_hypercall += s->exits[VMEXIT_KIND_HYPERCALL];
	out->exits_ipi += s->exits[VMEXIT_KIND_AVIC_IPI];
	out->exits_noaccel += s->exits[VMEXIT_KIND_AVIC_NOACCEL];
	out->exits_npf += s->exits[VMEXIT_KIND_NPF];
	out->blocks += s->blocks;
	out->block_cancels += s->block_cancels;
	out->wakes += s->wakes;
	out->spurious_wakes += s->spurious_wakes;
	out->parked_bits += s->parked_bits;
	out->preemptions += s->preemptions;
}

/* Other CPUs count on while we add up: each number is right at some moment of the call. */
void report_gather(struct vm *vm, struct hc_counters *out)
{
	*out = (struct hc_counters){ 0 };
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		gather_vcpu(&vm->vcpus[i].stats, out);
	for (uint32_t i = 0; i < cpu_count(); i++)
		out->host_interrupts += cpu_by_index(i)->interrupts;
	const struct assigned_device *d;

	for (uint32_t i = 0; (d = vm_source(vm, i)); i++) {
		for (uint32_t n = 0; n < d->irq_count; n++)
			out->device_interrupts += d->irq[n].host_interrupts;
	}
	for (uint32_t i = 0; i < iommu_count(); i++) {
		const struct iommu *u = iommu_by_index(i);

		out->galog_entries += u->galog.entries;
		out->galog_overflows += u->galog.overflows;
		out->iommu_mmio_reads += u->mmio_reads;
		out->iommu_mmio_writes += u->mmio_writes;
		out->iommu_commands += u->cmd.commands;
	}
}

#define LINE_BYTES 1024
#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct hc_counters, name)                                          \
	}

void report_mark(struct vm *vm, uint32_t arm, bool begin)
{
	static const struct {
		const char *name;
		size_t at;
	} members[] = { COUNTER(exits), COUNTER(exits_hlt), COUNTER(exits_intr),
		COUNTER(exits_hypercall), COUNTER(exits_ipi), COUNTER(exits_noaccel),
		COUNTER(exits_npf), COUNTER(blocks), COUNTER(block_cancels), COUNTER(wakes),
		COUNTER(spurious_wakes), COUNTER(parked_bits), COUNTER(preemptions),
		COUNTER(host_interrupts), COUNTER(device_interrupts), COUNTER(galog_entries),
		COUNTER(galog_overflows), COUNTER(iommu_mmio_reads), COUNTER(iommu_mmio_writes),
		COUNTER(iommu_commands) };
	struct hc_counters c;
	char line[LINE_BYTES];
	size_t used;

	_Static_assert(ARRAY_COUNT(members) * sizeof(uint64_t) == sizeof(c), "a member is missing");
	report_gather(vm, &c);
	used = (size_t)fmt_text(
		line, sizeof(line), "REPORT counters arm=%u edge=%s", arm, begin ? "begin" : "end");
	for (unsigned i = 0; i < ARRAY_COUNT(members); i++)
		used += (size_t)fmt_text(line + used, sizeof(line) - used, " %s=%llu",
			members[i].name,
			*(const unsigned long long *)((const char *)&c + members[i].at));
	used += (size_t)fmt_text(line + used, sizeof(line) - used, "\n");
	log_text(line, used);
}

static bool belongs_into_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

void report_result(const struct arm_result *r)
{
	static const char *const states[] = { "done", "skipped", "failed" };
	char name[sizeof(r->name) + 1];
	char line[256];
	size_t n = 0;

	while (n < sizeof(r->name) && belongs_into_name(r->name[n])) {
		name[n] = r->name[n];
		n++;
	}
	name[n] = 0;
	log_text(line,
		(size_t)fmt_text(line, sizeof(line),
			"REPORT result arm=%u name=%s state=%s sent=%llu delivered=%llu "
			"duplicates=%llu lost=%llu\n",
			r->arm, name, r->state < ARRAY_COUNT(states) ? states[r->state] : "failed",
			(unsigned long long)r->sent, (unsigned long long)r->delivered,
			(unsigned long long)r->duplicates, (unsigned long long)r->lost));
}
