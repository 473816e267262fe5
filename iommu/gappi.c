// SPDX-License-Identifier: MIT
#include "gappi.h"

#include "access.h"

err_t gappi_enable(struct iommu *u)
{
	if (!u->f.gappi || !u->f.gam)
		return ERR_UNFIT;
	spin_lock(&u->lock);
	err_t err = OK;

	if (u->galog.enabled)
		err = ERR_BUSY;
	else
		iommu_control(u, CONTROL_GAPPI_EN, 0);
	spin_unlock(&u->lock);
	return err;
}

void gappi_disable(struct iommu *u)
{
	spin_lock(&u->lock);
	if (u->control & CONTROL_GAPPI_EN)
		iommu_control(u, 0, CONTROL_GAPPI_EN);
	spin_unlock(&u->lock);
}
