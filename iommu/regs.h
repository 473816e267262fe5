/* SPDX-License-Identifier: MIT */
/*
 * Facts of the AMD IOMMU: registers, device table and interrupt table entries, page table entries,
 * commands, logs. 48882 rev 3.11, chapters "Architecture" and "Registers". No mechanism here.
 */
#ifndef IOMMU_REGS_H
#define IOMMU_REGS_H

#include "base/bits.h"

/* "MMIO Registers": offsets. */
enum iommu_reg {
	IOMMU_DEVICE_TABLE = 0x0000,
	IOMMU_COMMAND_BASE = 0x0008,
	IOMMU_EVENT_BASE = 0x0010,
	IOMMU_CONTROL = 0x0018,
	IOMMU_EXCLUSION_BASE = 0x0020,
	IOMMU_EXCLUSION_LIMIT = 0x0028,
	IOMMU_FEATURES = 0x0030,
	IOMMU_SMI_FILTER = 0x0060, /* the first of up to 16 */
	IOMMU_GALOG_BASE = 0x00e0,
	IOMMU_GALOG_TAIL_ADDRESS = 0x00e8,
	IOMMU_XT_GENERAL = 0x0170,
	IOMMU_XT_GALOG = 0x0180,
	IOMMU_FEATURES2 = 0x01a0,
	IOMMU_COMMAND_HEAD = 0x2000,
	IOMMU_COMMAND_TAIL = 0x2008,
	IOMMU_EVENT_HEAD = 0x2010,
	IOMMU_EVENT_TAIL = 0x2018,
	IOMMU_STATUS = 0x2020,
	IOMMU_GALOG_HEAD = 0x2040,
	IOMMU_GALOG_TAIL = 0x2048,
};

/* Base registers: address, and log2 of the entries of a ring or pages - 1 of the table. */
#define BASE_ADDRESS      FIELD(51, 12)
#define BASE_LENGTH       FIELD(59, 56)
#define DEVICE_TABLE_SIZE FIELD(8, 0)
#define GALOG_TAIL_COPY   FIELD(51, 3)

/* "IOMMU Control Register" */
#define CONTROL_IOMMU_EN     BIT(0)
#define CONTROL_HT_TUN_EN    BIT(1)
#define CONTROL_EVENT_LOG_EN BIT(2)
#define CONTROL_EVENT_INT_EN BIT(3)
#define CONTROL_INV_TIMEOUT  FIELD(7, 5)
#define INV_TIMEOUT_1S       4
#define CONTROL_PASS_PW      BIT(8)
#define CONTROL_RES_PASS_PW  BIT(9)
#define CONTROL_COHERENT     BIT(10)
#define CONTROL_ISOC         BIT(11)
#define CONTROL_CMD_BUF_EN   BIT(12)
#define CONTROL_PPR_LOG_EN   BIT(13)
#define CONTROL_PPR_INT_EN   BIT(14)
#define CONTROL_GA_EN        BIT(17)
#define CONTROL_SMIF_EN      BIT(22)
#define CONTROL_SMIF_LOG_EN  BIT(24)
#define CONTROL_GAM_EN       FIELD(27, 25)
#define GAM_VAPIC            1
#define CONTROL_GALOG_EN     BIT(28)
#define CONTROL_GAINT_EN     BIT(29)
#define CONTROL_XT_EN        BIT(50)
#define CONTROL_INTCAPXT_EN  BIT(51)
#define CONTROL_GAPPI_EN     BIT(55)
#define CONTROL_IRTCACHE_DIS BIT(59)

/* "IOMMU Status Register"; RUN bits are read-only, the others are acknowledged by writing 1. */
#define STATUS_EVENT_OVERFLOW BIT(0)
#define STATUS_EVENT_INT      BIT(1)
#define STATUS_COMWAIT_INT    BIT(2)
#define STATUS_EVENT_RUN      BIT(3)
#define STATUS_CMD_RUN        BIT(4)
#define STATUS_PPR_OVERFLOW   BIT(5)
#define STATUS_PPR_INT        BIT(6)
#define STATUS_PPR_RUN        BIT(7)
#define STATUS_GALOG_RUN      BIT(8)
#define STATUS_GALOG_OVERFLOW BIT(9)
#define STATUS_GAINT          BIT(10)

