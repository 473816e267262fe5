/* SPDX-License-Identifier: MIT */
/*
 * The two devices whose interrupts a program can call for at a known moment.
 * igb: Intel 82576 (10C9h). Writing EICS raises the chosen MSI-X vectors at once, on QEMU's model
 *      and on the real chip.
 * edu: QEMU's teaching device (11E8h). Raises an MSI at once, or 100 ms (virtual time) after a DMA.
 */
#ifndef GUEST_DEVICES_H
#define GUEST_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#define IGB_ID         0x10c98086u /* device in 31:16, vendor in 15:0 */
#define EDU_ID         0x11e81234u
#define IGB_MESSAGES   10
#define DEVICE_MISSING (-1)

/* Device number (for HC_ROUTE) of the n-th of a kind, or DEVICE_MISSING. */
int igb_find(unsigned n);
int edu_find(unsigned n);

/* MSI-X mode, no throttling, causes cleared by themselves. */
void igb_init(int device);
void igb_fire(int device, uint32_t messages);

void edu_fire(int device);
void edu_ack(int device);
/* Starts a copy of at most 4096 bytes between guest memory and the device's buffer; its end raises
 * an interrupt. */
void edu_copy_in(int device, uint64_t from_gpa, uint32_t bytes);
void edu_copy_out(int device, uint64_t to_gpa, uint32_t bytes);

/* HC_ROUTE; false when the hypervisor refuses. */
bool device_route(int device, uint32_t message, uint32_t vcpu, uint8_t vector);

#endif
