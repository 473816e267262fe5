/* SPDX-License-Identifier: MIT */
/* sources: tests/sim/crowd.c tests/sim/crowd_guest.c tests/sim/setup.c tests/sim/rig_host.c */
/* sources: tests/sim/stores.c tests/sim/machine_[a-z]*.c vmm/exit_apic.c */
/* sources: tests/sim/machine.c vmm/audit.c vmm/audit_record.c vmm/ready.c vmm/vcpu.c vmm/wake.c */
/* sources: vmm/sched.c vmm/route.c vmm/place.c avic/[a-z]*.c iommu/[a-z]*.c vmm/base/lib.c */
/* sources: svm/event.c vmm/storm.c */
/* sources: tools/emulator/model/[a-z]*.c tests/host/seam.c vmm/budget.c vmm/server.c */
/*
 *   random [SEEDS [FIRST]]     so many seeds from FIRST on, two at once
 *   random SEEDS FIRST switches   few vCPUs, which switch the mechanism all the time
 *   random SEEDS FIRST hands      few vCPUs, which hand the log over all the time
 *   random seed SEED         one, with everything that happens
 */
#include "crowd.h"

#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POSTS   3000 /* a seed */
#define JOBS    2
#define SECONDS 10 /* of CPU time; a seed takes less than one */

/* Shared with the children: each seed is a process, so that it begins with nothing. */
static struct {
	uint64_t posts, wakes, crossings;
} * total;

static int one(uint64_t seed)
{
	const char *wrong = crowd_run(seed, POSTS);

	__atomic_add_fetch(&total->posts, crowd_posts, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&total->wakes, crowd_wakes(), __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&total->crossings, crowd_crossings, __ATOMIC_SEQ_CST);
	if (wrong)
		printf("seed %lu: %s, after %lu posts and %lu crossings; %u pCPUs, %u vCPUs\n",
			seed, wrong, crowd_posts, crowd_crossings, crowd.cpus, crowd.vcpus);
	fflush(stdout);
	return wrong ? 1 : 0;
}

/* A seed that goes round in circles ends with SIGXCPU, and none outlives who started it. */
static int bounded(uint64_t seed)
{
	struct rlimit limit = { SECONDS, SECONDS };

	if (setrlimit(RLIMIT_CPU, &limit) || prctl(PR_SET_PDEATHSIG, SIGKILL)) {
		perror("random");
		return 2;
	}
	return one(seed);
}

static pid_t start(uint64_t seed)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid)
		exit(bounded(seed));
	return pid;
}

/* How many failed; the first of them is *seed. */
static unsigned all(uint64_t count, uint64_t first, uint64_t *seed)
{
	struct {
		pid_t pid;
		uint64_t seed;
	} job[JOBS] = { 0 };
	uint64_t next = first;
	unsigned failed = 0, under_way = 0;

	while ((next < first + count && !failed) || under_way) {
		int status, which = -1;

		for (int i = 0; i < JOBS && next < first + count && !failed; i++) {
			if (job[i].pid)
				continue;
			job[i].seed = next;
			job[i].pid = start(next++);
			under_way++;
		}
		pid_t pid = wait(&status);

		for (int i = 0; i < JOBS; i++)
			which = job[i].pid == pid ? i : which;
		if (which < 0)
			continue;
		if (WIFSIGNALED(status))
			printf("seed %lu: %s\n", job[which].seed, strsignal(WTERMSIG(status)));
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			if (!failed++ || job[which].seed < *seed)
				*seed = job[which].seed;
		}
		job[which].pid = 0;
		under_way--;
	}
	return failed;
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 200;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, seed = 0;
	struct timespec begin, end;
	double seconds;

	total = mmap(
		NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (total == MAP_FAILED)
		return 2;
	if (argc > 3)
		crowd_only = strcmp(argv[3], "hands") ? CROWD_SWITCHES : CROWD_HAND_OVERS;
	if (argc > 2 && !strcmp(argv[1], "seed")) {
		crowd_loud = true;
		return one(first);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	unsigned failed = all(count, first, &seed);

	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("  sim: %lu seeds from %lu: %lu posts, %lu wake-ups, %lu crossings in %.1f s: %.1f"
	       " million wake-ups a minute\n",
		count, first, total->posts, total->wakes, total->crossings, seconds,
		(double)total->wakes * 60 / 1e6 / seconds);
	if (failed)
		printf("sim: seed %lu fails; `make sim SEED=%lu` shows it\n", seed, seed);
	return failed ? 1 : 0;
}
