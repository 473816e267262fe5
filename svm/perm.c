/* SPDX-License-Identifier: MIT */
#include "perm.h"
#include "page.h"
#include "svm.h"
#include "base/check.h"
#include "base/lib.h"
#include <hw/mem.h>
#include <hw/shared.h>

#define IOPM_PAGES  3 /* 65536 ports and a few bits more, for an access that runs over the end */
#define MSRPM_PAGES 2

err_t perm_init(struct svm_vm *vm)
{
	vm->iopm = page_alloc(IOPM_PAGES, 1);
	vm->msrpm = page_alloc(MSRPM_PAGES, 1);
	vm->msrpm_x2avic = page_alloc(MSRPM_PAGES, 1);
	if (vm->iopm.v == PHYS_NONE.v || vm->msrpm.v == PHYS_NONE.v ||
		vm->msrpm_x2avic.v == PHYS_NONE.v) {
		perm_free(vm);
		return ERR_NOMEM;
	}
	memset(phys_to_virt(vm->iopm), 0xff, IOPM_PAGES * PAGE_BYTES);
	memset(phys_to_virt(vm->msrpm), 0xff, MSRPM_PAGES * PAGE_BYTES);
	memset(phys_to_virt(vm->msrpm_x2avic), 0xff, MSRPM_PAGES * PAGE_BYTES);
	return OK;
}

void perm_free(struct svm_vm *vm)
{
	if (vm->iopm.v != PHYS_NONE.v)
		page_free(vm->iopm, IOPM_PAGES);
	if (vm->msrpm.v != PHYS_NONE.v)
		page_free(vm->msrpm, MSRPM_PAGES);
	if (vm->msrpm_x2avic.v != PHYS_NONE.v)
		page_free(vm->msrpm_x2avic, MSRPM_PAGES);
	vm->iopm = vm->msrpm = vm->msrpm_x2avic = PHYS_NONE;
}

/* Number of the MSR's read bit in the map; the write bit follows (24593 rev 3.44, "MSR
 * Intercepts"). MSRs outside of the three ranges always exit: opening one is our bug. */
static uint32_t msr_bit(uint32_t msr)
{
	uint32_t block = msr >> 13; /* of 2000h MSRs */

	switch (block) {
	case 0x00000000u >> 13:
		block = 0;
		break;
	case 0xc0000000u >> 13:
		block = 1;
		break;
	case 0xc0010000u >> 13:
		block = 2;
		break;
	default:
		panic("MSR %xh has no bit in the permission map", msr);
	}
	return (block * 0x2000 + (msr & 0x1fff)) * 2;
}

/* Other vCPUs of the VM may be running, and neighbouring bits be changed by another CPU. */
static void set_msr(phys_t map, uint32_t msr, enum perm_access open)
{
	uint32_t bit = msr_bit(msr);
	uint32_t *word = (uint32_t *)phys_to_virt(map) + bit / 32;

	shared_or32(word, (~(uint32_t)open & PERM_RW) << bit % 32);
	shared_and32(word, ~((uint32_t)open << bit % 32));
}

void perm_msr(struct svm_vm *vm, uint32_t msr, enum perm_access open)
{
	set_msr(vm->msrpm, msr, open);
	set_msr(vm->msrpm_x2avic, msr, open);
}

void perm_msr_x2avic(struct svm_vm *vm, uint32_t msr, enum perm_access open)
{
	set_msr(vm->msrpm_x2avic, msr, open);
}

void perm_io(struct svm_vm *vm, uint16_t port, bool open)
{
	uint32_t *word = (uint32_t *)phys_to_virt(vm->iopm) + port / 32;

	if (open)
		shared_and32(word, ~(1u << port % 32));
	else
		shared_or32(word, 1u << port % 32);
}
