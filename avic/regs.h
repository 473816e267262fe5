/* SPDX-License-Identifier: MIT */
/* Facts only: the local APIC's register layout as the vAPIC backing page has it, and the entries of
 * the physical and logical APIC ID tables (24593 rev 3.44, "Virtual APIC Register Accesses",
 * "Physical APIC ID Table", "Logical APIC ID Table", "Local APIC Registers"). */
#ifndef AVIC_REGS_H
#define AVIC_REGS_H

#include "base/bits.h"

/* Offsets in the page; the x2APIC MSR is 800h + offset / 16. */
enum vapic_reg {
	VAPIC_ID = 0x020,
	VAPIC_VERSION = 0x030,
	VAPIC_TPR = 0x080,
	VAPIC_APR = 0x090,
	VAPIC_PPR = 0x0a0,
	VAPIC_EOI = 0x0b0,
	VAPIC_RRR = 0x0c0,
	VAPIC_LDR = 0x0d0,
	VAPIC_DFR = 0x0e0,
	VAPIC_SVR = 0x0f0,
	VAPIC_ISR = 0x100, /* 8 of each, 16 bytes apart */
	VAPIC_TMR = 0x180,
	VAPIC_IRR = 0x200,
	VAPIC_ESR = 0x280,
	VAPIC_ICR_LOW = 0x300,
	VAPIC_ICR_HIGH = 0x310,
	VAPIC_LVT_TIMER = 0x320,
	VAPIC_LVT_THERMAL = 0x330,
	VAPIC_LVT_PERF = 0x340,
	VAPIC_LVT_LINT0 = 0x350,
	VAPIC_LVT_LINT1 = 0x360,
	VAPIC_LVT_ERROR = 0x370,
	VAPIC_TIMER_INITIAL = 0x380,
	VAPIC_TIMER_CURRENT = 0x390,
	VAPIC_TIMER_DIVIDE = 0x3e0,
	VAPIC_SELF_IPI = 0x3f0, /* x2APIC only */
};

#define VAPIC_MSR_FIRST 0x800u
#define VAPIC_MSR_LAST  0x8ffu

/* Six LVT entries (highest index 5), version 10h, no extended register space. */
#define VAPIC_VERSION_VALUE 0x00050010u

#define SVR_ENABLE   (1u << 8)
#define SVR_WRITABLE 0x000003ffu
#define DFR_FLAT     0xffffffffu
#define DFR_CLUSTER  0x0fffffffu
#define LVT_VECTOR   0x000000ffu
#define LVT_STATUS   (1u << 12) /* read-only */
#define LVT_MASKED   (1u << 16)
#define LVT_PERIODIC (1u << 17) /* timer */
#define LVT_DEADLINE (1u << 18) /* timer: no AMD CPU has it, but CPUID says so to guests */

#define ESR_SEND_ILLEGAL_VECTOR    (1u << 5)
#define ESR_RECEIVE_ILLEGAL_VECTOR (1u << 6)
#define ESR_ILLEGAL_REGISTER       (1u << 7)

#define ICR_VECTOR       FIELD(7, 0)
#define ICR_MODE         FIELD(10, 8)
#define ICR_LOGICAL      BIT(11)
#define ICR_BUSY         BIT(12)
#define ICR_ASSERT       BIT(14)
#define ICR_LEVEL        BIT(15)
#define ICR_SHORTHAND    FIELD(19, 18)
#define ICR_XAPIC_TARGET FIELD(63, 56)
#define ICR_TARGET       FIELD(63, 32)

enum icr_mode {
	ICR_FIXED = 0,
	ICR_LOWEST = 1,
	ICR_NMI = 4,
	ICR_INIT = 5,
	ICR_STARTUP = 6,
};
enum icr_shorthand { ICR_NONE, ICR_SELF, ICR_ALL, ICR_OTHERS };

/* Physical APIC ID table entry: 64 bits, written by one store each time. */
#define PHYSICAL_VALID   BIT(63)
#define PHYSICAL_RUNNING BIT(62)
#define PHYSICAL_PAGE    FIELD(51, 12)
#define PHYSICAL_APICID  FIELD(11, 0)
#define PHYSICAL_ENTRIES 512
/* xAVIC: FFh is the broadcast, so that 254 is the last ID. */
#define PHYSICAL_LAST_XAVIC 254

/* Logical APIC ID table entry: 32 bits; xAVIC only. */
#define LOGICAL_VALID   (1u << 31)
#define LOGICAL_CLUSTER 15 /* clusters 0..14 of 4 entries; 15 is the broadcast */
#define LOGICAL_ENTRIES (4 * LOGICAL_CLUSTER)

/* Causes of exit 401h (24593 rev 3.44, "AVIC Incomplete IPI"). */
enum ipi_cause {
	IPI_INVALID_TYPE = 0,
	IPI_TARGET_NOT_RUNNING = 1,
	IPI_INVALID_TARGET = 2,
	IPI_INVALID_PAGE = 3,
	IPI_INVALID_VECTOR = 4,
};

#define GUEST_APIC_BASE 0xfee00000ull

/* IA32_APIC_BASE (24593 rev 3.44, "APIC Base Address Register"). */
#define APIC_BASE_BSP     BIT(8)
#define APIC_BASE_X2APIC  BIT(10)
#define APIC_BASE_ENABLED BIT(11)

#endif
