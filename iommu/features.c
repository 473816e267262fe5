/* SPDX-License-Identifier: MIT */
#include "base/bits.h"
#include "iommu.h"
#include "regs.h"

void iommu_decode_features(struct iommu_features *f, uint64_t efr, uint64_t efr2)
{
	uint64_t hats = field_get(EFR_HATS, efr);
	uint32_t smi_filters = 1u << field_get(EFR_SMIF_RC, efr);

	f->efr = efr;
	f->efr2 = efr2;
	f->ga = efr & EFR_GA_SUP;
	f->gam = f->ga && efr & EFR_GAM_SUP_VAPIC;
	f->gappi = f->gam && efr & EFR_GAPPI_SUP;
	f->gappi_dis = f->gappi && efr2 & EFR2_GAPPIDIS_SUP;
	f->xt = efr & EFR_XT_SUP;
	f->ia = efr & EFR_IA_SUP;
	f->nx = efr & EFR_NX_SUP;
	f->host_levels = hats == HATS_NONE ? 0 : 4 + (uint32_t)hats;
	f->smi_filters = field_get(EFR_SMIF_SUP, efr) == 1 ? smi_filters : 0;
	if (f->smi_filters > SMI_FILTERS_MAX)
		f->smi_filters = SMI_FILTERS_MAX;
	f->irte_max = field_get(EFR2_NUM_INT, efr2) == 1 ? 2048 : 512;
}
