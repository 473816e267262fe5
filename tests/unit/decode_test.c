// SPDX-License-Identifier: MIT
/* sources: vmm/guest/decode.c */
/* Encodings as the GNU assembler writes them. */
#include "guest/decode.h"
#include "test.h"

static struct insn i;

static bool decode(unsigned bits, const char *code, size_t count)
{
	return decode_insn(&i, (const uint8_t *)code, count, bits);
}

#define D64(code) decode(64, code, sizeof(code) - 1)
#define D32(code) decode(32, code, sizeof(code) - 1)
#define D16(code) decode(16, code, sizeof(code) - 1)

TEST(register_to_memory)
{
	EXPECT(D64("\x89\x07")); /* mov %eax,(%rdi) */
	EXPECT(i.write && !i.has_immediate);
	EXPECT_EQ(i.length, 2);
	EXPECT_EQ(i.bytes, 4);
	EXPECT_EQ(i.reg, 0);
	EXPECT(D64("\x44\x89\x8f\xb0\x00\x00\x00")); /* mov %r9d,0xb0(%rdi) */
	EXPECT_EQ(i.length, 7);
	EXPECT_EQ(i.reg, 9);
	EXPECT(D64("\x48\x89\x57\x10")); /* mov %rdx,0x10(%rdi) */
	EXPECT_EQ(i.bytes, 8);
	EXPECT_EQ(i.reg, 2);
	EXPECT_EQ(i.length, 4);
	EXPECT(D64("\x66\x89\x4c\x24\x04")); /* mov %cx,0x4(%rsp) */
	EXPECT_EQ(i.bytes, 2);
	EXPECT_EQ(i.reg, 1);
	EXPECT_EQ(i.length, 5);
	EXPECT(D64("\x88\x27")); /* mov %ah,(%rdi) */
	EXPECT_EQ(i.bytes, 1);
	EXPECT(i.high_byte);
	EXPECT_EQ(i.reg, 0);
	EXPECT(D64("\x40\x88\x27")); /* mov %spl,(%rdi) */
	EXPECT(!i.high_byte);
	EXPECT_EQ(i.reg, 4);
}

TEST(memory_to_register)
{
	EXPECT(D64("\x8b\x05\x78\x56\x34\x12")); /* mov 0x12345678(%rip),%eax */
	EXPECT(!i.write);
	EXPECT_EQ(i.length, 6);
	EXPECT_EQ(i.bytes, 4);
	EXPECT_EQ(i.reg_bytes, 4);
	EXPECT(D64("\x4e\x8b\x2c\xc5\x00\x00\xe0\xfe")); /* mov -0x1200000(,%r8,8),%r13 */
	EXPECT_EQ(i.length, 8);
	EXPECT_EQ(i.reg, 13);
	EXPECT_EQ(i.bytes, 8);
	EXPECT(D64("\x8a\x1e")); /* mov (%rsi),%bl */
	EXPECT_EQ(i.bytes, 1);
	EXPECT_EQ(i.reg, 3);
	EXPECT(D64("\x67\x8b\x00")); /* mov (%eax),%eax */
	EXPECT_EQ(i.length, 3);
	EXPECT(D64("\x65\x8b\x04\x25\x20\x00\xe0\xfe")); /* mov %gs:0xfee00020,%eax */
	EXPECT_EQ(i.length, 8);
}

