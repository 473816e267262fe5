/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator's own transcription of AMD I/O Virtualization Technology (IOMMU)
 * Specification, 48882 rev 3.11. Shared with nobody: a constant that the hypervisor
 * also used could never be found wrong.
 */
#ifndef SPEC_IOMMU_H
#define SPEC_IOMMU_H

#include <stdint.h>

#define BIT64(n) (1ull << (n))
/* The bits high..low of a 64-bit word, both included. */
#define BITS64(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))

static inline uint64_t bits_get(uint64_t word, unsigned high, unsigned low)
{
	return (word & BITS64(high, low)) >> low;
}

/* "IOMMU MMIO Registers" */
#define REG_DEVTAB        0x0000u
#define REG_CMD_BASE      0x0008u
#define REG_EVENT_BASE    0x0010u
#define REG_CONTROL       0x0018u
#define REG_EXCL_BASE     0x0020u
#define REG_EXCL_LIMIT    0x0028u
#define REG_EFR           0x0030u
#define REG_PPR_BASE      0x0038u
#define REG_HEV_UPPER     0x0040u
#define REG_HEV_LOWER     0x0048u
#define REG_HEV_STATUS    0x0050u
#define REG_SMI_FILTER0   0x0060u
#define REG_SMI_FILTER15  0x00d8u
#define REG_GA_BASE       0x00e0u
#define REG_GA_TAIL_ADDR  0x00e8u
#define REG_PPR_B_BASE    0x00f0u
#define REG_EVENT_B_BASE  0x00f8u
#define REG_SEGMENT1      0x0100u
#define REG_SEGMENT7      0x0130u
#define REG_DEV_FEATURE   0x0138u
#define REG_DEV_STATUS    0x0148u
#define REG_MISC_INFO     0x0150u /* 150h, 154h: mirrors of the capability's +10h, +14h */
#define REG_MSI_CAP       0x0158u /* 158h header, 15Ch address low */
#define REG_MSI_ADDR_HIGH 0x0160u /* 160h address high, 164h data */
#define REG_MSI_MAP       0x0168u /* 168h mapping capability, 16Ch performance control */
#define REG_XT_GENERAL    0x0170u
#define REG_XT_PPR        0x0178u
#define REG_XT_GA         0x0180u
#define REG_VIOMMU_STATUS 0x0190u
#define REG_EFR2          0x01a0u
#define REG_VMGUARD_FIRST 0x01b0u
#define REG_VMGUARD_LAST  0x01c0u
#define REG_MARC_FIRST    0x0200u
#define REG_MARC_LAST     0x0258u
#define REG_CMD_HEAD      0x2000u
#define REG_CMD_TAIL      0x2008u
#define REG_EVENT_HEAD    0x2010u
#define REG_EVENT_TAIL    0x2018u
#define REG_STATUS        0x2020u
#define REG_PPR_HEAD      0x2030u
#define REG_PPR_TAIL      0x2038u
#define REG_GA_HEAD       0x2040u
#define REG_GA_TAIL       0x2048u
#define REG_PPR_B_HEAD    0x2050u
#define REG_PPR_B_TAIL    0x2058u
#define REG_EVENT_B_HEAD  0x2070u
#define REG_EVENT_B_TAIL  0x2078u
#define REG_PPR_AUTO      0x2080u
#define REG_PPR_EARLY     0x2088u
#define REG_PPR_EARLY_B   0x2090u
#define IOMMU_WINDOW      0x4000u /* 16 KB: no performance counters */

/* "IOMMU Control Register [MMIO Offset 0018h]" */
#define CTL_IOMMU_EN      BIT64(0)
#define CTL_HT_TUN_EN     BIT64(1)
#define CTL_EVENT_LOG_EN  BIT64(2)
#define CTL_EVENT_INT_EN  BIT64(3)
#define CTL_COM_WAIT_INT  BIT64(4)
#define CTL_INV_TIMEOUT   BITS64(7, 5)
#define CTL_PASS_PW       BIT64(8)
#define CTL_RES_PASS_PW   BIT64(9)
#define CTL_COHERENT      BIT64(10)
#define CTL_ISOC          BIT64(11)
#define CTL_CMD_BUF_EN    BIT64(12)
#define CTL_GA_EN         BIT64(17)
#define CTL_SMIF_EN       BIT64(22)
#define CTL_SMIF_LOG_EN   BIT64(24)
#define CTL_GAM_EN        BITS64(27, 25)
#define CTL_GALOG_EN      BIT64(28)
#define CTL_GA_INT_EN     BIT64(29)
#define CTL_SEGMENT_EN    BITS64(36, 34)
#define CTL_NUM_INT_REMAP BITS64(44, 43)
#define CTL_XT_EN         BIT64(50)
#define CTL_INTCAP_XT_EN  BIT64(51)
#define CTL_GAPPI_EN      BIT64(55)
#define CTL_IRT_CACHE_DIS BIT64(59)

/* "IOMMU Extended Feature Register [MMIO Offset 0030h]" and "... 2 [MMIO Offset 01A0h]" */
#define EFR_PREF_SUP      BIT64(0)
#define EFR_XT_SUP        BIT64(2)
#define EFR_GAPPI_SUP     BIT64(5)
#define EFR_IA_SUP        BIT64(6)
#define EFR_GA_SUP        BIT64(7)
#define EFR_HATS_SHIFT    10
#define EFR_SMIF_SUP      BIT64(16) /* SmiFSup = 01b */
#define EFR_SMIF_RC_SHIFT 18        /* SmiFRC: log2 of how many registers */
#define EFR_GAM_SUP       BIT64(21) /* GAMSup = 001b: guest virtual APIC mode */
#define EFR_SEGMENT_SHIFT 38
#define EFR_MSI_MMIO_SUP  BIT64(46)
#define EFR2_GAPPIDIS_SUP BIT64(4)
#define EFR2_NUM_IR_SHIFT 8
#define EFR2_HT_IGNORE    BIT64(11)

