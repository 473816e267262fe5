/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus of a guest that drives its devices by itself ("pci = virtual"): bus 0 with a host
 * bridge in slot 0 and the VM's devices from slot 1 on, each as function 0 of a slot of its own.
 *
 *   configuration space   vpci_config.c: a copy made at boot of what is on a whitelist; the guest
 *                         reads and writes the copy, and what is to have an effect has it from
 * there capabilities          vpci_caps.c: which ones, and which bits of them BARs vpci_bar.c:
 * where the guest puts them, within the windows below; nested tables where they are pages, trapped
 * where they are less messages              vpci_msi.c, vpci_msix.c: address and data become a
 * route of an IRTE
 *
 *   ROM                   vpci_rom.c: a copy, where the configuration allows it
 *
 * The guest never writes a register of its device's configuration space: what reaches hardware is
 * bus mastering (the IOMMU confines it), INTx' off of a device that has a line (intx.h), two fields
 * of PCI Express' device control, and on, off and masks of MSI and MSI-X, whose addresses and data
 * stay the host's.
 *
 * Lock: the VM's lock for everything here; held inside.
 */
#ifndef GUEST_VPCI_H
#define GUEST_VPCI_H

#include "base/err.h"
#include "base/types.h"
#include "drivers/pci.h"

struct assigned_device;
struct cpu;
struct mmio_access;
struct port_access;
struct vm;

/* What the guest's ACPI tables tell it: memory-mapped configuration space of bus 0, and the host
 * bridge's windows. RAM lies below VPCI_LOW_BASE, and between 4 GiB and VPCI_HIGH_BASE. In the high
 * window BARs of 2 MiB and more answer, so that their page tables are few. */
#define VPCI_ECAM_BASE  0xe0000000ull
#define VPCI_ECAM_BYTES MIB
#define VPCI_LOW_BASE   0xc0000000ull
#define VPCI_LOW_BYTES  (512 * MIB)
#define VPCI_HIGH_BASE  (320 * GIB)
#define VPCI_HIGH_BYTES (64 * GIB)
#define VPCI_HIGH_LEAST (2 * MIB)
#define VPCI_IO_BASE    0xc000u
#define VPCI_IO_BYTES   0x4000u

#define VPCI_ADDRESS_PORT 0xcf8u /* and the data at cfch..cffh */

#define VPCI_SLOTS  32
#define VPCI_CONFIG 256 /* bytes of configuration space; of the extended part there is nothing */

struct vpci_bar {
	uint64_t host;  /* (const) */
	uint64_t bytes; /* (const) 0: absent */
	bool io;        /* (const) */
	/* (const) The bytes that aren't mapped but trapped: all of what is less than a page or
	 * ports, and the pages of the MSI-X table. */
	uint64_t trap_first, trap_end;
	uint64_t at; /* (lock) where it answers now; 0: nowhere */
};

/* A message as the guest has written it: an entry of the MSI-X table. */
struct vpci_message {
	uint32_t address, high, data, control;
};

struct vpci_function {
	struct assigned_device *device; /* (const) NULL: the host bridge */
	uint8_t slot;                   /* (const) */
	uint8_t msi, msix, pcie;        /* (const) capabilities shown; 0: not there */
	uint8_t value[VPCI_CONFIG];     /* (lock) as the guest reads it */
	uint8_t writable[VPCI_CONFIG];  /* (const) the bits of it that the guest may change */
	uint8_t initial[VPCI_CONFIG];   /* (const) value after a reset */
	struct vpci_bar bar[PCI_BARS];
	const uint8_t *rom;           /* (const) a copy of rom_bytes; NULL: not shown */
	uint32_t rom_bytes;           /* (const) a power of two of 2 KiB and more */
	struct vpci_message *message; /* (lock) of the MSI-X table, message_count of them */
	uint32_t message_count;       /* (const) */
};

struct vpci {
	uint32_t address;               /* (lock) the address port */
	uint32_t function_count;        /* (const) the host bridge included; 0: no virtual bus */
	struct vpci_function *function; /* (const) by slot */
};

/* The bus of a VM whose devices are assigned; nothing for one with pci = direct. *why says what is
 * wrong: ERR_NOMEM, or ERR_UNFIT where a device can't be shown (slots, windows, MSI-X table). */
err_t vpci_create(struct vm *vm, const char **why) MUST_USE;
/* The guest's own reset: all as after vpci_create(). The caller has the vCPUs stopped. */
void vpci_reset(struct cpu *here, struct vm *vm);
/* Does an address belong to one of the bus' windows? */
bool vpci_has(const struct vm *vm, gpa_t at);
bool vpci_has_port(const struct vm *vm, uint16_t port);
/* An access there, on behalf of a vCPU that runs here. What no device answers reads as ones. */
void vpci_mmio(struct cpu *here, struct vm *vm, struct mmio_access *a);
void vpci_port(struct cpu *here, struct vm *vm, struct port_access *a);

#endif
