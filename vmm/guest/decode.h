/* SPDX-License-Identifier: MIT */
/* The instructions with which guests reach the APIC page: moves between memory and a register or a
 * constant. A pure function of bytes. */
#ifndef GUEST_DECODE_H
#define GUEST_DECODE_H

#include "base/types.h"

#define INSN_MAX 15

struct insn {
	uint8_t length;
	bool write;         /* to memory */
	uint8_t bytes;      /* of the memory operand: 1, 2, 4, 8 */
	bool has_immediate; /* write: value is immediate, not a register */
	uint64_t immediate; /* sign-extended to bytes */
	uint8_t reg;        /* 0 RAX .. 15 R15 */
	bool high_byte;     /* AH, CH, DH, BH: reg is 0..3, bits 15:8 */
	uint8_t reg_bytes;  /* read: of the destination; larger than bytes for MOVZX, MOVSX */
	bool sign;          /* read: extend with the sign */
};

/* code_bits: 16, 32 or 64. False: not such an instruction, or more than count bytes long. */
bool decode_move(struct insn *out, const uint8_t *code, size_t count, unsigned code_bits);

#endif
