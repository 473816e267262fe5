/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the AVIC model: the backing page, the register table and the ICR. */
#ifndef AVIC_PAGE_H
#define AVIC_PAGE_H

#include "avic.h"
#include "spec_avic.h"

/* How hardware treats an access ("Virtual APIC Register Accesses", 24593 rev 3.44). */
enum avic_class {
	CLASS_ALLOW, /* memory access to the page */
	CLASS_ACCEL, /* memory access and its side effect */
	CLASS_TRAP,  /* the write, then exit 402h */
	CLASS_FAULT, /* exit 402h, nothing written */
	CLASS_GP,    /* not a register of x2APIC mode, or not in this direction */
};

struct avic_rule {
	enum avic_class read;
	enum avic_class write;
	uint64_t reserved; /* x2APIC: #GP if written as 1 */
};

/* By offset in the page; only bits 11:4 count. */
struct avic_rule avic_page_rule(const struct avic_options *opt, unsigned offset);
struct avic_rule avic_msr_rule(const struct avic_options *opt, uint32_t msr);

/* Registers of the core's own page. */
uint32_t page_get(const struct avic_core *core, unsigned offset);
void page_set(const struct avic_core *core, unsigned offset, uint32_t value);

/* Highest vector set in the 256-bit register at offset, -1 if none. */
int page_highest(const struct avic_core *core, unsigned offset);
bool page_bit(const struct avic_core *core, unsigned offset, unsigned vector);

/* Sets a vector in the IRR of any page, atomically. False: nothing there. */
bool page_post(const struct avic_core *core, uint64_t page, unsigned vector);

void avic_write_tpr(struct avic_core *core, uint32_t value);
enum avic_result avic_write_eoi(struct avic_core *core, uint32_t value);
enum avic_result avic_write_icr(struct avic_core *core, uint32_t low, uint32_t high);
enum avic_result avic_self_ipi(struct avic_core *core, uint32_t vector);

/* The exit 402h for a register; vector is that of a level EOI, else 0. */
enum avic_result avic_noaccel(
	struct avic_core *core, enum avic_result how, unsigned offset, bool write, unsigned vector);

/* Remembers a physical ID table entry that has IsRunning set (erratum 1235). */
void avic_note_running(struct avic_machine *machine, uint64_t addr, uint64_t entry);

#endif
