/* SPDX-License-Identifier: MIT */
/* Encodings: 24594 (AMD64 APM volume 3) rev 3.37, "Instruction Encoding". */
#include "guest/decode.h"

struct cursor {
	const uint8_t *code;
	size_t count, at;
	bool overrun;
	unsigned code_bits;
	unsigned operand_bytes, address_bits;
	bool lock, rex;
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
		else if (byte == 0xf0)
			c->lock = true;
		else if (byte != 0x26 && byte != 0x2e && byte != 0x36 && byte != 0x3e &&
			 byte != 0x64 && byte != 0x65 && byte != 0xf2 && byte != 0xf3)
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

bool decode_move(struct insn *out, const uint8_t *code, size_t count, unsigned code_bits)
{
	struct cursor c = {
		.code = code,
		.count = count < INSN_MAX ? count : INSN_MAX,
		.code_bits = code_bits,
	};
	uint8_t opcode = prefixes(&c);
	bool good;

	*out = (struct insn){ .bytes = opcode & 1 ? c.operand_bytes : 1 };
	out->reg_bytes = out->bytes;
	switch (opcode) {
	case 0x88:
	case 0x89:
		out->write = true;
		good = operand_register(out, &c);
		break;
	case 0x8a:
	case 0x8b:
		good = operand_register(out, &c);
		break;
	case 0xc6:
	case 0xc7:
		out->write = true;
		good = operand_immediate(out, &c);
		break;
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3:
		/* RAX and an address in the instruction. */
		out->write = opcode >= 0xa2;
		skip(&c, c.address_bits / 8);
		good = true;
		break;
	case 0x0f:
		good = widening(out, &c);
		break;
	default:
		good = false;
	}
	out->length = (uint8_t)c.at;
	return good && !c.overrun && !c.lock;
}
