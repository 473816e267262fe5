// SPDX-License-Identifier: GPL-2.0-or-later
/* Creation, reset and the feature registers. */
#include <stdlib.h>
#include <string.h>
#include "iommu_internal.h"

void iommu_config_newest(struct iommu_config *cfg)
{
	*cfg = (struct iommu_config){
		.gasup = true,
		.gamsup = true,
		.gappisup = true,
		.gappidissup = true,
		.xtsup = true,
		.iasup = true,
		.prefsup = true,
		.irtcachedissup = true,
		.smifsup = true,
		.smi_filters = 1,
		.num_int_remap = 1,
		.hats = 2,
		.segments_log2 = 3,
		.caching = true,
		.mmio_base = 0xfed80000,
		.devid = 0x0002,
		.ioapic_devid = 0x00a0,
		.hpet_devid = 0x00a0,
	};
}

uint64_t iommu_efr(const struct iommu_config *cfg)
{
	uint64_t efr = EFR_MSI_MMIO_SUP;

	/* Guest APIC mode needs the 128-bit entries, and GAPPI needs guest APIC mode. */
	bool gam = cfg->gasup && cfg->gamsup;

	efr |= cfg->prefsup ? EFR_PREF_SUP : 0;
	efr |= cfg->gasup && cfg->xtsup ? EFR_XT_SUP : 0;
	efr |= gam && cfg->gappisup ? EFR_GAPPI_SUP : 0;
	efr |= cfg->iasup ? EFR_IA_SUP : 0;
	efr |= cfg->gasup ? EFR_GA_SUP : 0;
	efr |= gam ? EFR_GAM_SUP : 0;
	if (cfg->smifsup)
		efr |= EFR_SMIF_SUP | (uint64_t)(cfg->smi_filters & 7) << EFR_SMIF_RC_SHIFT;
	efr |= (uint64_t)(cfg->hats & 3) << EFR_HATS_SHIFT;
	efr |= (uint64_t)(cfg->segments_log2 & 3) << EFR_SEGMENT_SHIFT;
	return efr;
}

uint64_t iommu_efr2(const struct iommu_config *cfg)
{
	uint64_t efr2 = 0;

	if ((iommu_efr(cfg) & EFR_GAPPI_SUP) && cfg->gappidissup)
		efr2 |= EFR2_GAPPIDIS_SUP;
	efr2 |= (uint64_t)(cfg->num_int_remap & 1) << EFR2_NUM_IR_SHIFT;
	efr2 |= cfg->htrangeignore ? EFR2_HT_IGNORE : 0;
	return efr2;
}

void iommu_reset(struct iommu *u)
{
	memset(u->reg, 0, sizeof(u->reg));
	memset(u->ring, 0, sizeof(u->ring));
	memset(u->late, 0, sizeof(u->late));
	u->cmd_stopped = false;
	u->event_stopped = false;
	u->galog_stopped = false;
	u->cmd_hung = false;
	u->cmd_active = false;
	u->galog_full_once = false;
	u->stale_irte_uses = 0;
	u->faults_done = 0;
	u->pci = (struct iommu_pci){ .locked = true, .base = u->cfg.mmio_base };
	*iommu_reg(u, REG_EFR) = iommu_efr(&u->cfg);
	*iommu_reg(u, REG_EFR2) = iommu_efr2(&u->cfg);
	if (u->cfg.smifsup)
		*iommu_reg(u, REG_SMI_FILTER0) =
			u->cfg.smi_filter & (SMIF_DEVICE | SMIF_VALID | SMIF_LOCK);
	iommu_dte_drop_all(u);
	iommu_irte_drop_all(u);
	iommu_tlb_drop_all(u);
}

struct iommu *iommu_new(const struct model_host *host, const struct iommu_config *cfg)
{
	struct iommu *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->host = *host;
	u->cfg = *cfg;
	u->dte = calloc(DTE_SLOTS, sizeof(*u->dte));
	u->irte = calloc(IRTE_SLOTS, sizeof(*u->irte));
	u->tlb = calloc(TLB_SLOTS, sizeof(*u->tlb));
	u->pde = calloc(PDE_SLOTS, sizeof(*u->pde));
	if (!u->dte || !u->irte || !u->tlb || !u->pde) {
		iommu_free(u);
		return NULL;
	}
	iommu_reset(u);
	return u;
}

void iommu_free(struct iommu *u)
{
	free(u->dte);
	free(u->irte);
	free(u->tlb);
	free(u->pde);
	free(u);
}

void iommu_later(struct iommu *u)
{
	iommu_late_flush(u);
	iommu_cmd_run(u);
}

void iommu_inject_galog_overflow(struct iommu *u)
{
	u->galog_full_once = true;
}
