/* SPDX-License-Identifier: MIT */
/*
 * INTx of an edu device in slot 1 (pin 17 of the I/O APIC): the rules of a level-triggered
 * interrupt. vCPU 0 takes them, vCPU 1 does the rest. "storm": a driver that never answers its
 * device.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "pci.h"
#include "trap.h"

#define SLOT     1
#define PIN      (16 + SLOT)
#define EDU      (SLOT - 1)
#define ROM_AT   0xd8000000u
#define VEC_INTX 0x59
#define TMR_WORD (0x180 + VEC_INTX / 32 * 16)

/* Of the host: at most so many in a window, and one more that it lets go on. */
#define STORM_MOST 200

static volatile uint64_t seen, not_level, unanswered, ready;

static void on_intx(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	not_level += !(apic_read((enum apic_register)TMR_WORD) >> (vector % 32) & 1);
	if (unanswered)
		unanswered--;
	else
		edu_ack(EDU);
	seen++;
}

static bool check(const char *what, bool good)
{
	if (!good)
		print("intx: %s: WRONG (%lu seen)\n", what, seen);
	return good;
}

static bool setup(void)
{
	bool ok = check("a device", pci_read(SLOT, 0, 4) == EDU_ID) &&
		  check("its pin", pci_read(SLOT, PCI_PIN, 1) == 1);

	pci_write(SLOT, PCI_COMMAND, 2, PCI_MEMORY);
	pci_tell_driver(SLOT);
	trap_handler(VEC_INTX, on_intx);
	ioapic_pin(PIN, 0, VEC_INTX | PIN_LEVEL);
	return ok;
}

/* "rom": 55AAh, and the size register, as a driver looks for them. */
static void program_rom(void)
{
	uint32_t want = (uint32_t)args_number("bytes", 0);

	pci_write(SLOT, PCI_COMMAND, 2, PCI_MEMORY);
	pci_write(SLOT, PCI_ROM, 4, ~1u);
	uint32_t bytes = ~(pci_read(SLOT, PCI_ROM, 4) & ~0x7ffu) + 1;

	print("rom: %u bytes\n", bytes);
	bool ok = bytes == want;
	volatile uint32_t *rom = (volatile uint32_t *)(uintptr_t)ROM_AT;

	pci_write(SLOT, PCI_ROM, 4, ROM_AT);
	ok = check("off", *rom == ~0u) && ok;
	pci_write(SLOT, PCI_ROM, 4, ROM_AT | 1);
	*rom = 0;
	print("rom: begins with %x, ends with %x\n", *rom & 0xffff, bytes ? rom[bytes / 4 - 1] : 0);
	ok = check("signature", (*rom & 0xffff) == (want ? 0xaa55 : 0xffff)) && ok;
	ok = check("behind it", rom[want / 4] == ~0u) && ok;
	test_end("rom", ok);
}

static bool arrives(uint64_t more)
{
	uint64_t before = seen;

	edu_fire(EDU);
	return wait_for(&seen, before + more);
}

static bool asserted(void)
{
	return pci_read(SLOT, PCI_STATUS, 2) & PCI_INTX;
}

static bool stays_away(void)
{
	uint64_t before = seen;

	edu_fire(EDU);
	pause_times(20000);
	return seen == before && asserted();
}

static bool rules(uint64_t count)
{
	bool ok = true;

	for (uint64_t i = 0; ok && i < count; i++) {
		ok = check("each arrives", arrives(1));
		pause_times((unsigned)(i % 7));
	}
	unanswered = 5;
	ok = ok && check("asserted after its EOI", arrives(6));
	pause_times(20000);
	ok = ok && check("then no more", seen == count + 6 && !asserted());
	ioapic_pin(PIN, 0, VEC_INTX | PIN_LEVEL | PIN_MASKED);
	ok = ok && check("masked pin", stays_away());
	ioapic_pin(PIN, 0, VEC_INTX | PIN_LEVEL);
	ok = ok && check("unmasked", wait_for(&seen, count + 7));
	pci_write(SLOT, PCI_COMMAND, 2, PCI_MEMORY | PCI_INTX_OFF);
	ok = ok && check("off in the device", stays_away());
	pci_write(SLOT, PCI_COMMAND, 2, PCI_MEMORY);
	ok = ok && check("on again", wait_for(&seen, count + 8));
	/* Answered while the pin is masked: the one that waits there finds nothing, or is none. */
	ioapic_pin(PIN, 0, VEC_INTX | PIN_LEVEL | PIN_MASKED);
	ok = ok && check("masked again", stays_away());
	edu_ack(EDU);
	ioapic_pin(PIN, 0, VEC_INTX | PIN_LEVEL);
	pause_times(20000);
	ok = ok && check("at most one for nothing", seen <= count + 9);
	return ok && check("and the next", arrives(1));
}

/* The device asserts all the time, and each EOI brings the interrupt back, until the host has had
 * enough. With answer=1 it is answered: the twin. */
static bool storm(uint64_t answered)
{
	unanswered = answered ? 0 : ~0ull;
	for (unsigned i = 0; i < 2 * STORM_MOST; i++) {
		edu_fire(EDU);
		pause_times(answered ? 5000 : 50); /* of its own accord not too fast */
		ioapic_eoi(VEC_INTX);              /* nor does this make it more */
	}
	uint64_t before = seen;

	pause_times(20000);
	print("intx: storm: %lu seen, then %lu\n", before, seen - before);
	bool ok = answered ? check("answered", before >= STORM_MOST)
			   : check("held", before >= STORM_MOST && seen <= before + STORM_MOST);

	unanswered = 0;
	if (!answered)
		ok = ok && wait_for(&seen, seen + 1); /* when the host lets go on */
	return ok && check("afterwards", arrives(1));
}

void program_intx(uint32_t index)
{
	if (args_number("rom", 0)) {
		if (index == 0)
			program_rom();
		return;
	}
	if (index == 0) {
		irq_enable();
		ready = 1;
		for (;;) {
			irq_disable();
			irq_enable_and_halt();
		}
	}
	if (index != 1)
		return;
	bool ok = wait_for(&ready, 1) && setup();

	if (args_number("storm", 0))
		ok = ok && storm(args_number("answer", 0));
	else
		ok = ok && rules(args_number("count", 100));
	print("intx: %lu seen, %lu without TMR\n", seen, not_level);
	test_end("intx", ok && check("TMR", !not_level));
}
