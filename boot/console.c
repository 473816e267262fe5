/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "base/lib.h"
#include <hw/cpu.h>

#define COM1      0x3f8
#define COM_LCR   3 /* line control; bit 7: divisor latch */
#define COM_LSR   5 /* line status; bit 5: holding register empty */
#define COM_SPINS 100000

/* Device path nodes (UEFI 2.10, "Device Path Protocol"). */
#define NODE_MESSAGING 3
#define NODE_UART      14
#define NODE_END       0x7f

static EFI_SYSTEM_TABLE *system;
static bool use_com1;

/* Does the firmware's console go to a serial port? Then COM1 would say everything twice. */
static bool console_is_serial(void)
{
	static EFI_GUID global = EFI_GLOBAL_VARIABLE;
	static CHAR16 name[] = L"ConOut";
	static uint8_t path[1024];
	UINTN bytes = sizeof(path);

	if (system->RuntimeServices->GetVariable(name, &global, NULL, &bytes, path) != EFI_SUCCESS)
		return false;
	for (UINTN at = 0; at + 4 <= bytes;) {
		uint32_t length = path[at + 2] | (uint32_t)path[at + 3] << 8;

		if ((path[at] & 0x7f) == NODE_MESSAGING && path[at + 1] == NODE_UART)
			return true;
		if (length < 4)
			return false;
		at += length;
	}
	return false;
}

static void com1_init(void)
{
	hw_out8(COM1 + 1, 0);
	hw_out8(COM1 + COM_LCR, 0x80);
	hw_out8(COM1 + 0, 1); /* 115200 */
	hw_out8(COM1 + 1, 0);
	hw_out8(COM1 + COM_LCR, 0x03); /* 8n1 */
	hw_out8(COM1 + 2, 0x07);       /* FIFOs on and empty */
}

static void com1_put(char c)
{
	for (unsigned i = 0; i < COM_SPINS; i++) {
		if (hw_in8(COM1 + COM_LSR) & 0x20)
			break;
	}
	hw_out8(COM1, (uint8_t)c);
}

void console_init(EFI_SYSTEM_TABLE *st)
{
	system = st;
	/* An absent port reads all ones. */
	use_com1 = !console_is_serial() && hw_in8(COM1 + COM_LSR) != 0xff;
	if (use_com1)
		com1_init();
}

void console_write(const char *text)
{
	for (; *text; text++) {
		CHAR16 wide[] = { (CHAR16)(*text == '\n' ? '\r' : *text), *text == '\n' ? '\n' : 0,
			0 };

		system->ConOut->OutputString(system->ConOut, wide);
		if (use_com1) {
			if (*text == '\n')
				com1_put('\r');
			com1_put(*text);
		}
	}
}

void console_print(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	fmt_textv(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write(line);
}

void console_wait_for_key(const char *prompt)
{
	EFI_INPUT_KEY key;
	UINTN which;

	system->ConIn->Reset(system->ConIn, FALSE);
	console_write(prompt);
	system->BootServices->WaitForEvent(1, &system->ConIn->WaitForKey, &which);
	system->ConIn->ReadKeyStroke(system->ConIn, &key);
}
