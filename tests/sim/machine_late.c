/* SPDX-License-Identifier: MIT */
#include "machine_late.h"

#include <string.h>

#define LATE_MAX 64
/* A tail is below the ring's size; an entry has a code in its uppermost bits. */
#define TAIL_END 0x100000u

bool late_writes;

static struct late {
	uint64_t addr, value;
} late[LATE_MAX];
static unsigned count;

static bool is_tail(const struct late *l)
{
	return l->value < TAIL_END;
}

static void arrive(unsigned i)
{
	memcpy((void *)late[i].addr, &late[i].value, sizeof(late[i].value));
	count--;
	memmove(late + i, late + i + 1, (count - i) * sizeof(late[0]));
}

bool late_write(uint64_t addr, const void *from, size_t bytes)
{
	if (!late_writes || bytes != sizeof(late[0].value))
		return false;
	if (count == LATE_MAX)
		arrive(0);
	late[count].addr = addr;
	memcpy(&late[count++].value, from, bytes);
	return true;
}

bool late_arrives(bool tail_first)
{
	if (!count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (is_tail(&late[i]) == tail_first) {
			arrive(i);
			return true;
		}
	arrive(0);
	return true;
}

void late_flush(void)
{
	while (count)
		arrive(0);
}

unsigned late_count(void)
{
	return count;
}
