// SPDX-License-Identifier: MIT
#include "guest/vioapic.h"
#include "avic/avic.h"
#include "avic/regs.h"
#include "exit_mmio.h"
#include "intx.h"
#include "vcpu.h"
#include "vm.h"

/* Offsets in the page, and registers by index. */
enum window { IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40 };
enum indirect { IOAPIC_ID = 0, IOAPIC_VERSION = 1, IOAPIC_ARBITRATION = 2, IOAPIC_TABLE = 0x10 };

#define VERSION         (0x20u | (VIOAPIC_PINS - 1) << 16)
#define ID_FIELD        FIELD(27, 24)
#define ENTRY_VECTOR    FIELD(7, 0)
#define ENTRY_MODE      FIELD(10, 8)
#define ENTRY_LOGICAL   BIT(11)
#define ENTRY_REMOTE    BIT(14)
#define ENTRY_LEVEL     BIT(15)
#define ENTRY_MASKED    BIT(16)
#define ENTRY_TARGET    FIELD(63, 56)
#define ENTRY_READ_ONLY (BIT(12) | ENTRY_REMOTE)
#define ENTRY_WRITABLE  (ENTRY_TARGET | FIELD(16, 15) | BIT(13) | FIELD(11, 0))

void vioapic_reset(struct vioapic *io)
{
	io->index = io->id = io->asserted = 0;
	for (unsigned i = 0; i < VIOAPIC_PINS; i++)
		io->entry[i] = ENTRY_MASKED;
}

/* The same fields as in an ICR; 8 bits of target, FFh is everybody. */
static uint64_t icr_of(uint64_t entry)
{
	uint64_t icr = entry & (ENTRY_VECTOR | ENTRY_MODE | ENTRY_LOGICAL);

	return field_set(ICR_XAPIC_TARGET, icr, field_get(ENTRY_TARGET, entry));
}

/* Only fixed and lowest priority are for kernels of today; what else there is goes nowhere. */
static void send(struct cpu *here, struct vm *vm, uint64_t entry)
{
	struct avic_ipi ipi = avic_ipi_from_message(&vm->avic, icr_of(entry));
	bool level = entry & ENTRY_LEVEL;
	int id;

	if (!ipi.emulate)
		return;
	ipi.emulate = false;
	while ((id = avic_ipi_next(&vm->avic, &ipi)) >= 0) {
		struct vcpu *to = &vm->vcpus[id];

		if (level)
			vapic_set_irr_level(to->avic.page, ipi.vector);
		else
			vapic_set_irr(to->avic.page, ipi.vector);
		if (avic_notify(&to->avic, here->apicid))
			vcpu_post_event(here, to, 0);
	}
}

/* The pin is asserted (or has just risen). */
static void deliver(struct cpu *here, struct vm *vm, unsigned pin)
{
	uint64_t *entry = &vm->ioapic.entry[pin];

	if (*entry & (ENTRY_MASKED | ENTRY_REMOTE))
		return;
	if (*entry & ENTRY_LEVEL)
		*entry |= ENTRY_REMOTE;
	send(here, vm, *entry);
}

static void evaluate(struct cpu *here, struct vm *vm, unsigned pin)
{
	struct vioapic *io = &vm->ioapic;

	if ((io->entry[pin] & ENTRY_LEVEL) && (io->asserted >> pin & 1))
		deliver(here, vm, pin);
}

void vioapic_raise(struct cpu *here, struct vm *vm, unsigned pin)
{
	struct vioapic *io = &vm->ioapic;

	spin_lock(&io->lock);
	bool rose = !(io->asserted >> pin & 1);

	io->asserted |= 1u << pin;
	if (rose)
		deliver(here, vm, pin);
	spin_unlock(&io->lock);
}

void vioapic_lower(struct vm *vm, unsigned pin)
{
	spin_lock(&vm->ioapic.lock);
	vm->ioapic.asserted &= ~(1u << pin);
	spin_unlock(&vm->ioapic.lock);
}

__attribute__((noinline)) void vioapic_eoi(struct cpu *here, struct vm *vm, uint8_t vector)
{
	struct vioapic *io = &vm->ioapic;
	uint32_t ended = 0;

	spin_lock(&io->lock);
	for (unsigned pin = 0; pin < VIOAPIC_PINS; pin++) {
		uint64_t *entry = &io->entry[pin];

		if (!(*entry & ENTRY_REMOTE) || field_get(ENTRY_VECTOR, *entry) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE;
		ended |= 1u << pin & io->lines;
		io->asserted &= ~ended;
		evaluate(here, vm, pin);
	}
	spin_unlock(&io->lock);
	if (ended)
		intx_eoi(vm, ended);
}

static uint32_t read_indirect(const struct vioapic *io)
{
	uint32_t n = io->index - IOAPIC_TABLE;

	switch (io->index) {
	case IOAPIC_ID:
	case IOAPIC_ARBITRATION:
		return io->id;
	case IOAPIC_VERSION:
		return VERSION;
	default:
		if (io->index < IOAPIC_TABLE || n >= 2 * VIOAPIC_PINS)
			return 0;
		return (uint32_t)(io->entry[n / 2] >> (n & 1 ? 32 : 0));
	}
}

static void write_indirect(struct cpu *here, struct vm *vm, uint32_t value)
{
	struct vioapic *io = &vm->ioapic;
	uint32_t n = io->index - IOAPIC_TABLE;

	if (io->index == IOAPIC_ID)
		io->id = value & (uint32_t)ID_FIELD;
	if (io->index < IOAPIC_TABLE || n >= 2 * VIOAPIC_PINS)
		return;
	uint64_t *entry = &io->entry[n / 2];
	uint64_t half = n & 1 ? ~0ull << 32 : 0xffffffff;
	uint64_t wanted = (uint64_t)value << (n & 1 ? 32 : 0) & ENTRY_WRITABLE;

	*entry = (*entry & (~half | ENTRY_READ_ONLY)) | (wanted & half);
	/* Remote IRR means nothing on an edge-triggered pin. Switching a pin to that and back is
	 * how kernels clear one whose EOI was lost. */
	if (!(*entry & ENTRY_LEVEL))
		*entry &= ~ENTRY_REMOTE;
	evaluate(here, vm, n / 2);
}

void vioapic_access(struct cpu *here, struct vm *vm, struct mmio_access *a)
{
	struct vioapic *io = &vm->ioapic;
	uint32_t offset = a->at.v & PAGE_MASK;

	if (a->write && offset == IOEOI) {
		vioapic_eoi(here, vm, (uint8_t)a->value);
		return;
	}
	spin_lock(&io->lock);
	if (!a->write)
		a->value = offset == IOREGSEL ? io->index : offset == IOWIN ? read_indirect(io) : 0;
	else if (offset == IOREGSEL)
		io->index = a->value & 0xff;
	else if (offset == IOWIN)
		write_indirect(here, vm, (uint32_t)a->value);
	spin_unlock(&io->lock);
}
