/* SPDX-License-Identifier: MIT */
/* CPU registers that SVM and a guest's CPU model are about: numbers and bits (24593 rev 3.44,
 * "MSR Cross-Reference", "System-Control Registers", "Secure Virtual Machine"). */
#ifndef SVM_REGS_H
#define SVM_REGS_H

#include "base/bits.h"

enum msr {
	MSR_TSC = 0x10,
	MSR_APIC_BASE = 0x1b,
	MSR_MICROCODE = 0x8b,
	MSR_MTRR_CAP = 0xfe,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_DEBUG_CONTROL = 0x1d9,
	MSR_PAT = 0x277,
	MSR_MTRR_DEFAULT = 0x2ff,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC_FIRST = 0x800,
	MSR_X2APIC_LAST = 0x8ff,
};

/* From C000_0000h on they don't fit an int. */
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_SYSCFG         0xc0010010u
#define MSR_HWCR           0xc0010015u
#define MSR_PATCH_LEVEL    0x0000008bu
#define MSR_VM_CR          0xc0010114u
#define MSR_VM_HSAVE_PA    0xc0010117u

/* The TSC counts at the P0 frequency: so says any CPU whose TSC is invariant. */
#define HWCR_TSC_FREQ BIT(24)

#define EFER_SCE   BIT(0)
#define EFER_LME   BIT(8)
#define EFER_LMA   BIT(10)
#define EFER_NXE   BIT(11)
#define EFER_SVME  BIT(12)
#define EFER_FFXSR BIT(14)
#define EFER_TCE   BIT(15)

#define VM_CR_LOCK   BIT(3)
#define VM_CR_SVMDIS BIT(4)

#define APIC_BASE_BSP     BIT(8)
#define APIC_BASE_EXTD    BIT(10)
#define APIC_BASE_ENABLE  BIT(11)
#define APIC_BASE_ADDRESS FIELD(51, 12)

#define CR0_PE      BIT(0)
#define CR0_MP      BIT(1)
#define CR0_ET      BIT(4)
#define CR0_NE      BIT(5)
#define CR0_WP      BIT(16)
#define CR0_NW      BIT(29)
#define CR0_CD      BIT(30)
#define CR0_PG      BIT(31)
#define CR4_PSE     BIT(4)
#define CR4_PAE     BIT(5)
#define CR4_OSFXSR  BIT(9)
#define CR4_LA57    BIT(12)
#define CR4_OSXSAVE BIT(18)

#define RFLAGS_CF    BIT(0)
#define RFLAGS_FIXED BIT(1)
#define RFLAGS_PF    BIT(2)
#define RFLAGS_AF    BIT(4)
#define RFLAGS_ZF    BIT(6)
#define RFLAGS_SF    BIT(7)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_OF    BIT(11)
#define RFLAGS_VM    BIT(17)

#define INIT_RDX  0x600 /* RDX tells the CPU's model after INIT; nobody looks closer */
#define DR6_RESET 0xffff0ff0ull
#define DR7_RESET 0x400ull
#define PAT_RESET 0x0007040600070406ull

/* Exception vectors. */
enum { EXC_DB = 1, EXC_UD = 6, EXC_DF = 8, EXC_GP = 13, EXC_PF = 14, EXC_AC = 17, EXC_MC = 18 };

/* XCR0. */
#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 FIELD(7, 5)
#define XCR0_PKRU   BIT(9)

#endif
