/* SPDX-License-Identifier: MIT */
#include "stores.h"

#include <string.h>

#include "setup.h"
#include <hw/sim.h>

#define BUFFER_STORES 64

bool stores_late;

static struct buffer {
	unsigned count;
	struct store {
		void *where;
		unsigned bytes;
		uint64_t hidden; /* what memory holds for this pCPU or for the others, in turn */
	} store[BUFFER_STORES];
} buffers[MACHINE_CPUS];

static struct buffer *mine(void)
{
	return &buffers[sim_cpu->index];
}

void sim_store(void *p, unsigned bytes)
{
	struct buffer *b = mine();

	if (!stores_late)
		return;
	if (b->count == BUFFER_STORES)
		stores_reach_memory(1);
	b->store[b->count] = (struct store){ .where = p, .bytes = bytes };
	memcpy(&b->store[b->count++].hidden, p, bytes);
}

void sim_drain(void)
{
	mine()->count = 0;
}

unsigned stores_buffered(void)
{
	return mine()->count;
}

void stores_reach_memory(unsigned count)
{
	struct buffer *b = mine();

	b->count -= count;
	memmove(b->store, b->store + count, b->count * sizeof(b->store[0]));
}

static void swap(struct store *s)
{
	uint64_t v = 0;

	memcpy(&v, s->where, s->bytes);
	memcpy(s->where, &s->hidden, s->bytes);
	s->hidden = v;
}

void stores_hide(void)
{
	struct buffer *b = mine();

	for (unsigned i = b->count; i-- > 0;)
		swap(&b->store[i]);
}

void stores_show(void)
{
	struct buffer *b = mine();

	for (unsigned i = 0; i < b->count; i++)
		swap(&b->store[i]);
}

void stores_hidden_from(void (*device)(void))
{
	stores_hide();
	device();
	stores_show();
}