TEST(immediate)
{
	EXPECT(D64("\xc7\x87\xb0\x00\x00\x00\x00\x00\x00\x00")); /* movl $0,0xb0(%rdi) */
	EXPECT(i.write && i.has_immediate);
	EXPECT_EQ(i.length, 10);
	EXPECT_EQ(i.immediate, 0);
	EXPECT(D64("\xc7\x04\x25\x00\x03\xe0\xfe\xfd\x40\x08\x80")); /* movl $..,0xfee00300 */
	EXPECT_EQ(i.length, 11);
	EXPECT_EQ((uint32_t)i.immediate, 0x800840fd);
	EXPECT(D64("\x48\xc7\x07\xff\xff\xff\xff")); /* movq $-1,(%rdi) */
	EXPECT_EQ(i.immediate, ~0ull);
	EXPECT_EQ(i.length, 7);
	EXPECT_EQ(i.bytes, 8);
	EXPECT(D64("\xc6\x07\x31")); /* movb $0x31,(%rdi) */
	EXPECT_EQ(i.immediate, 0x31);
	EXPECT_EQ(i.bytes, 1);
	EXPECT(D64("\x66\xc7\x07\x34\x12")); /* movw $0x1234,(%rdi) */
	EXPECT_EQ(i.immediate, 0x1234);
	EXPECT_EQ(i.length, 5);
	EXPECT(!D64("\xc7\x4f\x00\x00\x00\x00\x00")); /* C7 /1 is none */
}

TEST(absolute)
{
	EXPECT(D64("\xa1\x20\x00\xe0\xfe\x00\x00\x00\x00")); /* movabs 0xfee00020,%eax */
	EXPECT_EQ(i.length, 9);
	EXPECT_EQ(i.bytes, 4);
	EXPECT(!i.write);
	EXPECT(D64("\xa3\x20\x00\xe0\xfe\x00\x00\x00\x00"));
	EXPECT(i.write);
	EXPECT(D32("\xa3\xb0\x00\xe0\xfe")); /* mov %eax,0xfee000b0 */
	EXPECT_EQ(i.length, 5);
	EXPECT(D32("\xa2\xb0\x00\xe0\xfe"));
	EXPECT_EQ(i.bytes, 1);
}

TEST(widening)
{
	EXPECT(D64("\x0f\xb6\x07")); /* movzbl (%rdi),%eax */
	EXPECT_EQ(i.bytes, 1);
	EXPECT_EQ(i.reg_bytes, 4);
	EXPECT(!i.sign && !i.write);
	EXPECT(D64("\x4c\x0f\xbf\x47\x20")); /* movswq 0x20(%rdi),%r8 */
	EXPECT_EQ(i.bytes, 2);
	EXPECT_EQ(i.reg_bytes, 8);
	EXPECT_EQ(i.reg, 8);
	EXPECT(i.sign);
	EXPECT_EQ(i.length, 5);
	EXPECT(!D64("\x0f\xaf\x07")); /* imul */
}

TEST(arithmetic)
{
	EXPECT(D64("\x09\x07")); /* or %eax,(%rdi) */
	EXPECT(i.kind == INSN_OR && i.write);
	EXPECT(D64("\xf0\x48\x21\x4f\x08")); /* lock and %rcx,0x8(%rdi) */
	EXPECT(i.kind == INSN_AND && i.write);
	EXPECT_EQ(i.bytes, 8);
	EXPECT_EQ(i.reg, 1);
	EXPECT(D64("\x33\x07")); /* xor (%rdi),%eax */
	EXPECT(i.kind == INSN_XOR && !i.write);
	EXPECT(D64("\x83\x3f\xff")); /* cmpl $-1,(%rdi) */
	EXPECT(i.kind == INSN_CMP && i.write && i.has_immediate);
	EXPECT_EQ(i.immediate, ~0ull);
	EXPECT_EQ(i.length, 3);
	EXPECT(D64("\x66\x81\x0f\x34\x12")); /* orw $0x1234,(%rdi) */
	EXPECT(i.kind == INSN_OR);
	EXPECT_EQ(i.length, 5);
	EXPECT(D64("\xf6\x07\x80")); /* testb $0x80,(%rdi) */
	EXPECT(i.kind == INSN_TEST && !i.write);
	EXPECT_EQ(i.bytes, 1);
	EXPECT(D64("\x87\x07")); /* xchg %eax,(%rdi) */
	EXPECT(i.kind == INSN_XCHG && i.write);
	EXPECT(D64("\x48\x63\x07")); /* movslq (%rdi),%rax */
	EXPECT(i.kind == INSN_MOVE && i.sign);
	EXPECT_EQ(i.bytes, 4);
	EXPECT_EQ(i.reg_bytes, 8);
}

