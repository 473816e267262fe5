/* SPDX-License-Identifier: MIT */
/*
 * The machine's one console: serial port and screen. Out goes the host's log, with the lines of all
 * VMs or the bytes of one; in come keys, for the monitor or for that VM.
 *
 * Input is polled by the slow timer of the boot CPU: there is no interrupt of the UART, so nothing
 * of it is on anybody's way. A look is one port read. While somebody types it looks often,
 * otherwise rarely; the UART keeps what comes in between.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "base/types.h"

struct cpu;

/* Reads what was typed and acts on it. On the boot CPU, in its timer interrupt. Returns after how
 * many microseconds it wants to be called again. */
uint32_t console_poll(struct cpu *here);

#endif