/* "SMI Filter Register" */
#define SMIF_DEVICE BITS64(15, 0)
#define SMIF_VALID  BIT64(16)
#define SMIF_LOCK   BIT64(17)

/* "IOMMU Status Register [MMIO Offset 2020h]" */
#define STS_EVENT_OVERFLOW BIT64(0)
#define STS_EVENT_INT      BIT64(1)
#define STS_COM_WAIT_INT   BIT64(2)
#define STS_EVENT_RUN      BIT64(3)
#define STS_CMD_RUN        BIT64(4)
#define STS_GALOG_RUN      BIT64(8)
#define STS_GALOG_OVERFLOW BIT64(9)
#define STS_GA_INT         BIT64(10)
/* All write-1-to-clear bits, those of the absent PPR and second logs included. */
#define STS_W1C                                                                                    \
	(BIT64(0) | BIT64(1) | BIT64(2) | BIT64(5) | BIT64(6) | BIT64(9) | BIT64(10) | BIT64(11) | \
		BIT64(15) | BIT64(17) | BIT64(18))

/* "Commands" */
enum iommu_opcode {
	OP_COMPLETION_WAIT = 1,
	OP_INV_DEVTAB = 2,
	OP_INV_PAGES = 3,
	OP_INV_IOTLB = 4,
	OP_INV_INTR_TABLE = 5,
	OP_PREFETCH = 6,
	OP_PPR_COMPLETE = 7,
	OP_INV_ALL = 8,
};

/* "Event Log Entries": codes, and flags by their bit number inside q0 */
enum iommu_event_code {
	EV_ILLEGAL_DTE = 1,
	EV_IO_PAGE_FAULT = 2,
	EV_DEVTAB_HW_ERROR = 3,
	EV_PAGE_HW_ERROR = 4,
	EV_ILLEGAL_CMD = 5,
	EV_CMD_HW_ERROR = 6,
	EV_INVALID_REQUEST = 8,
};
#define EVF_I  BIT64(51) /* an interrupt request */
#define EVF_PR BIT64(52) /* the entry was present */
#define EVF_RW BIT64(53) /* a write */
#define EVF_PE BIT64(54) /* permission */
#define EVF_RZ BIT64(55) /* a reserved bit was not zero */

/* "Device Table Entry Format" */
#define DTE0_V    BIT64(0)
#define DTE0_TV   BIT64(1)
#define DTE0_ROOT BITS64(51, 12)
#define DTE0_IR   BIT64(61)
#define DTE0_IW   BIT64(62)
/* Reserved, and the fields of features that this IOMMU has not: attributes, HAD, PPR,
 * GPRP, GIoV, GV. */
#define DTE0_RESERVED  (BITS64(8, 2) | BITS64(55, 52) | BIT64(63))
#define DTE1_SE        BIT64(33)
#define DTE1_SA        BIT64(34)
#define DTE1_EX        BIT64(39)
#define DTE1_RESERVED  BIT64(42) /* SATS */
#define DTE2_IV        BIT64(0)
#define DTE2_IG        BIT64(5)
#define DTE2_INT_ROOT  BITS64(51, 6)
#define DTE2_INIT_PASS BIT64(56)
#define DTE2_EINT_PASS BIT64(57)
#define DTE2_NMI_PASS  BIT64(58)
#define DTE2_RESERVED  (BITS64(55, 52) | BIT64(59) | BIT64(6))
#define DTE3_RESERVED  (~0ull) /* vImu, GDeviceID, GuestID, attributes: not supported */

/* "I/O Page Tables" (host, version 1) */
#define PTE_PR       BIT64(0)
#define PTE_ADDR     BITS64(51, 12)
#define PTE_RESERVED BITS64(58, 52)
#define PTE_IR       BIT64(61)
#define PTE_IW       BIT64(62)

/* "Interrupt Remapping Table Entry": both formats share bits 0 to 7 */
#define IRTE_REMAP_EN  BIT64(0)
#define IRTE_SUP_IOPF  BIT64(1)
#define IRTE_DM        BIT64(6)
#define IRTE_GUEST     BIT64(7)
#define IRTE32_RES     BITS64(31, 24)
#define IRTE_LO_RES    BITS64(63, 32) /* 128-bit, remapped */
#define IRTE_HI_RES    BITS64(55, 8)
#define IRTE_GALOGINTR BIT64(2) /* guest mode */
#define IRTE_GAPPIDIS  BIT64(5)
#define IRTE_ISRUN     BIT64(6)
#define IRTE_GLO_RES   BITS64(4, 3)
#define IRTE_GHI_RES   (BITS64(11, 8) | BITS64(55, 52))
#define IRTE_GHI_ROOT  BITS64(51, 12)
/* What is never cached of a guest-mode entry: IsRun, Destination, GATag by the manual
 * ("Guest Virtual APIC Mode"), GALogIntr and GAPPIDis by its authors' statements. */
#define IRTE_UNCACHED_LO (BITS64(63, 8) | IRTE_ISRUN | IRTE_GAPPIDIS | IRTE_GALOGINTR)
#define IRTE_UNCACHED_HI BITS64(63, 56)

/* "GA Log Entries": GUEST_NR, the interrupted guest was not running */
#define GALOG_GUEST_NR (1ull << 60)

#endif
