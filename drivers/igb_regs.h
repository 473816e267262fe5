/* SPDX-License-Identifier: MIT */
/* Registers of Intel's 82576 by which its physical function serves the virtual ones: Intel 82576EB
 * Gigabit Ethernet Controller Datasheet rev 2.63, "Programming Interface" and "Virtualization". */
#ifndef DRIVERS_IGB_REGS_H
#define DRIVERS_IGB_REGS_H

#include "base/bits.h"

enum igb_reg {
	IGB_CTRL = 0x0000,
	IGB_CTRL_EXT = 0x0018,
	IGB_MDIC = 0x0020,
	IGB_RCTL = 0x0100,
	IGB_TCTL = 0x0400,
	IGB_VMBMEM = 0x0800,     /* 64 bytes for each virtual function */
	IGB_P2VMAILBOX = 0x0c00, /* 4 for each */
	IGB_MBVFICR = 0x0c80,    /* RW1C: VFREQ in 7:0, VFACK in 23:16 */
	IGB_VFLRE = 0x0c88,      /* RW1C: who was reset by its owner */
	IGB_VFRE = 0x0c8c,
	IGB_VFTE = 0x0c90,
	IGB_IMC = 0x150c,
	IGB_GPIE = 0x1514,
	IGB_EIMC = 0x1528,
	IGB_IVAR = 0x1700, /* 8 of them */
	IGB_QDE = 0x2408,
	IGB_DTXSWC = 0x3500,
	IGB_MTA = 0x5200, /* 128 of them */
	IGB_RAL = 0x5400, /* 16 pairs with RAH */
	IGB_RAH = 0x5404,
	IGB_MRQC = 0x5818,
	IGB_VT_CTL = 0x581c,
	IGB_VMOLR = 0x5ad0, /* 4 for each */
};

#define IGB_VFS         8
#define IGB_QUEUES      16
#define IGB_IVARS       8
#define IGB_RA_PAIRS    16
#define IGB_MTA_WORDS   128
#define IGB_MAIL_WORDS  16
#define IGB_MAIL_STRIDE 64

#define CTRL_SLU        BIT(6) /* set link up */
#define CTRL_RST        BIT(26)
#define CTRL_EXT_PFRSTD BIT(14) /* tells the virtual functions that the reset is done */

#define MDIC_DATA   FIELD(15, 0)
#define MDIC_REG    FIELD(20, 16)
#define MDIC_PHY    FIELD(25, 21)
#define MDIC_OP     FIELD(27, 26)
#define MDIC_WRITE  1u
#define PHY_ADDRESS 1u
#define PHY_CONTROL 0u
#define PHY_AUTONEG 0x1000u
#define PHY_RESTART 0x0200u

#define RCTL_EN    BIT(1)
#define RCTL_BAM   BIT(15)
#define RCTL_SECRC BIT(26)
#define TCTL_EN    BIT(1)

#define GPIE_NSICR    BIT(0)
#define GPIE_MULTIPLE BIT(4)
#define GPIE_EIAME    BIT(30)
#define GPIE_PBA      BIT(31)

#define MRQC_VMDQ             3u /* a pool for each virtual function, chosen by MAC address */
#define VT_CTL_NO_DEFAULT     BIT(29)
#define VT_CTL_REPLICATION    BIT(30)
#define VMOLR_LONGEST         FIELD(13, 0)
#define VMOLR_LPE             BIT(16) /* longer than 1522 bytes */
#define VMOLR_AUPE            BIT(24) /* untagged packets */
#define VMOLR_ROMPE           BIT(25) /* multicast that hits the MTA */
#define VMOLR_BAM             BIT(27) /* broadcast */
#define VMOLR_STRCRC          BIT(31)
#define DTXSWC_MAC_ANTI_SPOOF FIELD(7, 0)
#define DTXSWC_LOOPBACK       BIT(31) /* from one virtual function to another */

#define RAH_HIGH  FIELD(15, 0)
#define RAH_POOLS FIELD(25, 18)
#define RAH_AV    BIT(31)

#define MAILBOX_STS  BIT(0) /* a message for the virtual function */
#define MAILBOX_ACK  BIT(1) /* its own was read */
#define MAILBOX_PFU  BIT(3) /* the buffer is ours */
#define MBVFICR_ACKS FIELD(23, 16)

#endif
