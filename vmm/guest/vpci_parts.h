/* SPDX-License-Identifier: MIT */
/* Between the files of the virtual PCI bus (vpci.h). The VM's lock is held. */
#ifndef GUEST_VPCI_PARTS_H
#define GUEST_VPCI_PARTS_H

#include "vpci.h"

struct vcpu;

/* Little-endian words of the copy. */
uint32_t vpci_get(const struct vpci_function *f, unsigned at, unsigned bytes);
void vpci_put(struct vpci_function *f, unsigned at, unsigned bytes, uint32_t value);
/* At boot: the word's initial value, and which of its bits the guest may change. */
void vpci_show(
	struct vpci_function *f, unsigned at, unsigned bytes, uint32_t value, uint32_t writable);

/* vpci_config.c. at + bytes <= 4096; bytes 1, 2 or 4, aligned. */
void vpci_config_create(struct vpci_function *f);
uint32_t vpci_config_read(const struct vpci_function *f, unsigned at, unsigned bytes);
void vpci_config_write(struct cpu *here, struct vm *vm, struct vpci_function *f, unsigned at,
	unsigned bytes, uint32_t value);

/* vpci_caps.c: the chain of capabilities that the guest sees. */
void vpci_caps_create(struct vpci_function *f);

/* vpci_bar.c. False: there is no room for a BAR in the windows. */
bool vpci_bars_create(struct vm *vm, struct vpci_function *f);
/* A BAR or the command register changed. */
void vpci_bars_changed(struct cpu *here, struct vm *vm);
/* The trapped byte at an address: its function and BAR, and the offset in it. NULL: none. */
struct vpci_function *vpci_bar_find(
	struct vm *vm, uint64_t at, unsigned bytes, bool io, unsigned *bar, uint64_t *offset);
/* An access to the device itself; the range lies in the BAR. */
uint64_t vpci_bar_read(const struct vpci_bar *bar, uint64_t offset, unsigned bytes);
void vpci_bar_write(const struct vpci_bar *bar, uint64_t offset, unsigned bytes, uint64_t value);

/* vpci_rom.c. The ROM becomes visible, if the VM is to have it. ERR_NOMEM. */
err_t vpci_rom_create(struct vpci_function *f) MUST_USE;
/* What a ROM holds at an address; false: none is there. */
bool vpci_rom_read(const struct vm *vm, uint64_t at, unsigned bytes, uint64_t *value);

/* vpci_msi.c. Who a message as the guest wrote it is for, and its vector: of several the one whose
 * turn it is, counted round. NULL: nothing that an interrupt could be sent by. */
struct vcpu *vpci_message_target(
	struct vm *vm, const struct vpci_message *message, uint32_t turn, uint8_t *vector);
/* The message as the guest wrote it becomes the route of IRTE n. False: nothing that an
 * interrupt could be sent by; the route is as before, and the caller masks the message. */
bool vpci_route(
	struct cpu *here, struct vpci_function *f, uint32_t n, const struct vpci_message *message);
/* The MSI capability changed. */
void vpci_msi_changed(struct cpu *here, struct vpci_function *f);

/* vpci_msix.c. False: no BAR of the device holds the table. */
bool vpci_msix_create(struct vpci_function *f);
void vpci_msix_reset(struct vpci_function *f);
/* The capability's control word changed. */
void vpci_msix_changed(struct vpci_function *f);
/* A trapped access to BAR bar at offset; false: it isn't the table. */
bool vpci_msix_access(struct cpu *here, struct vpci_function *f, unsigned bar, uint64_t offset,
	struct mmio_access *a);

#endif
