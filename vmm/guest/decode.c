/* SPDX-License-Identifier: MIT */
/* Encodings: 24594 (AMD64 APM volume 3) rev 3.37, "Instruction Encoding". */
#include "guest/decode.h"

struct cursor {
	const uint8_t *code;
	size_t count, at;
	bool overrun;
	unsigned code_bits;
	unsigned operand_bytes, address_bits;
	bool lock, rex, repeat;
	enum insn_segment segment;
	uint8_t rex_bits; /* W 3, R 2, X 1, B 0 */
};

static uint8_t next(struct cursor *c)
{
	if (c->at == c->count) {
		c->overrun = true;
		return 0;
	}
	return c->code[c->at++];
}

static void skip(struct cursor *c, unsigned bytes)
{
	while (bytes--)
		next(c);
}

static uint64_t next_signed(struct cursor *c, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)next(c) << 8 * i;
	if (bytes < 8 && v >> (8 * bytes - 1) & 1)
		v |= ~0ull << 8 * bytes;
	return v;
}

/* A prefix of the segment, the lock or the repeat kind; false: none of these. */
static bool simple_prefix(struct cursor *c, uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* 64-bit code ignores these. */
		if (c->code_bits != 64)
			c->segment = (enum insn_segment)(byte >> 3 & 3);
		return true;
	case 0x64:
		c->segment = SEGMENT_FS;
		return true;
	case 0x65:
		c->segment = SEGMENT_GS;
		return true;
	case 0xf0:
		c->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		c->repeat = true;
		return true;
	default:
		return false;
	}
}

static uint8_t prefixes(struct cursor *c)
{
	bool operand_override = false, address_override = false;
	uint8_t byte;

	for (;;) {
		byte = next(c);
		if (byte == 0x66)
			operand_override = true;
		else if (byte == 0x67)
			address_override = true;
		else if (!simple_prefix(c, byte))
			break;
	}
	/* REX counts only right before the opcode. */
	if (c->code_bits == 64 && (byte & 0xf0) == 0x40) {
		c->rex = true;
		c->rex_bits = byte & 0xf;
		byte = next(c);
	}
	if (c->code_bits == 64)
		c->address_bits = address_override ? 32 : 64;
	else
		c->address_bits = (c->code_bits == 32) != address_override ? 32 : 16;
	c->operand_bytes = (c->code_bits != 16) != operand_override ? 4 : 2;
	if (c->rex_bits & 8)
		c->operand_bytes = 8;
	return byte;
}

/* ModRM with SIB and displacement, whose only use here is their length. False: no memory operand.
 */
static bool modrm(struct cursor *c, uint8_t *reg)
{
	uint8_t byte = next(c);
	unsigned mod = byte >> 6, rm = byte & 7;
	unsigned displacement = mod == 1 ? 1 : 0;

	*reg = (byte >> 3 & 7) | (c->rex_bits & 4 ? 8 : 0);
	if (mod == 3)
		return false;
	if (c->address_bits == 16) {
		if (mod == 2 || (mod == 0 && rm == 6))
			displacement = 2;
	} else {
		unsigned base = rm;

		if (rm == 4)
			base = next(c) & 7;
		if (mod == 2 || (mod == 0 && base == 5))
			displacement = 4;
	}
	skip(c, displacement);
	return true;
}

static bool operand_register(struct insn *out, struct cursor *c)
{
	if (!modrm(c, &out->reg))
		return false;
	if (out->bytes == 1 && out->reg_bytes == 1 && !c->rex && out->reg >= 4) {
		out->high_byte = true;
		out->reg -= 4;
	}
	return true;
}

static bool operand_immediate(struct insn *out, struct cursor *c)
{
	uint8_t extension;

	if (!modrm(c, &extension) || (extension & 7) != 0)
		return false;
	out->has_immediate = true;
	out->immediate = next_signed(c, out->bytes == 8 ? 4 : out->bytes);
	return true;
}

/* MOVZX and MOVSX: memory of bytes into a register of the operand size. */
static bool widening(struct insn *out, struct cursor *c)
{
	uint8_t opcode = next(c);

	if (opcode != 0xb6 && opcode != 0xb7 && opcode != 0xbe && opcode != 0xbf)
		return false;
	out->bytes = opcode & 1 ? 2 : 1;
	out->reg_bytes = c->operand_bytes;
	out->sign = opcode >= 0xbe;
	return modrm(c, &out->reg);
}

