/* SPDX-License-Identifier: MIT */
/*
 * The vAPIC backing page as memory (24593 rev 3.44, "Virtual APIC Register Accesses"): IRR, ISR,
 * PPR arithmetic and the software stash of masked IRR bits. Used by AVIC and by the emulated
 * baseline, so that a switch between them has nothing to copy. IRR words are written by the IOMMU
 * and by other cores at any time: locked operations only.
 */
#ifndef AVIC_VAPIC_H
#define AVIC_VAPIC_H

#include "base/types.h"
#include "regs.h"
#include <hw/shared.h>

struct vapic { /* exactly the 4 KiB page */
	uint32_t reg[1024];
};
_Static_assert(sizeof(struct vapic) == 4096, "24593 rev 3.44, vAPIC backing page");

enum vapic_mode { VAPIC_XAPIC, VAPIC_X2APIC, VAPIC_OFF };

/* Register values after reset or INIT. */
void vapic_reset(struct vapic *p, uint32_t guest_apic_id, enum vapic_mode mode);
/* Those registers that another mode has in another form. Off: a priority above all others, so that
 * nothing is deliverable. */
void vapic_set_mode(struct vapic *p, uint32_t guest_apic_id, enum vapic_mode mode);

/* offset: 0..FF0h, of a register that no one else writes. */
static inline uint32_t vapic_read(const struct vapic *p, uint32_t offset)
{
	return p->reg[offset / 4];
}

static inline void vapic_write(struct vapic *p, uint32_t offset, uint32_t value)
{
	p->reg[offset / 4] = value;
}

/* Locked OR of one IRR bit; true when it was clear. Clears TMR of the vector (edge). */
bool vapic_set_irr(struct vapic *p, uint8_t vector);
/* The same of a level-triggered interrupt: TMR is set first, so that the vector's EOI exits. */
bool vapic_set_irr_level(struct vapic *p, uint8_t vector);
static inline bool vapic_irr(const struct vapic *p, uint8_t vector)
{
	return shared_load32(&p->reg[VAPIC_IRR / 4 + vector / 32 * 4]) >> vector % 32 & 1;
}
/* Highest IRR vector whose class is above PPR's, or -1. PPR is computed from tpr and ISR. */
int vapic_deliverable(const struct vapic *p);
/* Highest IRR or ISR vector, or -1. */
int vapic_highest_irr(const struct vapic *p);
int vapic_highest_isr(const struct vapic *p);
/* Does any of the banks from first on (32 vectors each) of IRR or ISR hold a bit, or bits? On the
 * wake path: no search, no branch. */
static inline bool vapic_any(
	const struct vapic *p, enum vapic_reg reg, unsigned first, uint32_t bits)
{
#pragma GCC unroll 8
	for (unsigned i = first; i < 8; i++)
		bits = shared_gather32(bits, &p->reg[reg / 4 + 4 * i]);
	return bits != 0;
}
static inline bool vapic_irr_any(const struct vapic *p)
{
	return vapic_any(p, VAPIC_IRR, 0, 0);
}
/* Is a vector set that some priority could let through? Vectors 0..15 are below every one. */
static inline bool vapic_irr_open(const struct vapic *p)
{
	return vapic_any(p, VAPIC_IRR, 1, shared_load32(&p->reg[VAPIC_IRR / 4]) >> 16);
}
/* Nothing is in service and nothing masked: whatever vapic_irr_open() sees is deliverable. This is
 * how a guest halts. */
static inline bool vapic_open(const struct vapic *p)
{
	return !vapic_any(p, VAPIC_ISR, 0, 0) && !(p->reg[VAPIC_TPR / 4] & 0xf0);
}
/* Is there one at all? The same answer as vapic_deliverable() >= 0. */
static inline bool vapic_ready(const struct vapic *p)
{
	return vapic_irr_open(p) && (vapic_open(p) || vapic_deliverable(p) >= 0);
}
/* Software acceptance (emulated delivery): IRR -> ISR, PPR updated; the vector or -1. */
int vapic_accept(struct vapic *p);
/* Software EOI: highest ISR bit cleared, PPR updated; the vector or -1. */
int vapic_eoi(struct vapic *p);
void vapic_update_ppr(struct vapic *p);
/* Was the vector last accepted as level triggered? Only software sets TMR. */
bool vapic_is_level(const struct vapic *p, uint8_t vector);

/* GAPPI's masked-IRR rule (48882 rev 3.11, "Guest APIC Physical Processor Interrupt"): bits that
 * are set but not deliverable would silence the next GAPPI. stash moves all IRR bits out of the
 * page and returns how many; unstash puts them back by locked OR. */
struct vapic_stash {
	uint32_t irr[8];
	bool any;
};
uint32_t vapic_stash(struct vapic *p, struct vapic_stash *stash);
/* Like vapic_deliverable(), of what was put away. */
int vapic_stash_deliverable(const struct vapic *p, const struct vapic_stash *stash);
void vapic_unstash(struct vapic *p, struct vapic_stash *stash);

#endif
