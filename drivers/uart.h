/* SPDX-License-Identifier: MIT */
/* 16550 at COM1 (3F8h), 115200 8n1. Absent hardware is noticed and skipped; a stuck one is given up
 * after a bounded wait. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "base/types.h"

bool uart_init(void);
void uart_write(const char *text, size_t bytes); /* \n becomes \r\n */
int uart_read(void);                             /* a byte, or -1 */

#endif
