// SPDX-License-Identifier: MIT
/*
 * From a nested page fault to a device in software and back: the instruction at RIP is done here,
 * with each of its accesses to the device as one struct mmio_access. The guest-physical address is
 * the fault's; an access over the end of a page reaches the device of its first byte only.
 */
#include "exit_mmio.h"

#include "exit_parts.h"
#include "guest/decode.h"
#include "guest/platform.h"
#include "guest/walk.h"
#include "svm/regs.h"
#include "vcpu.h"
#include "vm.h"

/* Who answers at an address. */
enum mmio_device { MMIO_NONE, MMIO_APIC, MMIO_IOAPIC, MMIO_HPET, MMIO_PCI };

static enum mmio_device device_at(const struct vm *vm, gpa_t at)
{
	if ((at.v & ~PAGE_MASK) == GUEST_APIC_BASE)
		return MMIO_APIC;
	if (vm->config->pci == PCI_VIRTUAL && (at.v & ~PAGE_MASK) == PLATFORM_IOAPIC)
		return MMIO_IOAPIC;
	if (vm->hpet.device.vm && (at.v & ~PAGE_MASK) == PLATFORM_HPET)
		return MMIO_HPET;
	return vpci_has(vm, at) ? MMIO_PCI : MMIO_NONE;
}

static void device_access(struct cpu *here, struct vcpu *v, struct mmio_access *a)
{
	switch (device_at(v->vm, a->at)) {
	case MMIO_APIC:
		exit_apic_access(here, v, a);
		break;
	case MMIO_PCI:
		vpci_mmio(here, v->vm, a);
		break;
	case MMIO_IOAPIC:
		vioapic_access(here, v->vm, a);
		break;
	case MMIO_HPET:
		vhpet_access(here, v->vm, a);
		break;
	case MMIO_NONE:
		a->value = ~0ull;
		break;
	}
}

static uint64_t mask_of(unsigned bytes)
{
	return ~0ull >> (64 - 8 * bytes);
}

static uint64_t device_read(struct cpu *here, struct vcpu *v, gpa_t at, unsigned bytes)
{
	struct mmio_access a = { .at = at, .bytes = bytes };

	device_access(here, v, &a);
	return a.value & mask_of(bytes);
}

static void device_write(struct cpu *here, struct vcpu *v, gpa_t at, unsigned bytes, uint64_t value)
{
	struct mmio_access a = {
		.at = at, .bytes = bytes, .write = true, .value = value & mask_of(bytes)
	};

	device_access(here, v, &a);
}

/* The operand that isn't memory. */
static uint64_t operand(const struct vcpu *v, const struct insn *i)
{
	if (i->has_immediate)
		return i->immediate & mask_of(i->bytes);
	return svm_reg(&v->svm, i->reg) >> (i->high_byte ? 8 : 0) & mask_of(i->bytes);
}

static void load_register(struct vcpu *v, const struct insn *i, uint64_t value)
{
	uint64_t old = svm_reg(&v->svm, i->reg);
	uint64_t mask = mask_of(i->reg_bytes);

	if (i->sign && value >> (8 * i->bytes - 1) & 1)
		value |= ~0ull << 8 * i->bytes;
	if (i->high_byte)
		value = (old & ~0xff00ull) | value << 8;
	else if (i->reg_bytes < 4)
		value = (old & ~mask) | (value & mask);
	svm_set_reg(&v->svm, i->reg, i->reg_bytes == 4 ? (uint32_t)value : value);
}

/* CF, PF, AF, ZF, SF, OF of a result; AF is undefined after logical operations, and 0 here. */
static void set_flags(struct vcpu *v, uint64_t result, unsigned bytes, uint64_t carries)
{
	uint64_t flags = carries;

	if (!__builtin_parity((unsigned)(result & 0xff)))
		flags |= RFLAGS_PF;
	if (!(result & mask_of(bytes)))
		flags |= RFLAGS_ZF;
	if (result >> (8 * bytes - 1) & 1)
		flags |= RFLAGS_SF;
	svm_set_arithmetic_flags(&v->svm, flags);
}

static void compare(struct vcpu *v, uint64_t a, uint64_t b, unsigned bytes)
{
	uint64_t result = a - b;
	uint64_t carries = 0;

	if (a < b)
		carries |= RFLAGS_CF;
	if ((a ^ b ^ result) & 0x10)
		carries |= RFLAGS_AF;
	if (((a ^ b) & (a ^ result)) >> (8 * bytes - 1) & 1)
		carries |= RFLAGS_OF;
	set_flags(v, result, bytes, carries);
}

static uint64_t logical(enum insn_kind kind, uint64_t a, uint64_t b)
{
	return kind == INSN_OR ? a | b : kind == INSN_XOR ? a ^ b : a & b;
}

/* Memory is read, and for some written after that. */
static void arithmetic(struct cpu *here, struct vcpu *v, gpa_t at, const struct insn *i)
{
	uint64_t memory = device_read(here, v, at, i->bytes);
	uint64_t other = operand(v, i);

	if (i->kind == INSN_XCHG) {
		device_write(here, v, at, i->bytes, other);
		load_register(v, i, memory);
		return;
	}
	if (i->kind == INSN_CMP) {
		compare(v, i->write ? memory : other, i->write ? other : memory, i->bytes);
		return;
	}
	uint64_t result = logical(i->kind, memory, other);

	set_flags(v, result, i->bytes, 0);
	if (i->kind == INSN_TEST)
		return;
	if (i->write)
		device_write(here, v, at, i->bytes, result);
	else
		load_register(v, i, result);
}

