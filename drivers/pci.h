/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ECAM, the devices found at boot, capabilities, BARs. Lock: config
 * accesses of one function are the owner's business; enumeration is done once at boot. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "base/err.h"
#include "base/types.h"

#define PCI_DEVICES 256
#define PCI_BARS    6

struct pci_bar {
	uint64_t base, bytes; /* bytes 0: absent */
	bool io, prefetchable, wide;
};

struct pci_device {
	devid_t id;
	uint16_t vendor, device;
	uint32_t class_code; /* 24 bits */
	uint8_t header_type;
	struct pci_bar bar[PCI_BARS];
	uint16_t cap_msi, cap_msix, cap_pcie, cap_acs; /* offsets; 0: absent */
	uint16_t device_control;                       /* as firmware left it */
	uint32_t vf_count; /* virtual functions that are on (pci_enable_vfs()) */
};

err_t pci_init(void) MUST_USE; /* after acpi_init(): enumerates, sizes BARs */
uint32_t pci_count(void);
struct pci_device *pci_by_index(uint32_t i);
struct pci_device *pci_find(devid_t id);                                       /* NULL: none */
struct pci_device *pci_find_nth(uint16_t vendor, uint16_t device, uint32_t n); /* NULL: none */
/* The bridge whose secondary bus it is; NULL: a root bus. */
const struct pci_device *pci_bridge_to(uint32_t bus);
/* The ID that a function's requests carry behind the bridges above it, by the topology: its own,
 * but behind a bridge to conventional PCI. What the IOMMU makes of it is the IVRS' (iommu_alias()).
 */
devid_t pci_wire_id(devid_t dev);
/* Access Control Services: on, in all functions that have them, those of virtual functions too. */
void pci_enable_acs(void);
/* That of one function, again after its reset. False: it doesn't stay on. */
bool pci_acs_on(const struct pci_device *d) MUST_USE;
/* Does all that one of two functions sends to the other pass the root complex, and so an IOMMU? As
 * if ACS were on. */
bool pci_apart(devid_t a, devid_t b);
uint32_t pci_read(devid_t id, uint16_t offset, unsigned bytes);
void pci_write(devid_t id, uint16_t offset, unsigned bytes, uint32_t value);
/* Bus mastering, decoding; INTx off. Then each alone. */
void pci_enable(devid_t id);
void pci_enable_decoding(devid_t id);
void pci_enable_dma(devid_t id);
void pci_disable_dma(devid_t id);
/* Neither translated requests nor page requests (ATS, PRI), whatever firmware had turned on. */
void pci_disable_ats(devid_t id);
/* May the function assert its pin? And does it, whether or not it may? A function older than
 * PCI 2.3 has neither bit: it may always, and never says so. */
void pci_enable_intx(devid_t id);
void pci_disable_intx(devid_t id);
bool pci_intx_asserted(devid_t id);
uint16_t pci_find_cap(devid_t id, uint8_t cap);
/* An extended capability (PCI Express); 0: none, or no ECAM. */
uint16_t pci_find_ext_cap(devid_t id, uint16_t cap);
/* SR-IOV: turns count virtual functions of pf on, which then are devices like any other: found by
 * pci_find() and its like, to be given away alone. pf itself stays the host's. Once, at boot. *why
 * says what is wrong: ERR_UNFIT, or ERR_INVALID. */
err_t pci_enable_vfs(struct pci_device *pf, uint32_t count, const char **why) MUST_USE;

/* The first of these that the function has. A bus is reset only where the function is alone on it;
 * D3hot is a way only where it says that its registers don't survive. */
enum pci_reset_way {
	PCI_RESET_NONE,
	PCI_RESET_FLR,
	PCI_RESET_AF,
	PCI_RESET_BUS,
	PCI_RESET_POWER,
};
enum pci_reset_stage { PCI_RESET_QUIESCE, PCI_RESET_HOLD, PCI_RESET_SETTLE };
struct pci_reset {
	enum pci_reset_way way;
	enum pci_reset_stage stage;
	uint64_t due, deadline; /* ticks */
};
const char *pci_reset_name(enum pci_reset_way way);
/* Chooses the way and turns bus mastering off. Then steps, none of which waits: ERR_BUSY: again
 * later; OK: done, with decoding and bus mastering off; ERR_UNFIT: it has no reset; ERR_TIMEOUT: it
 * does not come back, some 1.2 s after the begin. */
void pci_reset_begin(const struct pci_device *d, struct pci_reset *r);
err_t pci_reset_step(const struct pci_device *d, struct pci_reset *r) MUST_USE;
/* All of it, for boot: waits. */
err_t pci_reset(const struct pci_device *d, struct pci_reset *r) MUST_USE;

#endif
