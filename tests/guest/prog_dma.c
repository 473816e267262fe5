/* SPDX-License-Identifier: MIT */
/* DMA by the edu device: inside the guest's memory it works, outside nothing must happen. */
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define BYTES      256
#define INTERRUPTS 0xfee00000ull /* where a write of four bytes is a message */

#define EDUS  4
#define PIECE (BYTES / EDUS)

enum { VEC_DMA = 0x55, VEC_COPY = 0x60 };

static volatile uint64_t done;
static int edu;
static uint8_t source[BYTES] __attribute__((aligned(4096)));
static uint8_t target[BYTES] __attribute__((aligned(4096)));

static void on_dma(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	edu_ack(edu);
	done++;
}

/* The end of a copy raises an interrupt, 100 ms of the machine's time later. */
static void halt_until_done(uint64_t n)
{
	irq_disable();
	while (done < n) {
		irq_enable_and_halt();
		irq_disable();
	}
	irq_enable();
}

static bool same(void)
{
	for (unsigned i = 0; i < BYTES; i++) {
		if (target[i] != source[i])
			return false;
	}
	return true;
}

void program_dma(uint32_t index)
{
	uint64_t outside = guest_info()->memory_bytes + (16 << 20);
	bool inside_ok;

	if (index)
		return;
	edu = edu_find(0);
	if (edu == DEVICE_MISSING)
		test_end("dma-outside", false);
	trap_handler(VEC_DMA, on_dma);
	if (!device_route(edu, 0, 0, VEC_DMA))
		test_end("dma-outside", false);
	for (unsigned i = 0; i < BYTES; i++)
		source[i] = (uint8_t)(i * 7 + 1);
	edu_copy_in(edu, (uintptr_t)source, BYTES);
	halt_until_done(1);
	edu_copy_out(edu, (uintptr_t)target, BYTES);
	halt_until_done(2);
	inside_ok = same();
	print("dma-outside: inside: %s\n", inside_ok ? "copied" : "WRONG");
	edu_copy_out(edu, outside, BYTES);
	halt_until_done(3);
	print("dma-outside: outside: fired at %lx\n", outside);
	edu_copy_in(edu, outside, BYTES);
	halt_until_done(4);
	test_end("dma-outside", inside_ok);
}

/* Messages that its device has no table entry for, or must not send at all (data=), count=N of
 * them: each is an event at the IOMMU. */
void program_forge(uint32_t index)
{
	uint64_t count = args_number("count", 40);

	if (index)
		return;
	edu = edu_find(0);
	if (edu == DEVICE_MISSING)
		test_end("forge", false);
	trap_handler(VEC_DMA, on_dma);
	if (!device_route(edu, 0, 0, VEC_DMA))
		test_end("forge", false);
	*(uint32_t *)source = (uint32_t)args_number("data", 0x7ff);
	edu_copy_in(edu, (uintptr_t)source, 4);
	halt_until_done(1);
	print("forge: sends %x\n", *(uint32_t *)source);
	for (uint64_t i = 1; i <= count; i++) {
		edu_copy_out(edu, INTERRUPTS, 4);
		halt_until_done(i + 1);
	}
	print("forge: %lu messages, %lu interrupts\n", count, done);
	test_end("forge", done == count + 1);
}

static volatile uint64_t copies[EDUS];

static void on_copy(uint32_t vcpu, uint8_t vector)
{
	unsigned n = vector - VEC_COPY;

	(void)vcpu;
	edu_ack(edu_find(n));
	copies[n]++;
	done++;
}

/* Each edu copies a piece in and out again, all at the same time, and says so by its own vector. */
void program_copies(uint32_t index)
{
	unsigned count = 0;
	bool ok = true;

	if (index)
		return;
	for (; count < EDUS && edu_find(count) != DEVICE_MISSING; count++) {
		trap_handler((uint8_t)(VEC_COPY + count), on_copy);
		ok &= device_route(edu_find(count), 0, 0, (uint8_t)(VEC_COPY + count));
	}
	for (unsigned i = 0; i < BYTES; i++)
		source[i] = i < count * PIECE ? (uint8_t)(i * 7 + 1) : 0;
	for (unsigned n = 0; n < count; n++)
		edu_copy_in(edu_find(n), (uintptr_t)&source[n * PIECE], PIECE);
	halt_until_done(count);
	for (unsigned n = 0; n < count; n++)
		edu_copy_out(edu_find(n), (uintptr_t)&target[n * PIECE], PIECE);
	halt_until_done(2 * count);
	for (unsigned n = 0; n < count; n++)
		ok &= copies[n] == 2;
	print("copies: by %u devices: %s\n", count, same() ? "copied" : "WRONG");
	test_end("copies", ok && count && same());
}
