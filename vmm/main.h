/* SPDX-License-Identifier: MIT */
#ifndef VMM_MAIN_H
#define VMM_MAIN_H

#include "boot/boot_info.h"

/* From entry.asm, on the boot CPU, on the VMM's own stack, interrupts off. boot is mapped. */
_Noreturn void vmm_main(const struct boot_info *boot);

#endif
