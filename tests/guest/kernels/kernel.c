// SPDX-License-Identifier: MIT
/* A multiboot kernel that says what it was told, and whether that can be. Offsets are typed from
 * the Multiboot Specification 0.6.96, "Boot information format". */
#include <stdbool.h>
#include <stdint.h>

#define COM1          0x3f8
#define SLEEP_CONTROL 0x600
#define SLEEP_S5      0x34 /* type 5, and the bit that does it */

void kernel_main(uint32_t cr0, uint32_t eax, uint32_t ebx);

/* .bss: whoever loads it clears it. */
static volatile uint32_t zeros[2048];

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void text(const char *s)
{
	for (; *s; s++) {
		while (!(in(COM1 + 5) & 0x20)) {
		}
		out(COM1, (uint8_t)*s);
	}
}

static void hex(const char *name, uint64_t value)
{
	char digits[20], *d = digits + sizeof(digits);

	*--d = 0;
	do {
		*--d = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	text(name);
	text(d);
}

static uint32_t word(uint32_t at)
{
	return *(const volatile uint32_t *)(uintptr_t)at;
}

static uint64_t long_word(uint32_t at)
{
	return (uint64_t)word(at + 4) << 32 | word(at);
}

static const char *string(uint32_t at)
{
	return (const char *)(uintptr_t)at;
}

static void show_map(uint32_t info)
{
	uint32_t at = word(info + 48), end = at + word(info + 44);

	for (; at < end; at += word(at) + 4) {
		hex("MB map ", long_word(at + 4));
		hex(" bytes ", long_word(at + 12));
		hex(" type ", word(at + 20));
		text("\n");
	}
}

static void show_modules(uint32_t info)
{
	hex("MB modules ", word(info + 20));
	text("\n");
	for (uint32_t i = 0; i < word(info + 20); i++) {
		uint32_t at = word(info + 24) + 16 * i, begin = word(at), end = word(at + 4);

		text("MB module ");
		text(string(word(at + 8)));
		hex(" bytes ", end - begin);
		text(begin & 0xfff ? " NOT ALIGNED: " : ": ");
		for (uint32_t b = begin; b < end && b < begin + 12; b++)
			out(COM1, *(const uint8_t *)(uintptr_t)b);
		text("\n");
	}
}

void kernel_main(uint32_t cr0, uint32_t eax, uint32_t ebx)
{
	uint32_t dirty = 0;

	for (unsigned i = 0; i < sizeof(zeros) / sizeof(*zeros); i++)
		dirty |= zeros[i];
	hex("MB eax ", eax);
	hex(" flags ", word(ebx));
	text(cr0 & 0x80000000 ? " PAGED" : " unpaged");
	text(dirty ? " DIRTY\n" : " clean\n");
	hex("MB lower ", word(ebx + 4));
	hex(" upper ", word(ebx + 8));
	text("\nMB loader ");
	text(string(word(ebx + 64)));
	text("\nMB cmdline '");
	text(string(word(ebx + 16)));
	text("'\n");
	show_map(ebx);
	show_modules(ebx);
	text("MB ends\n");
	out(SLEEP_CONTROL, SLEEP_S5);
}
