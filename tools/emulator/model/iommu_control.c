// SPDX-License-Identifier: GPL-2.0-or-later
/* The control register and the units that it starts and stops. 48882 rev 3.11, "IOMMU
 * Control Register". */
#include "iommu_internal.h"

uint64_t iommu_control_mask(const struct iommu_config *cfg)
{
	uint64_t efr = iommu_efr(cfg);
	uint64_t mask = CTL_IOMMU_EN | CTL_HT_TUN_EN | CTL_EVENT_LOG_EN | CTL_EVENT_INT_EN |
			CTL_COM_WAIT_INT | CTL_INV_TIMEOUT | CTL_PASS_PW | CTL_RES_PASS_PW |
			CTL_COHERENT | CTL_ISOC | CTL_CMD_BUF_EN;

	if (efr & EFR_GA_SUP)
		mask |= CTL_GA_EN;
	if (efr & EFR_GAM_SUP)
		mask |= CTL_GAM_EN | CTL_GALOG_EN | CTL_GA_INT_EN;
	if (efr & EFR_XT_SUP)
		mask |= CTL_XT_EN | CTL_INTCAP_XT_EN;
	if (efr & EFR_GAPPI_SUP)
		mask |= CTL_GAPPI_EN;
	if (efr & EFR_SMIF_SUP)
		mask |= CTL_SMIF_EN | CTL_SMIF_LOG_EN;
	if (cfg->num_int_remap)
		mask |= BIT64(43);
	if (cfg->segments_log2)
		mask |= CTL_SEGMENT_EN;
	if (cfg->irtcachedissup)
		mask |= CTL_IRT_CACHE_DIS;
	return mask;
}

static void check_logs(struct iommu *u, uint64_t rising)
{
	uint64_t status = iommu_get(u, REG_STATUS);

	if ((rising & CTL_EVENT_LOG_EN) && (status & STS_EVENT_OVERFLOW))
		STRICT(u, "EventLogEn set while EventOverflow is set");
	if ((rising & CTL_GALOG_EN) && (status & STS_GALOG_OVERFLOW))
		STRICT(u, "GALogEn set while GALOverflow is set");
	if ((rising & CTL_GALOG_EN) && !iommu_get(u, REG_GA_TAIL_ADDR))
		STRICT(u, "GALogEn set without a tail address");
	if ((rising & CTL_CMD_BUF_EN) && !iommu_log_bytes(u, REG_CMD_BASE))
		STRICT(u, "CmdBufEn set with a reserved command buffer length");
	if ((rising & CTL_EVENT_LOG_EN) && !iommu_log_bytes(u, REG_EVENT_BASE))
		STRICT(u, "EventLogEn set with a reserved event log length");
	if ((rising & CTL_GALOG_EN) && !iommu_log_bytes(u, REG_GA_BASE))
		STRICT(u, "GALogEn set with a reserved GA log length");
}

static void check(struct iommu *u, uint64_t old, uint64_t now, uint64_t asked)
{
	uint64_t changed = old ^ now;

	/* IRTCacheDis has no feature bit: writing it and reading it back is how one asks. */
	if (asked & ~now & ~CTL_IRT_CACHE_DIS)
		STRICT(u, "control register: reserved or unsupported bits %#llx",
			(unsigned long long)(asked & ~now));
	if (bits_get(now, 27, 25) > 1)
		STRICT(u, "control register: reserved GAMEn %u", (unsigned)bits_get(now, 27, 25));
	if (bits_get(now, 36, 34) > u->cfg.segments_log2)
		STRICT(u, "control register: DevTblSegEn above DevTblSegSup");
	if ((now & CTL_GAM_EN) && !(now & CTL_GA_EN))
		STRICT(u, "GAMEn without GAEn");
	if ((now & CTL_XT_EN) && !(now & CTL_GA_EN))
		STRICT(u, "XTEn without GAEn");
	if ((now & CTL_GALOG_EN) && (now & CTL_GAPPI_EN) &&
		(changed & (CTL_GALOG_EN | CTL_GAPPI_EN)))
		STRICT(u, "GALogEn and GAPPIEn together: not documented what happens");
	/* These change the format of tables that may be in use. */
	if ((old & now & CTL_IOMMU_EN) && (changed & (CTL_GA_EN | CTL_XT_EN | CTL_SEGMENT_EN)))
		STRICT(u, "GAEn, XTEn or DevTblSegEn changed while IommuEn is 1");
	check_logs(u, now & ~old);
}

/* A unit runs when it and the IOMMU are enabled and nothing has stopped it since. */
void iommu_update_run(struct iommu *u)
{
	uint64_t control = iommu_get(u, REG_CONTROL);
	uint64_t *status = iommu_reg(u, REG_STATUS);
	bool on = control & CTL_IOMMU_EN;

	*status &= ~(STS_CMD_RUN | STS_EVENT_RUN | STS_GALOG_RUN);
	if (on && (control & CTL_CMD_BUF_EN) && !u->cmd_stopped)
		*status |= STS_CMD_RUN;
	if (on && (control & CTL_EVENT_LOG_EN) && !u->event_stopped)
		*status |= STS_EVENT_RUN;
	if (on && (control & CTL_GALOG_EN) && !u->galog_stopped)
		*status |= STS_GALOG_RUN;
}

/* Where a unit's enable bit goes from 0 to 1 it starts afresh, unless its overflow bit
 * says that the last stop was never acknowledged. */
static void restart(struct iommu *u, uint64_t rising)
{
	uint64_t status = iommu_get(u, REG_STATUS);

	if (rising & CTL_CMD_BUF_EN) {
		u->cmd_stopped = !iommu_log_bytes(u, REG_CMD_BASE);
		u->cmd_hung = false;
	}
	if (rising & CTL_EVENT_LOG_EN)
		u->event_stopped =
			!iommu_log_bytes(u, REG_EVENT_BASE) || (status & STS_EVENT_OVERFLOW);
	if (rising & CTL_GALOG_EN)
		u->galog_stopped =
			!iommu_log_bytes(u, REG_GA_BASE) || (status & STS_GALOG_OVERFLOW);
}

void iommu_control_write(struct iommu *u, uint64_t value)
{
	uint64_t old = iommu_get(u, REG_CONTROL);
	uint64_t now = value & iommu_control_mask(&u->cfg);

	check(u, old, now, value);
	*iommu_reg(u, REG_CONTROL) = now;
	if (now & CTL_IRT_CACHE_DIS)
		iommu_irte_drop_all(u);
	restart(u, now & ~old);
	iommu_update_run(u);
	iommu_cmd_run(u);
}
