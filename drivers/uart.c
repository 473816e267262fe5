/* SPDX-License-Identifier: MIT */
#include "uart.h"
#include <hw/cpu.h>

#define COM1 0x3f8

enum uart_reg {
	UART_DATA = COM1,
	UART_IER = COM1 + 1,
	UART_FCR = COM1 + 2,
	UART_LCR = COM1 + 3,
	UART_MCR = COM1 + 4,
	UART_LSR = COM1 + 5,
	UART_SCRATCH = COM1 + 7,
};

#define LCR_DLAB  0x80 /* DATA and IER are the divisor */
#define LCR_8N1   0x03
#define FCR_RESET 0x07 /* FIFOs on, both emptied */
#define MCR_READY 0x03 /* DTR, RTS */
#define LSR_DATA  0x01
#define LSR_ROOM  0x20

/* A byte takes 87 us at 115200; a port read takes about 1 us. */
#define WAIT_READS 20000
#define FIFO_BYTES 16
#define GIVE_UP_AT 3 /* timeouts in a row */

static bool present;
static unsigned timeouts;

bool uart_init(void)
{
	/* An absent port reads all ones, also the scratch register. */
	hw_out8(UART_SCRATCH, 0x5a);
	present = hw_in8(UART_SCRATCH) == 0x5a;
	if (!present)
		return false;
	hw_out8(UART_IER, 0);
	hw_out8(UART_LCR, LCR_DLAB);
	hw_out8(UART_DATA, 1); /* 115200 */
	hw_out8(UART_IER, 0);
	hw_out8(UART_LCR, LCR_8N1);
	hw_out8(UART_FCR, FCR_RESET);
	hw_out8(UART_MCR, MCR_READY);
	timeouts = 0;
	return true;
}

static bool wait_for_room(void)
{
	for (unsigned i = 0; i < WAIT_READS; i++) {
		if (hw_in8(UART_LSR) & LSR_ROOM)
			return true;
		cpu_pause();
	}
	return false;
}

static void put(char c)
{
	static unsigned room;

	if (room == 0) {
		/* A port that is stuck would hold up every log line: it is dropped. */
		if (!wait_for_room()) {
			present = ++timeouts < GIVE_UP_AT;
			return;
		}
		timeouts = 0;
		room = FIFO_BYTES;
	}
	room--;
	hw_out8(UART_DATA, (uint8_t)c);
}

void uart_write(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && present; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

int uart_read(void)
{
	if (!present || !(hw_in8(UART_LSR) & LSR_DATA))
		return -1;
	return hw_in8(UART_DATA);
}
