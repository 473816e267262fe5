/* SPDX-License-Identifier: MIT */
/* I/O APICs: all pins masked at boot; nothing of ours uses them yet. */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

void ioapic_mask_all(void); /* also the 8259s */

#endif
