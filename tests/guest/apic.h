/* SPDX-License-Identifier: MIT */
/* The local APIC, as x2APIC or xAPIC (guest_info.x2apic, or as the program changes it), and the I/O
 * APIC where there is one. */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets in the APIC page; the x2APIC MSR is 800h + offset / 16. */
enum apic_register {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_PPR = 0xa0,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};

#define ICR_LOGICAL        (1u << 11)
#define ICR_ASSERT         (1u << 14)
#define ICR_SELF           (1u << 18)
#define ICR_ALL            (2u << 18)
#define ICR_OTHERS         (3u << 18)
#define ICR_NMI            (4u << 8)
#define LVT_MASKED         (1u << 16)
#define LVT_TIMER_PERIODIC (1u << 17)
#define TIMER_DIVIDE_BY_1  0xb

#define MSR_APIC_BASE     0x1bu
#define APIC_BASE_X2APIC  (1u << 10)
#define APIC_BASE_ENABLED (1u << 11)

/* From here on each access asks this vCPU's IA32_APIC_BASE in which mode it is. */
void apic_mode_changes(void);
/* All vCPUs are in this one from here on. */
void apic_mode_stays(bool x2apic);
uint64_t apic_base(void);
uint32_t apic_read(enum apic_register r);
void apic_write(enum apic_register r, uint32_t value);
void apic_init(void);
void apic_eoi(void);
/* low: ICR bits 31:0. */
void apic_ipi(uint32_t destination, uint32_t low);
bool apic_irr(uint8_t vector);
/* xAPIC mode has a logical ID that software gives: flat, one bit each. No effect in x2APIC mode. */
void apic_set_logical_id(uint32_t index);

/* A pin of the I/O APIC: to a vCPU by its APIC ID; low: vector and flags. */
#define PIN_LEVEL  (1u << 15)
#define PIN_MASKED (1u << 16)
void ioapic_pin(unsigned pin, uint32_t apic_id, uint32_t low);
/* Its EOI register. */
void ioapic_eoi(uint8_t vector);

#endif
