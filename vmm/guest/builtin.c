/* SPDX-License-Identifier: MIT */
#include "guest/builtin.h"
#include "base/bits.h"
#include "base/lib.h"
#include "drivers/clock.h"
#include "guest/memory_map.h"
#include "guest/platform.h"
#include "guest_info.h"
#include "vm.h"
#include <hw/cpu.h>

extern const uint8_t builtin_image[], builtin_image_end[];

#define PTE_TABLE 0x003ull /* present, writable */
#define PTE_1GIB  0x083ull /* and large */

static bool write_tables(struct vm *vm)
{
	uint64_t top = (GUEST_TABLES_GPA + PAGE_BYTES) | PTE_TABLE;
	bool good = vm_write(vm, GPA(GUEST_TABLES_GPA), &top, sizeof(top));

	for (uint64_t i = 0; i < 512; i++) {
		uint64_t entry = i * GIB | PTE_1GIB;

		good &= vm_write(vm, GPA(GUEST_TABLES_GPA + PAGE_BYTES + i * sizeof(entry)), &entry,
			sizeof(entry));
	}
	return good;
}

static void describe_device(
	struct guest_info_device *out, const struct assigned_device *d, enum pci_mode mode)
{
	out->vendor = d->pci->vendor;
	out->device = d->pci->device;
	if (mode == PCI_VIRTUAL)
		return; /* the guest finds the rest by itself */
	out->messages = d->irq_count;
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &d->pci->bar[i];

		if (bar->io || !bar->bytes)
			continue;
		out->bar[i].gpa = bar->base;
		out->bar[i].bytes = bar->bytes;
	}
}

static bool write_info(struct vm *vm)
{
	struct guest_info info = {
		.magic = GUEST_INFO_MAGIC,
		.vcpu_count = vm->vcpu_count,
		.device_count = vm->device_count,
		.memory_bytes = memory_piece(vm->config->memory_bytes, 0).bytes,
		.high_bytes = memory_piece(vm->config->memory_bytes, 1).bytes,
		.x2apic = vm->config->apic == APIC_X2APIC,
		.pci_ecam = vm->config->pci == PCI_VIRTUAL ? VPCI_ECAM_BASE : 0,
		.tsc_per_us = (uint32_t)clock_ticks_per_us(),
	};

	_Static_assert(GUEST_HIGH_GPA == PLATFORM_HOLE_END, "memory_map.h");
	_Static_assert(sizeof(info) <= GUEST_TABLES_GPA - GUEST_INFO_GPA, "the tables come next");
	_Static_assert(GUEST_INFO_DEVICES >= CONFIG_DEVICES, "all devices are described");
	memcpy(info.args, vm->config->args, sizeof(info.args));
	for (uint32_t i = 0; i < vm->vcpu_count && i < ARRAY_COUNT(info.vcpu_pcpu); i++)
		info.vcpu_pcpu[i] = vm->config->pcpu[i];
	for (uint32_t i = 0; i < vm->device_count; i++)
		describe_device(&info.device[i], &vm->devices[i], vm->config->pci);
	return vm_write(vm, GPA(GUEST_INFO_GPA), &info, sizeof(info));
}

err_t builtin_place(struct vm *vm, const char **why)
{
	if (!(hw_cpuid(0x80000001, 0).edx & BIT(26))) {
		*why = "the built-in guest needs 1 GiB pages, which this CPU lacks";
		return ERR_UNFIT;
	}
	if (!vm_write(vm, GPA(GUEST_LOAD_GPA), builtin_image,
		    (uintptr_t)builtin_image_end - (uintptr_t)builtin_image) ||
		!write_tables(vm) || !write_info(vm)) {
		*why = "its memory is too small for the built-in guest";
		return ERR_INVALID;
	}
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		svm_vcpu_start_long(&vm->vcpus[i].svm, GPA(GUEST_TABLES_GPA), GUEST_LOAD_GPA, 0, i);
	return OK;
}
