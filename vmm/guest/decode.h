/* SPDX-License-Identifier: MIT */
/* The instructions with which guests reach a device's memory: moves, the logical operations and
 * comparisons that compilers make of a register in memory, and string stores and moves. A pure
 * function of bytes. */
#ifndef GUEST_DECODE_H
#define GUEST_DECODE_H

#include "base/types.h"

#define INSN_MAX 15

enum insn_kind {
	INSN_MOVE,
	INSN_OR,
	INSN_AND,
	INSN_XOR,
	INSN_XCHG,
	INSN_CMP,
	INSN_TEST,
	INSN_STOS, /* memory at rDI */
	INSN_MOVS, /* from rSI, in segment, to rDI */
};

enum insn_segment { SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };

struct insn {
	enum insn_kind kind;
	uint8_t length;
	bool write;            /* memory is the destination (of CMP and TEST: the first operand) */
	uint8_t bytes;         /* of the memory operand: 1, 2, 4, 8 */
	bool has_immediate;    /* the other operand is immediate, not a register */
	uint64_t immediate;    /* sign-extended to bytes */
	uint8_t reg;           /* 0 RAX .. 15 R15 */
	bool high_byte;        /* AH, CH, DH, BH: reg is 0..3, bits 15:8 */
	uint8_t reg_bytes;     /* read: of the destination; larger than bytes for MOVZX, MOVSX */
	bool sign;             /* read: extend with the sign */
	bool repeat;           /* string: rCX times */
	uint8_t address_bytes; /* string: of rCX, rSI, rDI: 2, 4, 8 */
	enum insn_segment segment;
};

/* code_bits: 16, 32 or 64. False: not such an instruction, or more than count bytes long. */
bool decode_insn(struct insn *out, const uint8_t *code, size_t count, unsigned code_bits);

#endif
