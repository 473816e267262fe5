// SPDX-License-Identifier: MIT
/*
 * SMIs of devices. A device that writes the right message raises a system management interrupt,
 * which no interrupt table holds and no hypervisor sees: firmware answers it. The filter (48882
 * rev 3.11, "SMI Filter Register") lets through what firmware has put into its registers; what
 * belongs to a guest must not be among that.
 */
#include "access.h"

static enum iommu_reg filter(uint32_t n)
{
	return (enum iommu_reg)(IOMMU_SMI_FILTER + 8 * n);
}

void smi_filter_init(struct iommu *u)
{
	if (u->f.smi_filters)
		iommu_control(u, CONTROL_SMIF_EN | CONTROL_SMIF_LOG_EN, 0);
}

static err_t forbid(struct iommu *u, devid_t dev)
{
	for (uint32_t n = 0; n < u->f.smi_filters; n++) {
		uint64_t value = iommu_read(u, filter(n));

		if (!(value & SMI_FILTER_VALID) || field_get(SMI_FILTER_DEVICE, value) != dev)
			continue;
		if (value & SMI_FILTER_LOCK)
			return ERR_UNFIT;
		iommu_write(u, filter(n), 0);
	}
	return OK;
}

err_t smi_forbid(struct iommu *u, devid_t dev)
{
	devid_t alias = iommu_alias(dev);

	spin_lock(&u->lock);
	err_t err = forbid(u, dev);

	if (!err && alias != dev)
		err = forbid(u, alias);
	spin_unlock(&u->lock);
	return err;
}
