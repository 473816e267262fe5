/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVIC and x2AVIC of one CPU core: what VMRUN checks and latches, the guest's APIC
 * page and x2APIC MSRs, inter-processor interrupts, the doorbell, and which virtual
 * interrupt the core knows of.
 *
 *              avic_vmrun                     avic_vmexit
 *      host mode --------> guest mode, AVIC on -----------> host mode
 *                            |  ^
 *        evaluation: VMRUN, doorbell, EOI, TPR/CR8, self-IPI, delivery
 *                            v  |
 *                         recognised -- avic_accept --> IRR to ISR, vector to the IDT
 *
 * A core looks at the IRR at these moments only. A bit that is written into the page
 * of a running guest is not seen until one of them comes: that is what the doorbell
 * is for (24593 rev 3.44, "Doorbell Mechanism").
 *
 * Every call is made with the host's lock held, in the context of the core's own
 * thread, and needs avic_core.on unless it says otherwise.
 */
#ifndef AVIC_H
#define AVIC_H

#include "model.h"

/* Where the manual leaves a choice, or a part differs from it. */
struct avic_options {
	unsigned phys_bits;            /* implemented physical address bits */
	bool x2avic_ext;               /* tables of up to 4096 entries */
	bool ext_lvt;                  /* 500h-530h: reads allowed, writes trap */
	bool icr_busy;                 /* IPIs left to software show delivery status busy */
	bool x2_broadcast;             /* FFFF_FFFFh is a broadcast, else exit ID 2 */
	bool eoi_clears_isr;           /* the exit of a level EOI: ISR bit cleared already */
	bool page_tpr;                 /* VMRUN takes the priority from the page, not V_TPR */
	bool partial_multicast;        /* exit ID 2 after the targets before the bad one */
	unsigned erratum_1235_percent; /* chance that a cleared IsRunning is seen as set */
};

/* Entries of physical ID tables that were seen with IsRunning set (erratum 1235). */
#define AVIC_STALE_SLOTS 64u
struct avic_stale {
	uint64_t addr;
	uint64_t entry;
};

struct avic_machine {
	const struct model_host *host;
	struct avic_options opt;
	struct avic_stale stale[AVIC_STALE_SLOTS];
};

struct avic_exit {
	uint32_t code;
	uint64_t info1;
	uint64_t info2;
};

struct avic_core {
	struct avic_machine *machine; /* (const) */
	uint32_t apicid;              /* (const) host physical APIC ID of the core */
	bool on;                      /* a guest with AVIC runs */
	bool x2;                      /* by MSR, not by APIC page */
	bool recognised;              /* the core knows of a deliverable interrupt */
	uint8_t v_tpr;                /* priority class, 0..15 */
	uint16_t max_index;
	uint64_t apic_bar; /* guest physical */
	uint64_t backing;
	uint64_t logical;
	uint64_t physical;
	uint64_t vmcb;
	struct avic_exit exit; /* of the last AVIC_FAULT or AVIC_TRAP */
};

/* What VMRUN reads; offsets in the VMCB. */
struct avic_vmcb {
	uint64_t addr;
	uint16_t cr_write; /* 002 */
	bool vintr;        /* 00C bit 4 */
	uint64_t int_ctl;  /* 060 */
	bool np_enable;    /* 090 bit 0 */
	uint64_t apic_bar; /* 098 */
	uint64_t backing;  /* 0E0 */
	uint64_t logical;  /* 0F0 */
	uint64_t physical; /* 0F8 */
};

enum avic_result {
	AVIC_DONE,  /* the access is complete */
	AVIC_FAULT, /* nothing was done: #VMEXIT with .exit, RIP at the instruction */
	AVIC_TRAP,  /* it was done: #VMEXIT with .exit, RIP at the next instruction */
	AVIC_GP,    /* nothing was done: #GP(0) into the guest */
};

/*
 * The checks of VMRUN and, if they hold and 060h enables AVIC, the entry. False:
 * #VMEXIT(INVALID). A VMCB without AVIC leaves the core off. Any state.
 */
bool avic_vmrun(struct avic_core *core, const struct avic_vmcb *vmcb);
void avic_vmexit(struct avic_core *core); /* any state */

/* Looks at the IRR and notes in .recognised whether something can be delivered. */
void avic_evaluate(struct avic_core *core);

/* A doorbell reached the core. Any state: in host mode it is lost. */
void avic_ring(struct avic_core *core);

/*
 * Acceptance: moves the highest deliverable vector from IRR to ISR and returns it,
 * -1 if there is none any more. The caller takes it through the guest's IDT.
 */
int avic_accept(struct avic_core *core);

/* The guest's APIC page; offset below 4096, access within the page, 1 to 8 bytes. */
enum avic_result avic_page_read(
	struct avic_core *core, unsigned offset, unsigned bytes, uint64_t *value);
enum avic_result avic_page_write(
	struct avic_core *core, unsigned offset, unsigned bytes, uint64_t value);

/* MSRs 800h-8FFh of an x2AVIC guest, after the CPL check and the permission map. */
enum avic_result avic_msr_read(struct avic_core *core, uint32_t msr, uint64_t *value);
enum avic_result avic_msr_write(struct avic_core *core, uint32_t msr, uint64_t value);

/* MOV to CR8 in the guest; value below 16. Reads return .v_tpr. */
void avic_write_cr8(struct avic_core *core, unsigned value);

/* WRMSR C001_011Bh, any state. False: #GP(0). */
bool avic_write_doorbell(struct avic_core *core, uint64_t value);

#endif