TEST(strings)
{
	EXPECT(D64("\xf3\x48\xab")); /* rep stos %rax,(%rdi) */
	EXPECT(i.kind == INSN_STOS && i.write && i.repeat);
	EXPECT_EQ(i.bytes, 8);
	EXPECT_EQ(i.address_bytes, 8);
	EXPECT(D32("\x64\xa4")); /* movsb %fs:(%esi),(%edi) */
	EXPECT(i.kind == INSN_MOVS && !i.repeat && i.segment == SEGMENT_FS);
	EXPECT_EQ(i.address_bytes, 4);
	EXPECT(D32("\x36\xa5"));
	EXPECT(i.segment == SEGMENT_SS);
	EXPECT(D64("\x36\xa5"));
	EXPECT(i.segment == SEGMENT_DS);
	EXPECT_EQ(i.length, 2);
}

TEST(other_modes)
{
	EXPECT(D32("\x89\x80\xb0\x00\xe0\xfe")); /* mov %eax,-0x11fff50(%eax) */
	EXPECT_EQ(i.length, 6);
	EXPECT(D32("\x66\x89\x05\xb0\x00\xe0\xfe"));
	EXPECT_EQ(i.bytes, 2);
	EXPECT_EQ(i.length, 7);
	EXPECT(D32("\x8b\x44\x98\x10"));
	EXPECT_EQ(i.length, 4);
	EXPECT(D16("\x66\x89\x07")); /* mov %eax,(%bx) */
	EXPECT_EQ(i.bytes, 4);
	EXPECT_EQ(i.length, 3);
	EXPECT(D16("\x89\x06\x34\x12")); /* mov %ax,0x1234 */
	EXPECT_EQ(i.bytes, 2);
	EXPECT_EQ(i.length, 4);
	EXPECT(D16("\x89\x87\x34\x12")); /* mov %ax,0x1234(%bx) */
	EXPECT_EQ(i.length, 4);
	EXPECT(D16("\x67\x66\x89\x05\xb0\x00\xe0\xfe")); /* addr32 mov %eax,0xfee000b0 */
	EXPECT_EQ(i.bytes, 4);
	EXPECT_EQ(i.length, 8);
	EXPECT(D32("\x67\x89\x07")); /* mov %eax,(%bx) */
	EXPECT_EQ(i.length, 3);
	EXPECT(D32("\x40") == false); /* inc %eax: not a prefix here */
}

TEST(refused)
{
	EXPECT(!D64("\x89\xc8"));         /* mov %ecx,%eax */
	EXPECT(!D64("\xf0\x89\x07"));     /* lock */
	EXPECT(!D64("\x01\x07"));         /* add %eax,(%rdi) */
	EXPECT(!D64("\xf0\x8b\x07"));     /* lock and a load */
	EXPECT(!D64("\xf0\x39\x07"));     /* lock cmp */
	EXPECT(!D32("\x63\x07"));         /* arpl */
	EXPECT(!D64("\x80\x07\x01"));     /* addb $1,(%rdi) */
	EXPECT(!D64("\x89"));             /* cut off */
	EXPECT(!D64("\xc7\x07\x00\x00")); /* cut off */
	EXPECT(!D64(""));
	/* Longer than any instruction may be. */
	EXPECT(!D64("\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x26\x89\x07"));
}

/* Whatever the bytes, nothing is read beyond them, and the length is one that was there. */
TEST(random_bytes)
{
	uint32_t seed = 1;

	for (unsigned n = 0; n < 200000; n++) {
		uint8_t code[INSN_MAX];
		size_t count = n % (INSN_MAX + 1);

		for (size_t k = 0; k < count; k++) {
			seed = seed * 1103515245 + 12345;
			code[k] = seed >> 16;
		}
		uint8_t *exact = malloc(count ? count : 1);

		memcpy(exact, code, count);
		bool good = decode_insn(&i, exact, count, 16u << n % 3);

		free(exact);
		if (good)
			EXPECT(i.length >= 1 && i.length <= count && i.reg < 16);
	}
}
