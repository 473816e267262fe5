/* SPDX-License-Identifier: MIT */
/*
 * A guest that finds its devices by itself ("pci = virtual"): what is on its bus, what a write to
 * it can't change, BARs that move, and messages that change while the device fires. vCPU 0 and 2
 * are targets, vCPU 1 fires, vCPU 2 changes as well.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "pci.h"
#include "trap.h"

#define IGB_STATUS 0x08
#define MOVED_TO   0xd0000000u
#define SENDER     1
#define CHANGER    2

enum { VEC_A = 0x51, VEC_B = 0x92, VEC_EDU = 0x55 };

static volatile uint64_t sent, seen, twice, changes, change_now, stop, stopped;
static volatile uint64_t edu_seen, ready;
static volatile uint64_t by_vcpu[GUEST_VCPUS];
static unsigned igb_slot, edu_slot;
static volatile uint32_t *table;

static void on_igb(uint32_t vcpu, uint8_t vector)
{
	uint64_t now = sent;

	(void)vector;
	if (seen == now)
		twice++;
	seen = now;
	by_vcpu[vcpu]++;
}

static void on_edu(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	edu_ack((int)edu_slot - 1);
	edu_seen++;
}

static bool check(const char *what, bool good)
{
	if (!good)
		print("pci: %s: WRONG\n", what);
	return good;
}

static bool look_around(void)
{
	bool ok = check("host bridge", pci_read(0, 8, 4) >> 16 == 0x0600);
	unsigned devices = 0;

	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		uint32_t id = pci_read(slot, 0, 4);

		ok = check("ports and memory differ", id == pci_port_read(0, slot, 0, 4)) && ok;
		if (id == ~0u)
			continue;
		devices++;
		print("pci: slot %u: %x\n", slot, id);
	}
	ok = check("number of devices", devices == guest_info()->device_count) && ok;
	for (unsigned bus = 1; bus < 256; bus++)
		ok = check("another bus", pci_port_read(bus, 0, 0, 4) == ~0u) && ok;
	igb_slot = pci_find(IGB_ID);
	edu_slot = pci_find(EDU_ID);
	return check("both devices", ok && igb_slot && edu_slot);
}

/* Everywhere, with everything but what follows, by both ways: identity, bridges, capabilities that
 * aren't there, extended registers, other buses. */
static bool forbidden_writes(void)
{
	uint32_t cap = pci_capability(igb_slot, PCI_CAP_MSIX);
	uint32_t before = pci_read(igb_slot, cap, 4);
	bool ok = true;

	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		for (unsigned at = 0x100; at < 0x1000; at += 4)
			pci_write(slot, at, 4, ~0u);
		pci_write(slot, 0, 4, 0x12345678);
		pci_write(slot, 8, 4, ~0u);
		pci_write(slot, 0x0c, 4, 0xff0000ffu);
		pci_write(slot, 0x30, 4, ~0u);
		pci_write(slot, 0x34, 4, 0);
		for (unsigned bus = 0; bus < 256; bus += 5)
			pci_port_write(bus, slot, 0x18, 4, 0x00ffff00);
	}
	ok = check("bridge", pci_read(0, 8, 4) >> 16 == 0x0600 && pci_read(0, 0x18, 4) == 0);
	ok = check("identity", pci_find(IGB_ID) == igb_slot) && ok;
	ok = check("rom", pci_read(igb_slot, 0x30, 4) == 0) && ok;
	ok = check("extended", pci_read(igb_slot, 0x100, 4) == 0) && ok;
	return check("capability", pci_read(igb_slot, cap, 4) == before) && ok;
}

static uint32_t igb_status(uint64_t bar)
{
	return *(volatile uint32_t *)(uintptr_t)(bar + IGB_STATUS);
}

static bool bars(void)
{
	uint64_t old = pci_bar_address(igb_slot, 0);
	bool ok = check("size", pci_bar_bytes(igb_slot, 0) == 0x20000);

	ok = check("no decoding", igb_status(old) == ~0u) && ok;
	pci_write(igb_slot, PCI_COMMAND, 2, PCI_MEMORY);
	uint32_t status = igb_status(old);

	ok = check("decoding", status != ~0u) && ok;
	pci_write(igb_slot, PCI_BAR(0), 4, MOVED_TO);
	ok = check("moved", igb_status(MOVED_TO) == status && igb_status(old) == ~0u) && ok;
	/* Over its own RAM, which must stay that. */
	pci_write(igb_slot, PCI_BAR(0), 4, 0x100000);
	*(volatile uint32_t *)0x100008 = 0x13572468;
	ok = check("over memory", *(volatile uint32_t *)0x100008 == 0x13572468) && ok;
	pci_write(igb_slot, PCI_BAR(0), 4, MOVED_TO);
	ok = check("back", igb_status(MOVED_TO) == status) && ok;
	pci_write(edu_slot, PCI_COMMAND, 2, PCI_MEMORY | PCI_MASTER);
	pci_tell_driver(igb_slot);
	pci_tell_driver(edu_slot);
	return ok;
}

static void start_igb(void)
{
	uint32_t master = args_number("master", 1) ? PCI_MASTER : 0;

	trap_handler(VEC_A, on_igb);
	trap_handler(VEC_B, on_igb);
	table = msix_table(igb_slot);
	pci_write(igb_slot, PCI_COMMAND, 2, PCI_MEMORY | master);
	msix_enable(igb_slot);
	igb_init((int)igb_slot - 1);
	msix_move(table, 0, VEC_A);
}

