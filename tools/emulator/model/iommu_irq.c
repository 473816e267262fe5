// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupt remapping. 48882 rev 3.11, "Interrupt Remapping", "Interrupt Remapping Table
 * Entry". Guest mode is in iommu_post.c. */
#include "iommu_internal.h"

struct request {
	uint16_t devid;
	uint64_t address;
	uint32_t data;
	const struct dte_slot *dte;
};

enum msg_type { MSG_FIXED, MSG_ARBITRATED, MSG_SMI, MSG_NMI = 4, MSG_INIT, MSG_EXTINT = 7 };

static bool forward(struct iommu *u, const struct request *r)
{
	u->host.msi(u->host.opaque, r->address, r->data);
	return true;
}

static bool refuse(struct iommu *u, const struct request *r, uint64_t flags, bool silent)
{
	if (!silent && !(r->dte->q[2] & DTE2_IG))
		iommu_event(u, EV_IO_PAGE_FAULT, flags | EVF_I | EVF_RW, r->devid,
			(uint16_t)r->dte->q[1], r->address);
	return false;
}

static bool send(struct iommu *u, const struct request *r, uint32_t dest, unsigned type,
	bool logical, uint8_t vector)
{
	/* The entry says nothing about level or edge: that is the message's. */
	bool level = r->data & BIT64(15);

	iommu_stopwatch(u, SW_REMAP, vector, dest, 0, r->devid);
	u->host.interrupt(u->host.opaque, dest, logical, type, level, vector);
	return true;
}

static bool remap_32(struct iommu *u, const struct request *r, uint64_t q)
{
	unsigned type = (unsigned)bits_get(q, 4, 2);
	bool reserved = q & (IRTE32_RES | IRTE_GUEST);

	if (reserved || type > MSG_ARBITRATED) {
		STRICT(u, "illegal IRTE of %04x: %08llx", r->devid, (unsigned long long)q);
		return refuse(u, r, EVF_PR | (reserved ? EVF_RZ : 0), q & IRTE_SUP_IOPF);
	}
	return send(u, r, (uint32_t)bits_get(q, 15, 8), type, q & IRTE_DM,
		(uint8_t)bits_get(q, 23, 16));
}

static bool illegal_128(
	struct iommu *u, const struct request *r, const uint64_t q[2], uint64_t flag)
{
	STRICT(u, "illegal IRTE of %04x: %016llx %016llx", r->devid, (unsigned long long)q[0],
		(unsigned long long)q[1]);
	return refuse(u, r, EVF_PR | flag, q[0] & IRTE_SUP_IOPF);
}

static bool remap_128(struct iommu *u, const struct request *r, const uint64_t q[2])
{
	unsigned type = (unsigned)bits_get(q[0], 4, 2);
	uint32_t dest = (uint32_t)bits_get(q[0], 31, 8) | (uint32_t)bits_get(q[1], 63, 56) << 24;

	if ((q[0] & IRTE_LO_RES) || (q[1] & IRTE_HI_RES))
		return illegal_128(u, r, q, EVF_RZ);
	if (type > MSG_ARBITRATED)
		return illegal_128(u, r, q, 0);
	if (!iommu_ctl(u, CTL_XT_EN)) {
		if (dest > 0xff)
			STRICT(u, "IRTE of %04x: destination %#x without XTEn", r->devid, dest);
		dest &= 0xff;
	}
	return send(u, r, dest, type, q[0] & IRTE_DM, (uint8_t)q[1]);
}

static bool guest(struct iommu *u, const struct request *r, const struct irte *irte)
{
	uint64_t reserved = IRTE_GLO_RES;

	if (!(iommu_efr2(&u->cfg) & EFR2_GAPPIDIS_SUP))
		reserved |= IRTE_GAPPIDIS;
	if (bits_get(iommu_get(u, REG_CONTROL), 27, 25) != 1)
		return illegal_128(u, r, irte->q, EVF_RZ);
	if ((irte->q[0] & reserved) || (irte->q[1] & IRTE_GHI_RES))
		return illegal_128(u, r, irte->q, EVF_RZ);
	return iommu_post(u, r->devid, irte);
}

