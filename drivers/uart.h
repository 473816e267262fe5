/* SPDX-License-Identifier: MIT */
/* One 16550, 115200 8n1. Absent hardware is noticed and skipped; a stuck one is given up after a
 * bounded wait. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "base/types.h"

/* COM1 to COM4 by their usual ports; from then on that one is used. 0 or one that is absent: none,
 * and false. */
bool uart_init(unsigned com);
void uart_write(const char *text, size_t bytes); /* \n becomes \r\n */
int uart_read(void);                             /* a byte, or -1 */

#endif
