/* SPDX-License-Identifier: MIT */
#include "trace_ring.h"

#include "cpu.h"
#include "page.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/shared.h>

#define ENTRIES_MIN 128u /* a page */
#define ENTRIES_MAX (1u << 20)

struct trace_ring trace_rings[CPU_MAX];

err_t trace_ring_init(uint32_t cpus, uint32_t entries)
{
	uint32_t size = ENTRIES_MIN;

	while (size < entries && size < ENTRIES_MAX)
		size *= 2;
	for (uint32_t i = 0; i < cpus; i++) {
		phys_t memory = page_alloc(size * sizeof(struct trace_record) / PAGE_BYTES, 1);

		if (memory.v == PHYS_NONE.v)
			return ERR_NOMEM;
		trace_rings[i] =
			(struct trace_ring){ .record = phys_to_virt(memory), .mask = size - 1 };
	}
	return OK;
}

bool trace_ring_on(void)
{
	return trace_rings[0].record;
}

/* A reader on another CPU takes nothing from a record whose sequence is 0, or has changed while he
 * read: stores stay in order. */
__attribute__((noinline)) void trace_ring_write(const struct cpu *cpu, enum trace_kind kind,
	unsigned x, unsigned vcpu, uint64_t a, uint64_t b)
{
	struct trace_ring *ring = &trace_rings[cpu->index];

	if (!ring->record)
		return;

	uint32_t n = ring->last + 1 ? ring->last + 1 : 1;
	struct trace_record *to = &ring->record[n & ring->mask];

	shared_store32(&to->sequence, 0);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	to->ticks = cpu_ticks();
	to->kind = (uint8_t)kind;
	to->x = (uint8_t)x;
	to->vcpu = (uint16_t)vcpu;
	to->a = a;
	to->b = b;
	shared_store32(&to->sequence, n);
	shared_store32(&ring->last, n);
}

bool trace_ring_read(uint32_t cpu, uint32_t n, struct trace_record *out)
{
	const struct trace_ring *ring = &trace_rings[cpu];

	if (!ring->record || !n)
		return false;

	const struct trace_record *from = &ring->record[n & ring->mask];

	if (shared_load32(&from->sequence) != n)
		return false;
	*out = *from;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return shared_load32(&from->sequence) == n;
}

struct trace_span trace_ring_span(uint32_t cpu)
{
	const struct trace_ring *ring = &trace_rings[cpu];
	uint32_t last = ring->record ? shared_load32(&ring->last) : 0;

	return (struct trace_span){ .first = last > ring->mask ? last - ring->mask : 1,
		.last = last };
}
