/* SPDX-License-Identifier: MIT */
/* Configuration space: PCI Local Bus 3.0, "Configuration Space Organization"; PCI Express Base 5.0,
 * "PCI Express Capability Structure"; Advanced Capabilities ECN for AF. */
#ifndef DRIVERS_PCI_REGS_H
#define DRIVERS_PCI_REGS_H

#include "base/bits.h"

enum pci_reg {
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_CLASS = 0x08, /* 31:8; 7:0 is the revision */
	PCI_CACHE_LINE = 0x0c,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SECONDARY_BUS = 0x19, /* of a bridge */
	PCI_SUBORDINATE_BUS = 0x1a,
	PCI_SUBSYSTEM = 0x2c, /* 31:16 device, 15:0 vendor */
	PCI_ROM = 0x30,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
	PCI_BRIDGE_CONTROL = 0x3e,
};

#define PCI_COMMAND_IO     0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_MASTER 0x0004u
#define PCI_COMMAND_PARITY 0x0040u
#define PCI_COMMAND_SERR   0x0100u
#define PCI_COMMAND_INTX   0x0400u /* disable */
#define PCI_STATUS_INTX    0x0008u /* asserted */
#define PCI_STATUS_CAPS    0x0010u
#define PCI_HEADER_MULTI   0x80u
#define PCI_HEADER_BRIDGE  1u
#define BRIDGE_RESET       0x0040u /* of the secondary bus */

#define ROM_ENABLE  0x1u
#define ROM_ADDRESS FIELD(31, 11)

#define BAR_IO       0x1u
#define BAR_TYPE     0x6u
#define BAR_WIDE     0x4u
#define BAR_PREFETCH 0x8u

enum pci_cap {
	CAP_PM = 0x01,
	CAP_MSI = 0x05,
	CAP_VENDOR = 0x09,
	CAP_PCIE = 0x10,
	CAP_MSIX = 0x11,
	CAP_AF = 0x13
};

/* Offsets inside the capabilities. */
/* The rest depends on MSI_64BIT and MSI_MASKING. */
enum {
	MSI_CONTROL = 2,
	MSI_ADDRESS = 4,
	MSI_HIGH_64 = 8,
	MSI_DATA_32 = 8,
	MSI_DATA_64 = 12,
	MSI_MASK_32 = 12,
	MSI_MASK_64 = 16
};
#define MSI_ENABLE      0x0001u
#define MSI_COUNT_LOG2  FIELD(3, 1)
#define MSI_ENABLE_LOG2 FIELD(6, 4)
#define MSI_64BIT       0x0080u
#define MSI_MASKING     0x0100u

enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_PBA = 8 };
#define MSIX_LAST   FIELD(10, 0)
#define MSIX_MASK   0x4000u /* the whole function */
#define MSIX_ENABLE 0x8000u
#define MSIX_BIR    0x7u

enum { PM_CAPABILITIES = 2, PM_CONTROL = 4 };
#define PM_VERSION       0x0007u
#define PM_STATE         0x0003u
#define PM_NO_SOFT_RESET 0x0008u /* registers keep their values over D3hot */

#define PCIE_FLAGS         2
#define PCIE_FLAGS_VERSION 0x000fu
#define PCIE_FLAGS_TYPE    FIELD(7, 4)
#define PCIE_TYPE_UPSTREAM 5u  /* of a switch */
#define PCIE_TYPE_TO_PCI   7u  /* a bridge to conventional PCI */
#define PCIE_TYPE_RCIEP    9u  /* an endpoint on the root bus itself */
#define PCIE_TYPE_NONE     ~0u /* conventional PCI */
enum { PCIE_DEVCAP = 4, PCIE_DEVCTL = 8, PCIE_DEVSTA = 10 };
#define DEVCAP_FLR     BIT(28)
#define DEVCTL_FLR     0x8000u
#define DEVCTL_ORDER   0x0010u       /* relaxed ordering may be used */
#define DEVCTL_READ    FIELD(14, 12) /* largest read request */
#define DEVSTA_PENDING 0x0020u

#define PCI_EXT_CAPABILITIES 0x100u
enum {
	EXT_CAP_ACS = 0x0d,
	EXT_CAP_ARI = 0x0e,
	EXT_CAP_ATS = 0x0f,
	EXT_CAP_SRIOV = 0x10,
	EXT_CAP_PRI = 0x13,
};
enum { ACS_CAP = 4, ACS_CONTROL = 6 };
/* Source validation, request and completion redirect, upstream forwarding: what keeps functions
 * apart (PCI Express Base 5.0, "Access Control Services"). */
#define ACS_ISOLATES          0x1du
#define ACS_DIRECT_TRANSLATED 0x40u /* redirects nothing that says that it is translated */
/* Address translation and page requests of the device's own: PCI Express Base 5.0, "ATS". */
enum { PRI_CONTROL = 4, ATS_CONTROL = 6 };
#define PRI_ENABLE 0x0001u
#define ATS_ENABLE 0x8000u

#define PCIE_DEVCAP2 0x24
#define PCIE_DEVCTL2 0x28
#define DEVCAP2_ARI  0x0020u
#define DEVCTL2_ARI  0x0020u /* forward to functions 8 and up */

/* PCI Express Base 5.0, "SR-IOV Extended Capability". */
enum {
	SRIOV_CONTROL = 0x08,
	SRIOV_TOTAL = 0x0e,
	SRIOV_COUNT = 0x10,
	SRIOV_OFFSET = 0x14,
	SRIOV_STRIDE = 0x16,
	SRIOV_DEVICE = 0x1a,
	SRIOV_PAGES = 0x1c,
	SRIOV_PAGE = 0x20,
	SRIOV_BAR0 = 0x24,
};
#define SRIOV_ENABLE 0x0001u
#define SRIOV_MEMORY 0x0008u
#define SRIOV_ARI    0x0010u

enum { AF_CAP = 3, AF_CONTROL = 4, AF_STATUS = 5 };
#define AF_CAP_FLR        0x02u
#define AF_CONTROL_FLR    0x01u
#define AF_STATUS_PENDING 0x01u

#endif
