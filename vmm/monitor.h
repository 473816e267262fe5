/* SPDX-License-Identifier: MIT */
/*
 * The monitor: lines typed at the host's console. It reads other CPUs' counters as they are, and
 * acts by the same calls as guests' hypercalls and faults do. Runs in the boot CPU's timer
 * interrupt; what it prints goes to the log whatever its level.
 */
#ifndef VMM_MONITOR_H
#define VMM_MONITOR_H

#include "base/types.h"

struct cpu;
struct vm;

#define MONITOR_LINE  80
#define MONITOR_WORDS 4

/* The line that is being typed. All zero: none. */
struct monitor {
	uint32_t count;
	char line[MONITOR_LINE];
};

/* One typed byte: into the line, with an echo, or the line's end: it is carried out. */
void monitor_type(struct monitor *m, struct cpu *here, char byte);
/* Carries out one line. */
void monitor_execute(struct cpu *here, const char *line);

/* monitor_show.c: the tables. vm NULL: all VMs. */
void monitor_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void monitor_show_vms(void);
void monitor_show_vcpus(const struct vm *vm);
void monitor_show_exits(const struct vm *vm);
void monitor_show_irqs(struct vm *vm);
void monitor_show_wakes(void);
/* The lines of counters.h that begin so; "": all. */
void monitor_show_counters(const char *kind);
void monitor_show_cpus(void);

#endif
