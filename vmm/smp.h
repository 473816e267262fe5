/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs: INIT, SIPI, boot/ap_start.asm; one at a time, each with a deadline. */
#ifndef VMM_SMP_H
#define VMM_SMP_H

#include "boot/boot_info.h"
#include "base/types.h"

/* Until limit CPUs run, the boot CPU among them. One that doesn't come is reported and left out. */
void smp_start_others(const struct boot_info *boot, uint32_t limit);

#endif
