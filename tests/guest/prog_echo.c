/* SPDX-License-Identifier: MIT */
/* Says every line that is typed to its console, until one is "quit"; "later" after a while, in
 * which whoever types can look at another console. Message 0 of its first device has a way to vCPU
 * 0, for who asks the monitor; it never comes. */
#include "guest.h"

#define VEC_NEVER 0x50

#define LINE_BYTES 80
#define LATER_US   50000

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

static bool is(const char *line, const char *word)
{
	while (*word && *line == *word)
		line++, word++;
	return *line == *word;
}

static void wait_us(uint64_t us)
{
	uint64_t until = read_tsc() + us * guest_info()->tsc_per_us;

	while (read_tsc() < until)
		cpu_relax();
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
		if (is(line, "later"))
			wait_us(LATER_US);
		print("echo: '%s'\n", line);
	} while (!is(line, "quit"));
	test_end("echo", true);
}
