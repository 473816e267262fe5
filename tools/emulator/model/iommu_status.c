// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status bits and the IOMMU's own interrupts. An interrupt is sent when an enabled bit
 * goes from 0 to 1 and at no other time: software that clears the bit after it has
 * drained the log, rather than before, loses an interrupt here as it would on hardware.
 * 48882 rev 3.11, "IOMMU Interrupt Support", "IOMMU Status Register".
 */
#include "iommu_internal.h"

/* The message numbers inside the MSI block; mirrored in registers 150h and 154h. */
static unsigned message_number(uint64_t bit)
{
	return bit & (STS_GA_INT | STS_GALOG_OVERFLOW) ? 1 : 0;
}

static void send_xt(struct iommu *u, uint32_t reg)
{
	uint64_t xt = iommu_get(u, reg);
	uint32_t dest = (uint32_t)bits_get(xt, 31, 8) | (uint32_t)bits_get(xt, 63, 56) << 24;

	u->host.interrupt(u->host.opaque, dest, xt & BIT64(2), (unsigned)bits_get(xt, 40, 40),
		false, (uint8_t)bits_get(xt, 39, 32));
}

static void send_msi(struct iommu *u, unsigned number)
{
	if (!(u->pci.msi_control & 1))
		return;
	/* With fewer messages granted than asked for, they fold into those there are. */
	uint32_t granted = 1u << (u->pci.msi_control >> 4 & 7);
	uint64_t addr = (uint64_t)u->pci.msi_addr_hi << 32 | u->pci.msi_addr_lo;

	u->host.msi(u->host.opaque, addr, u->pci.msi_data | (number & (granted - 1)));
}

static bool enabled(const struct iommu *u, uint64_t bit)
{
	switch (bit) {
	case STS_EVENT_OVERFLOW:
	case STS_EVENT_INT:
		return iommu_ctl(u, CTL_EVENT_INT_EN);
	case STS_COM_WAIT_INT:
		return iommu_ctl(u, CTL_COM_WAIT_INT);
	case STS_GA_INT:
		return iommu_ctl(u, CTL_GA_INT_EN);
	default:
		return false;
	}
}

void iommu_status_set(struct iommu *u, uint64_t bit)
{
	uint64_t *status = iommu_reg(u, REG_STATUS);

	if (*status & bit)
		return;
	*status |= bit;
	if (!enabled(u, bit))
		return;
	if (!iommu_ctl(u, CTL_INTCAP_XT_EN))
		send_msi(u, message_number(bit));
	else
		send_xt(u, message_number(bit) ? REG_XT_GA : REG_XT_GENERAL);
}