static bool fire(void)
{
	sent++;
	igb_fire((int)igb_slot - 1, 1);
	if (args_number("master", 1))
		return wait_for(&seen, sent);
	pause_times(20000); /* it isn't to come: no need for much patience */
	return seen == sent;
}

/* While it is masked, or leads nowhere, an interrupt waits in the device. */
static bool held_back(void)
{
	bool ok = check("first interrupt", fire());

	if (!ok)
		return false;
	table[MSIX_CONTROL] = 1;
	sent++;
	igb_fire((int)igb_slot - 1, 1);
	pause_times(200);
	ok = check("masked", seen == sent - 1) && ok;
	table[MSIX_CONTROL] = 0;
	ok = check("unmasked", wait_for(&seen, sent)) && ok;
	table[MSIX_DATA] = 3; /* an exception's vector */
	sent++;
	igb_fire((int)igb_slot - 1, 1);
	pause_times(200);
	ok = check("bad vector", seen == sent - 1) && ok;
	table[MSIX_DATA] = VEC_B;
	return check("good vector", wait_for(&seen, sent)) && ok;
}

static bool both_and_changed(uint64_t count)
{
	return changes > count / 10 && by_vcpu[0] > count / 20 && by_vcpu[2] > count / 20;
}

/* Longer than count where the changer's CPU is slow to come: with CPUs in threads of their own, the
 * machine below may have other things to do. */
static bool under_fire(uint64_t count)
{
	bool ok = true;

	change_now = 1;
	for (uint64_t i = 0; ok && i < 50 * count; i++) {
		if (i >= count && both_and_changed(count))
			break;
		ok = fire();
		pause_times((unsigned)(i * 7 % 29));
	}
	stop = 1;
	/* It may be half-way through a change. */
	ok = check("changer stops", wait_for(&stopped, 1)) && ok;
	print("pci: %lu sent, %lu seen, %lu twice, %lu changes, by vCPU: %lu %lu\n", sent, seen,
		twice, changes, by_vcpu[0], by_vcpu[2]);
	return check("under fire", ok && !twice) && check("both vCPUs", both_and_changed(count));
}

/* The other half: entry 0 to and fro, now masked meanwhile, now not, a word at a time. */
static void change(void)
{
	while (!change_now && !stop)
		cpu_relax();
	for (unsigned n = 0; !stop; n++) {
		uint32_t to = n & 1 ? 2 : 0;

		if (n & 2) {
			msix_move(table, to, n & 4 ? VEC_A : VEC_B);
		} else {
			table[MSIX_ADDRESS] = message_address(to);
			table[MSIX_DATA] = n & 4 ? VEC_B : VEC_A;
		}
		changes++;
		pause_times(n * 11 % 37);
	}
	stopped = 1;
}

static bool edu_once(uint32_t apic_id)
{
	uint64_t before = edu_seen;

	msi_write(edu_slot, apic_id, VEC_EDU);
	edu_fire((int)edu_slot - 1);
	return wait_for(&edu_seen, before + 1);
}

/* The edu device writes where the MSI-X table is, and where interrupts are: neither may do
 * anything. Each of its interrupts says that a copy is done. */
static bool attack(void)
{
	static uint32_t message[4] __attribute__((aligned(4096))) = { 0xfee00000u, 0, VEC_B, 0 };
	uint64_t before = seen, done = edu_seen;
	bool ok = true;

	edu_copy_in((int)edu_slot - 1, (uintptr_t)message, sizeof(message));
	ok = ok && wait_for(&edu_seen, done + 1);
	edu_copy_out((int)edu_slot - 1, (uintptr_t)table, sizeof(message));
	ok = ok && wait_for(&edu_seen, done + 2);
	message[0] = VEC_B; /* the vector of the igb's, straight to vCPU 0 */
	edu_copy_in((int)edu_slot - 1, (uintptr_t)message, 4);
	ok = ok && wait_for(&edu_seen, done + 3);
	edu_copy_out((int)edu_slot - 1, message_address(0), 4);
	ok = ok && wait_for(&edu_seen, done + 4);
	return check("attacks end", ok) && check("attacks", seen == before) &&
	       check("table", table[MSIX_DATA] == VEC_A && fire());
}

void program_pci(uint32_t index)
{
	bool ok;

	if (index != SENDER) {
		irq_enable();
		__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST); /* both at once */
		if (index == CHANGER)
			change();
		for (;;) {
			irq_disable();
			irq_enable_and_halt();
		}
	}
	irq_enable();
	ok = check("a bus", guest_info()->pci_ecam != 0) && check("targets", wait_for(&ready, 2));
	ok = ok && look_around() && forbidden_writes() && bars();
	if (!ok)
		test_end("pci", false);
	start_igb();
	ok = held_back() && under_fire(args_number("count", 1000));
	msix_move(table, 0, VEC_A);
	trap_handler(VEC_EDU, on_edu);
	msi_write(edu_slot, 0, VEC_EDU);
	msi_on(edu_slot);
	ok = ok && check("MSI", edu_once(0) && edu_once(2) && edu_once(1));
	if (ok && args_number("attack", 1))
		ok = attack();
	test_end("pci", ok);
}
