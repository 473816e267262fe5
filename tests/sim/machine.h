/* SPDX-License-Identifier: MIT */
/*
 * The simulation's hardware: one IOMMU and its cores, which are the emulator's model in the test's
 * own address space (a physical address is a pointer). This header is all that the hypervisor's
 * side and the model's side share: their own headers use the same names for different things.
 *
 * An interrupt by a device takes several steps, and what the hypervisor does in between is a race:
 *   IRTE fetched or found in the cache --> IRR bit set --> was the IRR clear? -->
 *   IsRun, GATag.. looked at in the IRTE, whoever has to be told is told
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_CPUS   8
#define MACHINE_DEVICE 0x0130 /* requester ID of the device that fires */

/* Not consecutive, and different from indices. */
static inline uint32_t machine_apicid(unsigned cpu)
{
	return 0x21 + 0x10 * cpu;
}

void machine_start(void);

/* Registers of the IOMMU: accesses to this window. */
extern uint8_t machine_window[0x4000];
uint64_t machine_mmio_read(uint32_t offset, unsigned bytes);
void machine_mmio_write(uint32_t offset, unsigned bytes, uint64_t v);
uint32_t machine_pci_read(uint16_t offset);
void machine_pci_write(uint16_t offset, uint32_t v);

/* The device sends message n. MACHINE_SPLIT_*: it stops between two steps, until machine_finish().
 * One such is under way at a time: hardware serialises posts to one page. */
enum machine_split {
	MACHINE_WHOLE,
	MACHINE_SPLIT_BEFORE_OR,
	MACHINE_SPLIT_AFTER_OR,
	MACHINE_SPLIT_BEFORE_IRTE, /* the second look at it */
};
void machine_fire(uint32_t message, enum machine_split split);
void machine_finish(void);
bool machine_unfinished(void);

/* A core in guest mode. vmcb is the whole page. */
bool machine_enter(unsigned cpu, const void *vmcb);
void machine_leave(unsigned cpu, void *vmcb);
int machine_accept(unsigned cpu); /* vector, or -1: nothing is recognised */
void machine_write_msr(unsigned cpu, uint32_t msr, uint64_t v);
/* An IPI by the guest. False: it exits (401h), with EXITINFO1 and 2 in info. */
bool machine_ipi(unsigned cpu, uint32_t to, uint8_t vector, uint64_t info[2]);
/* step is called between an IPI's OR of the bit and the look whether its target runs. */
void machine_between(void (*step)(void));
void machine_doorbell(uint32_t apicid);

/* Interrupts of the host. */
void machine_interrupt(unsigned cpu, uint8_t vector);
int machine_pending(unsigned cpu); /* highest vector, or -1 */
void machine_ack(unsigned cpu, uint8_t vector);

/* Faults. */
void machine_spurious_gappi(unsigned percent);
void machine_galog_limit(unsigned entries); /* 0: as long as the ring */
void machine_galog_overflow(void);          /* the next entry finds the log full */
void machine_quiet_galog(uint8_t vector);   /* no such message while the log is drained */
void machine_erratum_1235(unsigned percent);

/* The IOMMU's commands, and perhaps its writes of log entries and tails, come later from now on:
 * one with each call of machine_arrives() (false: there is none), all writes with a register's
 * read. A COMPLETION_WAIT comes after the ORs of messages that are under way. */
enum machine_late { MACHINE_AT_ONCE, MACHINE_LATE_COMMANDS, MACHINE_LATE_WRITES };
void machine_late(enum machine_late late);
bool machine_arrives(bool tail_first);
bool machine_has_late(void);

/* What software must never do, so far. */
extern unsigned machine_strict;

#endif
