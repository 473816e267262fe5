/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOMMU as a device of QEMU's, type `amd-iommu`; QEMU's own is not compiled. */
#ifndef REVEILLE_IOMMU_GLUE_H
#define REVEILLE_IOMMU_GLUE_H

#include "exec/memory.h"
#include "hw/acpi/aml-build.h"
#include "hw/acpi/bios-linker-loader.h"

/* In place of QEMU's build_amd_iommu(). */
void iommu_glue_build_ivrs(
	GArray *table_data, BIOSLinker *linker, const char *oem_id, const char *oem_table_id);
/* Where the messages of the HPET's comparators go. */
AddressSpace *iommu_glue_hpet_space(void);

#endif