static bool through_table(struct iommu *u, const struct request *r)
{
	uint16_t index = r->data & 0x7ff;
	struct irte irte;

	if (index >= 1u << bits_get(r->dte->q[2], 4, 1))
		return refuse(u, r, 0, false);
	if (!iommu_irte(u, r->devid, r->dte->q, index, &irte))
		return false;
	if (!(irte.q[0] & IRTE_REMAP_EN))
		return refuse(u, r, 0, irte.q[0] & IRTE_SUP_IOPF);
	if (!iommu_ctl(u, CTL_GA_EN))
		return remap_32(u, r, irte.q[0]);
	return irte.q[0] & IRTE_GUEST ? guest(u, r, &irte) : remap_128(u, r, irte.q);
}

/* NMI, INIT and ExtINT pass or do not, and only with a physical destination. */
static bool pass(struct iommu *u, const struct request *r, uint64_t bit)
{
	bool logical = r->address & BIT64(2);

	return (r->dte->q[2] & bit) && !logical ? forward(u, r)
						: refuse(u, r, EVF_PR | EVF_PE, false);
}

/* SMIs are in no table: the filter lets those of the devices through that its registers name. */
static bool filter_smi(struct iommu *u, const struct request *r)
{
	if (!iommu_ctl(u, CTL_SMIF_EN))
		return forward(u, r);
	for (uint32_t i = 0; i < iommu_smi_filters(&u->cfg); i++) {
		uint64_t filter = iommu_get(u, REG_SMI_FILTER0 + 8 * i);

		if ((filter & SMIF_VALID) && (filter & SMIF_DEVICE) == r->devid)
			return forward(u, r);
	}
	if (iommu_ctl(u, CTL_SMIF_LOG_EN))
		iommu_event(u, EV_INVALID_REQUEST, EVF_RW, r->devid, 0, r->address);
	return false;
}

static bool is_smi(const struct request *r)
{
	return (r->data >> 8 & 7) == MSG_SMI;
}

/* The message type is data 10:8, unless software has asked for 2048 entries: then those
 * bits belong to the index of every message that the table is to remap. */
static bool by_type(struct iommu *u, const struct request *r)
{
	unsigned control = (unsigned)bits_get(r->dte->q[2], 61, 60);
	bool wide = bits_get(iommu_get(u, REG_CONTROL), 44, 43) == 1;

	if (wide && control == 2)
		return through_table(u, r);
	switch (r->data >> 8 & 7) {
	case MSG_FIXED:
	case MSG_ARBITRATED:
		if (control == 1)
			return forward(u, r);
		return control == 2 ? through_table(u, r) : refuse(u, r, EVF_PR | EVF_PE, false);
	case MSG_SMI:
		return filter_smi(u, r);
	case MSG_NMI:
		return pass(u, r, DTE2_NMI_PASS);
	case MSG_INIT:
		return pass(u, r, DTE2_INIT_PASS);
	case MSG_EXTINT:
		return pass(u, r, DTE2_EINT_PASS);
	default:
		return refuse(u, r, 0, false);
	}
}

bool iommu_interrupt(struct iommu *u, uint16_t devid, uint64_t address, uint32_t data)
{
	struct request r = { .devid = devid, .address = address, .data = data };

	if (!iommu_ctl(u, CTL_IOMMU_EN))
		return forward(u, &r);
	r.dte = iommu_dte(u, devid, address, EVF_I | EVF_RW, DTE_INTERRUPT);
	if (!r.dte)
		return false;
	/* V has no say in this: Linux 6.1 has the IOAPIC remapped with IV = 1, V = 0. */
	if (!(r.dte->q[2] & DTE2_IV))
		return is_smi(&r) ? filter_smi(u, &r) : forward(u, &r);
	return by_type(u, &r);
}

void iommu_bad_interrupt_access(struct iommu *u, uint16_t devid, uint64_t address, bool write)
{
	if (iommu_ctl(u, CTL_IOMMU_EN))
		iommu_event(u, EV_INVALID_REQUEST, write ? EVF_RW : 0, devid, 0, address);
}