/* "IOMMU Extended Feature Register", "... Register 2" */
#define EFR_XT_SUP        BIT(2)
#define EFR_NX_SUP        BIT(3)
#define EFR_GAPPI_SUP     BIT(5)
#define EFR_IA_SUP        BIT(6)
#define EFR_GA_SUP        BIT(7)
#define EFR_HATS          FIELD(11, 10)
#define HATS_NONE         3
#define EFR_SMIF_SUP      FIELD(17, 16) /* 1: there is a filter */
#define EFR_SMIF_RC       FIELD(20, 18) /* log2 of its registers */
#define EFR_GAM_SUP_VAPIC BIT(21)
#define EFR2_GAPPIDIS_SUP BIT(4)
#define EFR2_NUM_INT      FIELD(9, 8)

/* "SMI Filter Register": who may send SMIs */
#define SMI_FILTER_DEVICE FIELD(15, 0)
#define SMI_FILTER_VALID  BIT(16)
#define SMI_FILTER_LOCK   BIT(17)
#define SMI_FILTERS_MAX   16

/* "IOMMU Capability Block Registers" in PCI configuration space */
#define CAP_ID_SECURE    0x0f
#define CAP_HEADER       0x00
#define CAP_BASE_LO      0x04
#define CAP_BASE_HI      0x08
#define CAP_MISC0        0x10
#define CAP_MISC1        0x14
#define CAP_NP_CACHE     BIT(26)
#define CAP_EXT          BIT(28)
#define CAP_BASE_ENABLE  BIT(0)
#define CAP_BASE_ADDRESS FIELD(31, 14)
#define CAP_MSI_NUM      FIELD(4, 0)

/* "XT IOMMU General Interrupt Control Register" and its kin */
#define XT_DEST_LO FIELD(31, 8)
#define XT_VECTOR  FIELD(39, 32)
#define XT_DEST_HI FIELD(63, 56)

/* "Device Table Entry Format", quadwords 0..3 */
#define DTE_WORDS        4
#define DTE0_V           BIT(0)
#define DTE0_TV          BIT(1)
#define DTE0_MODE        FIELD(11, 9)
#define DTE0_ROOT        FIELD(51, 12)
#define DTE0_IR          BIT(61)
#define DTE0_IW          BIT(62)
#define DTE1_DOMAIN      FIELD(15, 0)
#define DTE1_SE          BIT(33)
#define DTE2_IV          BIT(0)
#define DTE2_INT_TAB_LEN FIELD(4, 1)
#define DTE2_INT_ROOT    FIELD(51, 6)
#define DTE2_INT_CTL     FIELD(61, 60)
#define INT_CTL_REMAP    2

/* "I/O Page Tables for Host Translations" */
#define PTE_PR         BIT(0)
#define PTE_NEXT_LEVEL FIELD(11, 9)
#define PTE_ADDRESS    FIELD(51, 12)
#define PTE_IR         BIT(61)
#define PTE_IW         BIT(62)

/* "Interrupt Remapping Table Fields - Guest Virtual APIC Enabled": low quadword */
#define IRTE0_REMAP_EN   BIT(0)
#define IRTE0_SUP_IOPF   BIT(1)
#define IRTE0_GALOG_INTR BIT(2)
#define IRTE0_GAPPI_DIS  BIT(5)
#define IRTE0_IS_RUN     BIT(6)
#define IRTE0_GUEST_MODE BIT(7)
#define IRTE0_DEST       FIELD(31, 8)
#define IRTE0_GATAG      FIELD(63, 32)
/* high quadword */
#define IRTE1_VECTOR  FIELD(7, 0)
#define IRTE1_VAPIC   FIELD(51, 12)
#define IRTE1_DEST_HI FIELD(63, 56)

/* "Commands": opcodes and fields of quadword 0 and 1 */
#define CMD_OPCODE          FIELD(63, 60)
#define CMD_COMPLETION_WAIT 1
#define CMD_INV_DEVTAB      2
#define CMD_INV_PAGES       3
#define CMD_INV_IRT         5
#define CMD_INV_ALL         8
#define CMD0_DEVICE         FIELD(15, 0)
#define CMD0_DOMAIN         FIELD(47, 32)
#define CMD0_STORE          BIT(0)
#define CMD0_STORE_ADDRESS  FIELD(51, 3)
#define CMD1_SIZE           BIT(0)
#define CMD1_PDE            BIT(1)
#define CMD1_ALL_ADDRESSES  0x7ffffffffffff000ull

/* "Event Logging": quadword 0 */
#define EVENT_CODE   FIELD(63, 60)
#define EVENT_FLAGS  FIELD(59, 48)
#define EVENT_DOMAIN FIELD(47, 32)
#define EVENT_DEVICE FIELD(15, 0)

/* "Guest Virtual APIC Log" entry */
#define GALOG_CODE         FIELD(63, 60)
#define GALOG_TAG          FIELD(31, 0)
#define GALOG_CODE_REQUEST 1

#endif
