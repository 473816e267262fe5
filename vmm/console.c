/* SPDX-License-Identifier: MIT */
#include "console.h"

#include "base/lib.h"
#include "base/log.h"
#include "config.h"
#include "console_mux.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "drivers/uart.h"
#include "monitor.h"
#include "vm.h"
#include <hw/cpu.h>

/* While nobody types nothing runs more often than it would anyway: the slow timer is in everybody's
 * figures. A UART keeps 16 bytes, as many as a person types in that second. */
#define POLL_IDLE_US  1000000
#define POLL_TYPED_US 10000
#define TYPING_US     10000000 /* since the last byte */
#define POLL_BYTES    64       /* a sender without pauses must not keep the CPU in here */

static struct console_mux mux;
static struct monitor monitor;
static uint64_t typed_until; /* ticks */

/* "[console of linux0; Ctrl-] h: back to the host]" */
static void announce(void)
{
	const struct vm *vm = mux.selected ? vm_by_index(mux.selected - 1) : NULL;
	char line[160];
	int length = vm ? fmt_text(line, sizeof(line), "\n[%s: " MUX_ESCAPE_KEY " h is the host]\n",
				  vm->config->name)
			: fmt_text(line, sizeof(line), "\n[host log and monitor]\n");

	log_text(line, (size_t)length);
}

static void show_selected(void)
{
	announce();
	for (uint32_t i = 0; i < vm_count(); i++) {
		struct vm *vm = vm_by_index(i);

		guest_console_show(&vm->console, vm->config->name,
			mux.selected == MUX_HOST ? CONSOLE_LINES
			: mux.selected == i + 1  ? CONSOLE_RAW
						 : CONSOLE_QUIET);
	}
}

static void for_selected(struct cpu *here, char byte)
{
	struct vm *vm = mux.selected ? vm_by_index(mux.selected - 1) : NULL;

	/* Who doesn't read in time loses bytes, as on any serial line. */
	if (!vm)
		monitor_type(&monitor, here, byte);
	else if (vm->config->builtin)
		guest_console_type(&vm->console, byte);
	else if (vm->config->console == VM_CONSOLE_UART)
		vuart_receive(here, vm, byte);
}

static void typed(struct cpu *here, char byte)
{
	static const char help[] = "\n[" MUX_HELP "]\n", no_vm[] = "\n[no such VM]\n";

	switch (console_mux_input(&mux, vm_count(), byte)) {
	case MUX_BYTE:
		for_selected(here, byte);
		break;
	case MUX_SELECTED:
		show_selected();
		break;
	case MUX_ASKED:
		log_text(help, sizeof(help) - 1);
		break;
	case MUX_NO_VM:
		log_text(no_vm, sizeof(no_vm) - 1);
		break;
	case MUX_NOTHING:
		break;
	}
}

uint32_t console_poll(struct cpu *here)
{
	int byte = uart_read();
	uint64_t now = cpu_ticks();

	if (byte >= 0)
		typed_until = now + clock_us_to_ticks(TYPING_US);
	for (unsigned i = 0; byte >= 0; i++) {
		typed(here, (char)byte);
		byte = i < POLL_BYTES ? uart_read() : -1;
	}
	return now < typed_until ? POLL_TYPED_US : POLL_IDLE_US;
}