/* The operation is in bits 5:3 of the opcode, or of ModRM where the opcode is 80h to 83h. */
static bool arithmetic_kind(struct insn *out, uint8_t number)
{
	static const enum insn_kind kinds[8] = {
		[1] = INSN_OR, [4] = INSN_AND, [6] = INSN_XOR, [7] = INSN_CMP
	};

	out->kind = kinds[number & 7];
	return out->kind != INSN_MOVE;
}

static bool group_1(struct insn *out, struct cursor *c, uint8_t opcode)
{
	uint8_t number;

	out->write = true;
	out->has_immediate = true;
	if (!modrm(c, &number) || !arithmetic_kind(out, number))
		return false;
	out->immediate = next_signed(c, opcode == 0x83 ? 1 : out->bytes == 8 ? 4 : out->bytes);
	return true;
}

static bool string(struct insn *out, const struct cursor *c, enum insn_kind kind)
{
	out->kind = kind;
	out->write = true;
	out->repeat = c->repeat;
	out->address_bytes = (uint8_t)(c->address_bits / 8);
	out->segment = c->segment;
	return true;
}

/* Opcodes of one byte but those of decode_insn(): operations between memory and a register. */
static bool arithmetic(struct insn *out, struct cursor *c, uint8_t opcode)
{
	switch (opcode) {
	case 0x80:
	case 0x81:
	case 0x83:
		return group_1(out, c, opcode);
	case 0x84:
	case 0x85:
		out->kind = INSN_TEST;
		return operand_register(out, c);
	case 0x86:
	case 0x87:
		out->kind = INSN_XCHG;
		out->write = true;
		return operand_register(out, c);
	case 0xf6:
	case 0xf7:
		out->kind = INSN_TEST;
		return operand_immediate(out, c);
	default:
		/* 08h to 3Bh: four forms of each operation, of which the last two read memory. */
		if (opcode >= 0x40 || (opcode & 7) >= 4 || !arithmetic_kind(out, opcode >> 3))
			return false;
		out->write = !(opcode & 2);
		return operand_register(out, c);
	}
}

static bool operands(struct insn *out, struct cursor *c, uint8_t opcode)
{
	switch (opcode) {
	case 0x88:
	case 0x89:
		out->write = true;
		return operand_register(out, c);
	case 0x8a:
	case 0x8b:
		return operand_register(out, c);
	case 0xc6:
	case 0xc7:
		out->write = true;
		return operand_immediate(out, c);
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3:
		/* RAX and an address in the instruction. */
		out->write = opcode >= 0xa2;
		skip(c, c->address_bits / 8);
		return true;
	case 0xa4:
	case 0xa5:
		return string(out, c, INSN_MOVS);
	case 0xaa:
	case 0xab:
		return string(out, c, INSN_STOS);
	case 0x63: /* MOVSXD */
		out->bytes = 4;
		out->sign = true;
		return c->code_bits == 64 && c->operand_bytes == 8 && modrm(c, &out->reg);
	case 0x0f:
		return widening(out, c);
	default:
		return arithmetic(out, c, opcode);
	}
}

bool decode_insn(struct insn *out, const uint8_t *code, size_t count, unsigned code_bits)
{
	struct cursor c = {
		.code = code,
		.count = count < INSN_MAX ? count : INSN_MAX,
		.code_bits = code_bits,
		.segment = SEGMENT_DS,
	};
	uint8_t opcode = prefixes(&c);

	*out = (struct insn){ .bytes = opcode & 1 ? (uint8_t)c.operand_bytes : 1 };
	out->reg_bytes = out->bytes;
	if (opcode == 0x63)
		out->reg_bytes = (uint8_t)c.operand_bytes;

	bool good = operands(out, &c, opcode);

	out->length = (uint8_t)c.at;
	/* A lock is good only where memory is read and written. */
	return good && !c.overrun &&
	       (!c.lock || (out->write && out->kind >= INSN_OR && out->kind <= INSN_XCHG));
}