/* rCX, rSI and rDI have the width of addresses; narrow ones leave the rest of the register as a
 * load of that width does. */
static uint64_t address_register(const struct vcpu *v, unsigned reg, const struct insn *i)
{
	return svm_reg(&v->svm, reg) & mask_of(i->address_bytes);
}

static void set_address_register(struct vcpu *v, unsigned reg, const struct insn *i, uint64_t value)
{
	const struct insn load = { .reg = (uint8_t)reg, .reg_bytes = i->address_bytes };

	load_register(v, &load, value & mask_of(i->address_bytes));
}

enum { REG_RAX = 0, REG_RCX = 1, REG_RSI = 6, REG_RDI = 7 };

/* The guest's memory at a linear address, RAM or device; false: not mapped, or neither. */
static bool linear_read(
	struct cpu *here, struct vcpu *v, uint64_t at, unsigned bytes, uint64_t *value)
{
	gpa_t gpa;

	*value = 0;
	if (!guest_translate(v, at, &gpa))
		return false;
	if (vm_read(v->vm, gpa, value, bytes))
		return true;
	*value = device_read(here, v, gpa, bytes);
	return device_at(v->vm, gpa) != MMIO_NONE;
}

static bool linear_write(
	struct cpu *here, struct vcpu *v, uint64_t at, unsigned bytes, uint64_t value)
{
	gpa_t gpa;

	if (!guest_translate(v, at, &gpa))
		return false;
	if (vm_write(v->vm, gpa, &value, bytes))
		return true;
	device_write(here, v, gpa, bytes, value);
	return device_at(v->vm, gpa) != MMIO_NONE;
}

/* One element; with REP the guest comes back for the next one, and interrupts get in between. */
static bool string(struct cpu *here, struct vcpu *v, const struct insn *i)
{
	uint64_t to = address_register(v, REG_RDI, i);
	uint64_t from = address_register(v, REG_RSI, i);
	uint64_t count = i->repeat ? address_register(v, REG_RCX, i) : 1;
	uint64_t step = svm_direction_down(&v->svm) ? -(uint64_t)i->bytes : i->bytes;
	uint64_t value = svm_reg(&v->svm, REG_RAX);

	if (!count) {
		svm_advance(&v->svm, i->length);
		return true;
	}
	if (i->kind == INSN_MOVS) {
		uint64_t base = svm_segment_base(&v->svm, i->segment);

		if (!linear_read(here, v, base + from, i->bytes, &value))
			return false;
		set_address_register(v, REG_RSI, i, from + step);
	}
	if (!linear_write(here, v, svm_segment_base(&v->svm, SEGMENT_ES) + to, i->bytes, value))
		return false;
	set_address_register(v, REG_RDI, i, to + step);
	if (i->repeat)
		set_address_register(v, REG_RCX, i, count - 1);
	if (count == 1)
		svm_advance(&v->svm, i->length);
	return true;
}

static bool perform(struct cpu *here, struct vcpu *v, gpa_t at, const struct insn *i)
{
	if (i->kind == INSN_STOS || i->kind == INSN_MOVS)
		return string(here, v, i);
	if (i->kind != INSN_MOVE)
		arithmetic(here, v, at, i);
	else if (i->write)
		device_write(here, v, at, i->bytes, operand(v, i));
	else
		load_register(v, i, device_read(here, v, at, i->bytes));
	svm_advance(&v->svm, i->length);
	return true;
}

enum code_source { CODE_FROM_EXIT, CODE_FROM_MEMORY };

static void emulate(struct cpu *here, struct vcpu *v, gpa_t at, enum code_source source)
{
	uint8_t code[INSN_MAX];
	unsigned count = source == CODE_FROM_EXIT ? svm_insn_bytes(&v->svm, code) : 0;
	unsigned bits = svm_mode(&v->svm).code_bits;
	struct insn i;
	bool good = count && decode_insn(&i, code, count, bits);

	/* Hardware may report no bytes, or too few across a page. */
	if (!good) {
		count = guest_fetch(v, code, INSN_MAX);
		good = decode_insn(&i, code, count, bits);
	}
	if (!good || !perform(here, v, at, &i))
		vm_stop(here, v->vm,
			"a device in software is reached by an instruction that is not a simple one");
}

__attribute__((noinline)) bool exit_mmio(struct cpu *here, struct vcpu *v, const struct vmexit *e)
{
	enum mmio_device device = device_at(v->vm, e->npf.gpa);

	if (device == MMIO_NONE || e->npf.fetch || e->npf.table_walk)
		return false;
	/* After a switch to AVIC: as soon as all vCPUs have it on, hardware does this. */
	if (device == MMIO_APIC && v->avic.active && avic_mode(&v->avic) == VAPIC_XAPIC &&
		vm_map_apic_page(v->vm))
		return true;
	emulate(here, v, e->npf.gpa, CODE_FROM_EXIT);
	return true;
}

__attribute__((noinline)) void exit_mmio_apic(struct cpu *here, struct vcpu *v, uint32_t offset)
{
	/* Instruction bytes come with nested page faults only. */
	emulate(here, v, GPA(GUEST_APIC_BASE + offset), CODE_FROM_MEMORY);
}
