// SPDX-License-Identifier: MIT
/* A mark for the stopwatch from a guest's user space: "mark 201 1" opens an arm, "mark 201 0"
 * closes it. VMMCALL exits at any privilege under any hypervisor; what it returns doesn't matter,
 * and where it is refused by an exception the exit has been seen. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "hypercall.h"

static void refused(int signal)
{
	(void)signal;
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	uint64_t rax = HC_MARK | strtoull(argv[1], NULL, 10) << 32;
	uint64_t rbx = strtoull(argv[2], NULL, 10);

	signal(SIGILL, refused);
	signal(SIGSEGV, refused);
	__asm__ volatile("vmmcall" : "+a"(rax), "+b"(rbx) : : "rcx", "rdx", "rsi", "rdi", "memory");
	return 0;
}
