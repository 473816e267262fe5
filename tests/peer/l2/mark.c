// SPDX-License-Identifier: MIT
/* Marks for the stopwatch from a guest's user space: "mark 201 10" opens an arm, sleeps ten seconds
 * and closes it, all in one process: starting one costs exits. "mark 201 0 COMMAND..." runs the
 * command meanwhile. VMMCALL exits at any privilege under any hypervisor; what it returns doesn't
 * matter, and where it is refused by an exception the exit has been seen. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hypercall.h"

static sigjmp_buf behind;

static void refused(int signal)
{
	(void)signal;
	siglongjmp(behind, 1);
}

static void mark(uint64_t arm, uint64_t opens)
{
	uint64_t rax = HC_MARK | arm << 32;

	if (sigsetjmp(behind, 1))
		return;
	__asm__ volatile("vmmcall"
			 : "+a"(rax), "+b"(opens)
			 :
			 : "rcx", "rdx", "rsi", "rdi", "memory");
}

/* Its exit status; 127: it can't be run. */
static int run(char **command)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		execvp(command[0], command);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 3)
		return 2;
	uint64_t arm = strtoull(argv[1], NULL, 10);

	signal(SIGILL, refused);
	signal(SIGSEGV, refused);
	mark(arm, 1);
	sleep((unsigned)strtoul(argv[2], NULL, 10));
	if (argc > 3)
		status = run(argv + 3);
	mark(arm, 0);
	return status;
}
