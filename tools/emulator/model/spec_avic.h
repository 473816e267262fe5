/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVIC and x2AVIC as the emulator knows them: a transcription of its own, made for
 * the model only. Literal shifts on purpose: the hypervisor derives its constants in
 * another way, so that a mistake in either shows.
 *
 * Sources: 24593 rev 3.44, "Advanced Virtual Interrupt Controller" and appendix
 * "Layout of VMCB"; 24594 rev 3.37, "Secure Virtual Machine Features" (CPUID).
 */
#ifndef SPEC_AVIC_H
#define SPEC_AVIC_H

#include <stdint.h>

/* VMCB offset 060h. */
#define VMCB_V_TPR          0x0full
#define VMCB_V_IRQ          (1ull << 8)
#define VMCB_V_INTR_MASKING (1ull << 24)
#define VMCB_X2AVIC         (1ull << 30)
#define VMCB_AVIC           (1ull << 31)

/* VMCB offsets 098h, 0E0h, 0F0h, 0F8h: a page address, and in 0F8h the limit below it. */
#define VMCB_AVIC_PAGE      0x000ffffffffff000ull
#define VMCB_AVIC_MAX_INDEX 0x0fffull
#define VMCB_AVIC_PTR_SBZ   0xfff0000000000fffull
#define VMCB_AVIC_TABLE_SBZ 0xfff0000000000000ull

#define XAVIC_MAX_INDEX  255u
#define X2AVIC_MAX_INDEX 511u
#define XAVIC_BROADCAST  0xffu
#define X2AVIC_BROADCAST 0xffffffffu

/* Physical APIC ID table entry, 8 bytes. */
#define PHYS_ENTRY_VALID   (1ull << 63)
#define PHYS_ENTRY_RUNNING (1ull << 62)
#define PHYS_ENTRY_SBZ     0x3ff0000000000000ull
#define PHYS_ENTRY_PAGE    0x000ffffffffff000ull
#define PHYS_ENTRY_HOST_ID 0x0fffull

/* Logical APIC ID table entry, 4 bytes. */
#define LOGICAL_ENTRY_VALID (1u << 31)
#define LOGICAL_ENTRY_SBZ   0x7fffff00u
#define LOGICAL_ENTRY_ID    0xffu

/* #VMEXIT codes and their EXITINFO. */
#define EXIT_INCOMPLETE_IPI 0x401u
#define EXIT_NOACCEL        0x402u
#define NOACCEL_WRITE       (1ull << 32)
#define IPI_BAD_TYPE        0u
#define IPI_NOT_RUNNING     1u
#define IPI_BAD_TARGET      2u
#define IPI_BAD_PAGE        3u
#define IPI_BAD_VECTOR      4u

/* Offsets in the backing page. */
#define APIC_ID       0x020u
#define APIC_TPR      0x080u
#define APIC_PPR      0x0a0u
#define APIC_EOI      0x0b0u
#define APIC_DFR      0x0e0u
#define APIC_ISR      0x100u
#define APIC_TMR      0x180u
#define APIC_IRR      0x200u
#define APIC_ICR_LOW  0x300u
#define APIC_ICR_HIGH 0x310u
#define APIC_SELF_IPI 0x3f0u /* x2APIC only: MSR 83Fh */

/* Interrupt command register, low half. */
#define ICR_VECTOR        0xffu
#define ICR_TYPE          0x700u
#define ICR_LOGICAL       (1u << 11)
#define ICR_BUSY          (1u << 12)
#define ICR_LEVEL_TRIGGER (1u << 15)
#define ICR_SHORTHAND     0xc0000u
#define ICR_SELF          0x40000u
#define ICR_ALL           0x80000u
#define ICR_OTHERS        0xc0000u

#define X2APIC_MSR_FIRST  0x800u
#define X2APIC_MSR_LAST   0x8ffu
#define MSR_AVIC_DOORBELL 0xc001011bu

#endif
