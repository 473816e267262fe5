/* SPDX-License-Identifier: MIT */
/* Says every line that is typed to its console, until one is "quit". Message 0 of its first device
 * has a way to vCPU 0, for who asks the monitor; it never comes. */
#include "guest.h"

#define VEC_NEVER 0x50

#define LINE_BYTES 80

static const char *read_line(void)
{
	static char line[LINE_BYTES];
	unsigned count = 0;

	for (;;) {
		int64_t byte = hypercall(HC_GETC, 0, 0, 0, 0);

		if (byte < 0) {
			cpu_relax();
		} else if (byte == '\r' || byte == '\n') {
			line[count] = 0;
			return line;
		} else if (count < LINE_BYTES - 1) {
			line[count++] = (char)byte;
		}
	}
}

static bool is_quit(const char *line)
{
	static const char quit[] = "quit";

	for (unsigned i = 0; i < sizeof(quit); i++) {
		if (line[i] != quit[i])
			return false;
	}
	return true;
}

void program_echo(uint32_t index)
{
	const char *line;

	if (index)
		return;
	if (guest_info()->device_count)
		hypercall(HC_ROUTE, 0, 0, 0, VEC_NEVER);
	print("echo: ready\n");
	do {
		line = read_line();
		print("echo: '%s'\n", line);
	} while (!is_quit(line));
	test_end("echo", true);
}
