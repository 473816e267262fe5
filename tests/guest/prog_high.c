/* SPDX-License-Identifier: MIT */
/* Memory above 4 GiB ("pci = virtual"): all of it is there and is nobody else's, the edu device's
 * DMA reaches it from its first byte to its last, and not what lies before and behind. */
#include "devices.h"
#include "guest.h"
#include "pci.h"
#include "trap.h"

#define PAGE      4096u
#define ALIAS     (16u << 20) /* the same place from 0 on and from 4 GiB on: the lower 32 bits */
#define PATTERN   0x6869676800000000ull
#define UNTOUCHED 0x5aa55aa55aa55aa5ull

enum { VEC_DMA = 0x55 };

static volatile uint64_t done;
static uint64_t started;
static int edu;

static void on_dma(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	edu_ack(edu);
	done++;
}

static volatile uint64_t *word(uint64_t at)
{
	return (volatile uint64_t *)(uintptr_t)at;
}

static void wait(void)
{
	started++;
	irq_disable();
	while (done < started) {
		irq_enable_and_halt();
		irq_disable();
	}
	irq_enable();
}

static bool setup(void)
{
	unsigned slot = pci_find(EDU_ID);

	if (!slot)
		return false;
	edu = (int)slot - 1;
	pci_write(slot, PCI_COMMAND, 2, PCI_MEMORY | PCI_MASTER);
	pci_tell_driver(slot);
	trap_handler(VEC_DMA, on_dma);
	msi_write(slot, 0, VEC_DMA);
	msi_on(slot);
	irq_enable();
	return true;
}

/* A word in each page, all different, so that no two pages are one. */
static bool is_memory(uint64_t from, uint64_t end)
{
	uint64_t wrong = 0;

	for (uint64_t at = from; at < end; at += PAGE)
		*word(at) = PATTERN + at;
	*word(ALIAS) = UNTOUCHED;
	for (uint64_t at = from; at < end; at += PAGE)
		wrong += *word(at) != PATTERN + at;
	print("high: %lx to %lx: %lu pages wrong\n", from, end, wrong);
	return !wrong;
}

static void copy(uint64_t from, uint64_t to)
{
	edu_copy_in(edu, from, PAGE);
	wait();
	edu_copy_out(edu, to, PAGE);
	wait();
}

static bool same(uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < PAGE; i += 8)
		if (*word(a + i) != *word(b + i))
			return false;
	return true;
}

/* There and back: from the last page to the first, and to low memory. */
static bool dma(uint64_t from, uint64_t end)
{
	uint64_t last = end - PAGE, low = 2 * ALIAS;
	bool ok;

	for (unsigned i = 0; i < PAGE; i += 8)
		*word(last + i) = ~(PATTERN + i);
	copy(last, from);
	ok = same(last, from);
	copy(from, from + ALIAS);
	ok = same(last, from + ALIAS) && *word(ALIAS) == UNTOUCHED && ok;
	copy(from + ALIAS, low);
	ok = same(last, low) && ok;
	print("high: DMA: %s\n", ok ? "copied" : "WRONG");
	return ok;
}

void program_high(uint32_t index)
{
	const struct guest_info *info = guest_info();
	uint64_t end = GUEST_HIGH_GPA + info->high_bytes;
	bool ok;

	if (index)
		return;
	print("high: %lu MiB low, %lu MiB high\n", info->memory_bytes >> 20,
		info->high_bytes >> 20);
	ok = info->high_bytes && setup() && is_memory(GUEST_HIGH_GPA, end) &&
	     dma(GUEST_HIGH_GPA, end);
	/* Into the hole, to its end, and beyond all memory. The first of a device's is an event at
	 * the IOMMU, which keeps quiet about the others. */
	if (ok && args_number("outside", 1)) {
		copy(GUEST_HIGH_GPA, info->memory_bytes);
		copy(GUEST_HIGH_GPA, GUEST_HIGH_GPA - PAGE);
		copy(GUEST_HIGH_GPA, end);
	}
	test_end("high", ok && *word(ALIAS) == UNTOUCHED);
}
