/* SPDX-License-Identifier: MIT */
/* Programs that live more than once ("restart = always"): is anything left of an earlier life? With
 * keep=1 the same life looks again, and must find what it left. */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "pci.h"
#include "trap.h"

#define PAGE    4096
#define FROM    (8ull << 20) /* above the image and its stacks */
#define PATTERN 0x6c6566746f766572ull

#define IGB_ID       0x10c98086u
#define PCI_CAP_PCIE 0x10
#define PCIE_CONTROL 8
#define PCIE_FLR     0x8000u
#define VEC_IGB      0x51

/* Intel 82576 GbE Controller datasheet. The last entry of the receive addresses is the marker. */
enum {
	IGB_CTRL = 0x0000,
	IGB_TCTL = 0x0400,
	IGB_MARKER = 0x5478,
	IGB_TDBAL = 0xe000,
	IGB_TDBAH = 0xe004,
	IGB_TDLEN = 0xe008,
	IGB_TDT = 0xe018,
	IGB_TXDCTL = 0xe028,
};
#define CTRL_RESET     (1u << 26)
#define TCTL_ENABLE    (1u << 1)
#define TXDCTL_ENABLE  (1u << 25)
#define RING_BYTES     128
#define MARKER         0x00c0ffeeu
#define FOREIGN_BEYOND (16ull << 20)

static volatile uint64_t seen;
static unsigned slot;

static uint64_t *page(uint64_t at)
{
	return (uint64_t *)(uintptr_t)at;
}

/* The page behind it; 0: that was the last. */
static uint64_t next_page(uint64_t at)
{
	const struct guest_info *info = guest_info();

	at += PAGE;
	if (at == info->memory_bytes && info->high_bytes)
		return GUEST_HIGH_GPA;
	return at == info->memory_bytes || at == GUEST_HIGH_GPA + info->high_bytes ? 0 : at;
}

static uint64_t pages_left(void)
{
	uint64_t left = 0;

	for (uint64_t at = FROM; at; at = next_page(at))
		left += *page(at) != 0;
	return left;
}

void program_scrub(uint32_t index)
{
	if (index)
		return;
	uint64_t before = pages_left();

	print("scrub: %lu pages left\n", before);
	for (uint64_t at = FROM; at; at = next_page(at))
		*page(at) = PATTERN;
	if (args_number("keep", 0)) {
		before = pages_left();
		print("scrub: %lu pages left\n", before);
	}
	test_end("scrub", before == 0);
}

static volatile uint32_t *igb(uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(pci_bar_address(slot, 0) + offset);
}

static void on_igb(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	seen++;
}

static bool works(void)
{
	seen = 0;
	pci_write(slot, PCI_COMMAND, 2, PCI_MEMORY | PCI_MASTER);
	pci_tell_driver(slot);
	trap_handler(VEC_IGB, on_igb);
	msix_enable(slot);
	igb_init((int)slot - 1);
	msix_move(msix_table(slot), 0, VEC_IGB);
	igb_fire((int)slot - 1, 1);
	return wait_for(&seen, 1);
}

/* The guest may not reset it: the hypervisor would not know when it has lost its messages. */
static bool reset_is_filtered(void)
{
	unsigned at = pci_capability(slot, PCI_CAP_PCIE) + PCIE_CONTROL;

	*igb(IGB_MARKER) = MARKER;
	pci_write(slot, at, 2, pci_read(slot, at, 2) | PCIE_FLR);
	return *igb(IGB_MARKER) == MARKER;
}

/* It reads its orders from memory that isn't the guest's. */
static void send_from_elsewhere(void)
{
	uint64_t ring = guest_info()->memory_bytes + FOREIGN_BEYOND;

	*igb(IGB_TDBAL) = (uint32_t)ring;
	*igb(IGB_TDBAH) = (uint32_t)(ring >> 32);
	*igb(IGB_TDLEN) = RING_BYTES;
	*igb(IGB_TXDCTL) = TXDCTL_ENABLE;
	*igb(IGB_TCTL) = TCTL_ENABLE;
	*igb(IGB_TDT) = 4;
}

/* In the middle of work: bus mastering off, a reset by the device's own register, more work. */
static void wreck(void)
{
	send_from_elsewhere();
	*igb(IGB_TDT) = 2;
	pci_write(slot, PCI_COMMAND, 2, PCI_MEMORY);
	*igb(IGB_TDT) = 6;
	*igb(IGB_CTRL) |= CTRL_RESET;
	pause_times(100);
	send_from_elsewhere();
	*igb(IGB_MARKER) = MARKER;
}

void program_wreck(uint32_t index)
{
	bool clean, ok;

	if (index)
		return;
	irq_enable();
	slot = pci_find(IGB_ID);
	if (!slot)
		test_end("wreck", false);
	ok = works();
	clean = *igb(IGB_MARKER) != MARKER;
	print("wreck: interrupt %s, marker %s\n", ok ? "came" : "LOST", clean ? "gone" : "left");
	ok = reset_is_filtered() && ok;
	print("wreck: function level reset %s\n", ok ? "filtered" : "WRONG");
	wreck();
	if (args_number("keep", 0)) {
		clean = *igb(IGB_MARKER) != MARKER;
		print("wreck: marker %s\n", clean ? "gone" : "left");
	}
	test_end("wreck", ok && clean);
}
