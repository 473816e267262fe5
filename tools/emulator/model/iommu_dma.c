// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of a device's DMA. 48882 rev 3.11, "Device Table Entry Format", tables on
 * V and TV; "IOMMU Exclusion Range"; "HyperTransport special address ranges". */
#include "iommu_internal.h"

/* Fault events of a device are suppressed by SA, and by SE from the second on. */
static void page_fault(struct iommu *u, struct dte_slot *dte, uint16_t devid, uint64_t flags,
	uint64_t iova, enum iommu_access access)
{
	if (access == IOMMU_PROBE || (dte->q[1] & DTE1_SA))
		return;
	if ((dte->q[1] & DTE1_SE) && dte->faulted)
		return;
	dte->faulted = true;
	if (access == IOMMU_WRITE)
		flags |= EVF_RW;
	iommu_event(u, EV_IO_PAGE_FAULT, flags, devid, (uint16_t)dte->q[1], iova);
}

static bool identity(uint64_t iova, uint64_t perms, struct iommu_mapping *out)
{
	out->spa = iova;
	out->readable = perms & PTE_IR;
	out->writable = perms & PTE_IW;
	return true;
}

static bool excluded(const struct iommu *u, const struct dte_slot *dte, uint64_t iova)
{
	uint64_t base = iommu_get(u, REG_EXCL_BASE);
	uint64_t limit = iommu_get(u, REG_EXCL_LIMIT) | 0xfff;

	if (!(base & BIT64(0)))
		return false;
	if (!(base & BIT64(1)) && !(dte->q[1] & DTE1_EX))
		return false;
	return iova >= (base & BITS64(51, 12)) && iova <= limit;
}

enum special { NOT_SPECIAL, SPECIAL_ABORT, SPECIAL_FORWARD };

/* FD_0000_0000h to FF_FFFF_FFFFh: port I/O cycles are governed by IoCtl, system management
 * messages by SysMgt, and the rest is no memory. */
static enum special special(const struct iommu *u, const struct dte_slot *dte, uint64_t iova)
{
	unsigned control;

	if (u->cfg.htrangeignore || iova < 0xfd00000000ull || iova > 0xffffffffffull)
		return NOT_SPECIAL;
	if (iova >= 0xfdfc000000ull && iova <= 0xfdfdffffffull) {
		control = (unsigned)bits_get(dte->q[1], 36, 35);
		return control == 2 ? NOT_SPECIAL : control == 1 ? SPECIAL_FORWARD : SPECIAL_ABORT;
	}
	if (iova >= 0xfdf9100000ull && iova <= 0xfdf91fffffull) {
		control = (unsigned)bits_get(dte->q[1], 41, 40);
		return control == 3 ? NOT_SPECIAL : control == 1 ? SPECIAL_FORWARD : SPECIAL_ABORT;
	}
	return SPECIAL_ABORT;
}

static bool walk_cached(struct iommu *u, struct dte_slot *dte, uint16_t devid, uint64_t iova,
	enum iommu_access access, struct iommu_mapping *out)
{
	uint16_t domain = (uint16_t)dte->q[1];
	const struct tlb_slot *hit = iommu_tlb_find(u, domain, iova);
	struct walk w = { 0 };

	if (hit) {
		w.spa = hit->spa | (iova & 0xfff);
		w.perms = hit->perms;
	} else {
		iommu_walk(u, dte->q, iova, &w);
		if (w.fault == EV_PAGE_HW_ERROR) {
			if (access != IOMMU_PROBE)
				iommu_event(u, EV_PAGE_HW_ERROR, access == IOMMU_WRITE ? EVF_RW : 0,
					devid, domain, w.fault_addr);
			return false;
		}
		if (w.fault) {
			if ((w.fault_flags & EVF_RZ) && access != IOMMU_PROBE)
				STRICT(u,
					"page table of device %04x: reserved bits or level at "
					"IOVA %#llx",
					devid, (unsigned long long)iova);
			page_fault(u, dte, devid, w.fault_flags, iova, access);
			return false;
		}
		iommu_tlb_fill(u, domain, iova, &w);
	}
	return identity(w.spa, w.perms & dte->q[0], out);
}

static bool allowed(const struct iommu_mapping *m, enum iommu_access access)
{
	return access == IOMMU_PROBE || (access == IOMMU_READ ? m->readable : m->writable);
}

bool iommu_translate(struct iommu *u, uint16_t devid, uint64_t iova, enum iommu_access access,
	struct iommu_mapping *out)
{
	uint64_t both = PTE_IR | PTE_IW;

	if (!iommu_ctl(u, CTL_IOMMU_EN))
		return identity(iova, both, out);
	struct dte_slot *dte = iommu_dte(u, devid, iova, access == IOMMU_WRITE ? EVF_RW : 0,
		access == IOMMU_PROBE ? DTE_PROBE : DTE_DMA);

	if (!dte)
		return false;
	if (!(dte->q[0] & DTE0_V))
		return identity(iova, both, out);
	if (excluded(u, dte, iova))
		return identity(iova, both, out);
	switch (special(u, dte, iova)) {
	case SPECIAL_FORWARD:
		return identity(iova, both, out);
	case SPECIAL_ABORT:
		page_fault(u, dte, devid, 0, iova, access);
		return false;
	case NOT_SPECIAL:
		break;
	}
	if (!(dte->q[0] & DTE0_TV)) {
		page_fault(u, dte, devid, 0, iova, access);
		return false;
	}
	if (bits_get(dte->q[0], 11, 9) == 0)
		identity(iova, dte->q[0], out);
	else if (!walk_cached(u, dte, devid, iova, access, out))
		return false;
	if (allowed(out, access))
		return true;
	page_fault(u, dte, devid, EVF_PR | EVF_PE, iova, access);
	return false;
}
