/* SPDX-License-Identifier: MIT */
/* Messages of an 82576's virtual functions: what each asks for, whether it may have it, and the
 * answer. No hardware here. */
#ifndef DRIVERS_IGB_MAIL_H
#define DRIVERS_IGB_MAIL_H

#include "base/types.h"
#include "igb_regs.h"

#define IGB_HASHES 30 /* multicast hashes in one message, at most */

struct igb_vf {
	uint8_t given[6]; /* (const) its address unless its owner asks for another */
	uint8_t mac[6];
	bool ready;       /* its driver has told that it is there */
	bool refused;     /* the last message */
	uint32_t longest; /* packet, bytes */
	uint32_t hash_count;
	uint16_t hash[IGB_HASHES]; /* 0..4095 */
};

struct igb_pf {
	volatile uint8_t *registers;
	uint32_t vf_count;
	uint8_t mac[6];
	struct igb_vf vf[IGB_VFS];
};

/* What of the hardware has to follow. */
enum igb_change { IGB_NOTHING, IGB_RESET, IGB_ADDRESS, IGB_MULTICAST, IGB_LONGEST };

/* The addresses given out, made from the physical function's own. */
void igb_mail_addresses(struct igb_pf *p, const uint8_t mac[6]);
/* As before any message. */
void igb_mail_forget(struct igb_vf *vf, uint32_t longest);
/* Takes in a message of virtual function n: any 16 words whatever. */
enum igb_change igb_mail_read(struct igb_pf *p, uint32_t n, const uint32_t mail[IGB_MAIL_WORDS]);
/* Afterwards: makes mail the answer; how many words of it count. */
uint32_t igb_mail_answer(const struct igb_vf *vf, uint32_t mail[IGB_MAIL_WORDS]);

#endif
