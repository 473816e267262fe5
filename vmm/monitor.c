/* SPDX-License-Identifier: MIT */
/* Lines and commands. */
#include "monitor.h"

#include "base/lib.h"
#include "base/log.h"
#include "config.h"
#include "config_values.h"
#include "cpu.h"
#include "trace_ring.h"
#include "vcpu.h"
#include "vm.h"

#define PROMPT "> "

enum { KEY_BACKSPACE = 0x08, KEY_ERASE_LINE = 0x15, KEY_DELETE = 0x7f };

struct words {
	uint32_t count;
	char *word[MONITOR_WORDS];
};

struct command {
	const char *name, *arguments, *what;
	/* vm: of the first argument; NULL where the command needs none and none was given.
	 * argument: the one after it, or the two, with a blank. */
	void (*run)(struct cpu *here, struct vm *vm, const char *argument);
	enum { NO_VM, MAY_HAVE_VM, NEEDS_VM, NEEDS_VM_AND_WORD, NEEDS_VM_AND_TWO } needs;
};

static const struct command commands[];

static void help(struct cpu *here, struct vm *vm, const char *argument)
{
	for (const struct command *c = commands; c->name; c++)
		monitor_print(
			"%s%s%s: %s", c->name, c->arguments[0] ? " " : "", c->arguments, c->what);
}

static void vms(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_vms();
}

static void vcpus(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_vcpus(vm);
}

static void exits(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_exits(vm);
}

static void irqs(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_irqs(vm);
}

static void wakes(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_wakes();
}

static void counters(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_counters("");
}

static void trace(struct cpu *here, struct vm *vm, const char *argument)
{
	if (trace_ring_on())
		trace_dump();
	else
		monitor_print("there is no trace: [reveille] needs trace = on");
}

static void cpus(struct cpu *here, struct vm *vm, const char *argument)
{
	monitor_show_cpus();
}

static void refused(const struct vm *vm, const char *why)
{
	if (why)
		monitor_print("vm %s: %s", vm->config->name, why);
}

static void stop(struct cpu *here, struct vm *vm, const char *argument)
{
	refused(vm, restart_stop(here, vm));
}

static void start(struct cpu *here, struct vm *vm, const char *argument)
{
	refused(vm, restart_start(vm));
}

static void restart(struct cpu *here, struct vm *vm, const char *argument)
{
	refused(vm, restart_vm(here, vm));
}

/* The index of the argument in words; -1 and what was expected. */
static int choose(const char *argument, const char *const words[])
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(argument, words[i]) == 0)
			return i;
	}
	monitor_print("'%s' is none of its modes: see help", argument);
	return -1;
}

static void switched(const struct vm *vm, err_t err, const char *why_not)
{
	if (!err)
		monitor_print("vm %s: switched", vm->config->name);
	else
		monitor_print("vm %s: not switched: %s", vm->config->name,
			err == ERR_UNFIT && why_not ? why_not
			: err == ERR_BUSY           ? "another switch is under way"
			: err == ERR_TIMEOUT        ? "a CPU or an IOMMU does not answer in time"
						    : "it was refused");
}

static void delivery(struct cpu *here, struct vm *vm, const char *argument)
{
	static const char *const words[] = { "emulated", "posted", NULL };
	int mode = choose(argument, words);

	if (mode >= 0)
		switched(vm,
			vm_set_delivery(here, vm, NULL, mode ? DELIVERY_POSTED : DELIVERY_EMULATED),
			vm_posted_unfit(vm));
}

static void halt(struct cpu *here, struct vm *vm, const char *argument)
{
	static const char *const words[] = { "native", "galog", "gappi", "gappi-shared", NULL };
	int word = choose(argument, words);
	enum halt_mode mode = (enum halt_mode)(word + HALT_NATIVE);

	if (word >= 0)
		switched(vm, vm_set_halt(here, vm, NULL, mode), vm_halt_unfit(mode));
}

static void move(struct cpu *here, struct vm *vm, const char *argument)
{
	struct span cpu = { argument, strlen(argument) }, vcpu = span_cut(&cpu, ' ');
	uint64_t v, to;

	if (!vm->vcpu_count || !value_number(vcpu, 0, vm->vcpu_count - 1, &v))
		monitor_print("vm %s has %u vCPUs", vm->config->name, vm->vcpu_count);
	else if (!value_number(cpu, 0, cpu_count() - 1, &to))
		monitor_print("there are %u CPUs", cpu_count());
	else
		vcpu_move(here, &vm->vcpus[v], cpu_by_index((uint32_t)to));
}

static void level(struct cpu *here, struct vm *vm, const char *argument)
{
	static const char *const words[] = { "error", "warn", "info", "debug", NULL };
	int word = choose(argument, words);

	if (word >= 0)
		log_set_level((enum log_level)word);
}

static const struct command commands[] = {
	{ "help", "", "this list", help, NO_VM },
	{ "vms", "", "all VMs, their state, CPU time and modes", vms, NO_VM },
	{ "vcpus", "[VM]", "state, pCPU and CPU time of each vCPU", vcpus, MAY_HAVE_VM },
	{ "exits", "[VM]", "exits by reason", exits, MAY_HAVE_VM },
	{ "irqs", "[VM]", "each interrupt's way, and why", irqs, MAY_HAVE_VM },
	{ "wakes", "", "how halted vCPUs were woken", wakes, NO_VM },
	{ "counters", "", "all counters, by pCPU, vCPU, message and IOMMU", counters, NO_VM },
	{ "trace", "", "the pCPUs' trace rings, for tools/report/trace.py", trace, NO_VM },
	{ "cpus", "", "what each pCPU does", cpus, NO_VM },
	{ "stop", "VM", "stops it; after the last one the machine stops", stop, NEEDS_VM },
	{ "start", "VM", "starts one anew that has ended", start, NEEDS_VM },
	{ "restart", "VM", "stops it and starts it anew", restart, NEEDS_VM },
	{ "delivery", "VM posted|emulated", "changes how its interrupts come", delivery,
		NEEDS_VM_AND_WORD },
	{ "halt", "VM native|galog|gappi|gappi-shared", "changes how its halted vCPUs are woken",
		halt, NEEDS_VM_AND_WORD },
	{ "move", "VM VCPU CPU", "to another pCPU", move, NEEDS_VM_AND_TWO },
	{ "log", "error|warn|info|debug", "changes the log's level", level, NO_VM },
	{ NULL, NULL, NULL, NULL, NO_VM },
};

static struct vm *vm_named(const char *name)
{
	for (uint32_t i = 0; i < vm_count(); i++) {
		if (strcmp(vm_by_index(i)->config->name, name) == 0)
			return vm_by_index(i);
	}
	return NULL;
}

static void run(struct cpu *here, const struct command *c, struct words *w)
{
	bool takes_vm = c->needs != NO_VM && w->count > 1;
	struct vm *vm = takes_vm ? vm_named(w->word[1]) : NULL;
	char both[MONITOR_LINE];
	uint32_t expected = c->needs == NEEDS_VM_AND_TWO                                     ? 4
			    : c->needs == NEEDS_VM_AND_WORD                                  ? 3
			    : c->needs == NEEDS_VM || (c->needs == NO_VM && c->arguments[0]) ? 2
											     : 1;

	if (w->count == 4)
		fmt_text(both, sizeof(both), "%s %s", w->word[2], w->word[3]);
	if (w->count < expected)
		monitor_print("expected %s %s", c->name, c->arguments);
	else if (takes_vm && !vm)
		monitor_print("there is no VM '%s'", w->word[1]);
	else
		c->run(here, vm,
			c->needs == NEEDS_VM_AND_TWO ? both
			: w->count > 2               ? w->word[2]
			: w->count > 1               ? w->word[1]
						     : "");
}

/* Words parted by blanks; what is more than fits is dropped. */
static void split(char *line, struct words *w)
{
	bool inside = false;

	w->count = 0;
	for (char *c = line; *c; c++) {
		bool blank = *c == ' ';

		if (!blank && !inside) {
			if (w->count == MONITOR_WORDS)
				return;
			w->word[w->count++] = c;
		}
		if (blank)
			*c = 0;
		inside = !blank;
	}
}

void monitor_execute(struct cpu *here, const char *line)
{
	char copy[MONITOR_LINE];
	struct words w;

	fmt_text(copy, sizeof(copy), "%s", line);
	split(copy, &w);
	if (!w.count)
		return;
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, w.word[0]) == 0) {
			run(here, c, &w);
			return;
		}
	}
	monitor_print("'%s' is no command: see help", w.word[0]);
}

static void rub_out(struct monitor *m, uint32_t count)
{
	for (; count; count--) {
		log_text("\b \b", 3);
		m->count--;
	}
}

void monitor_type(struct monitor *m, struct cpu *here, char byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		m->line[m->count] = 0;
		m->count = 0;
		log_text("\n", 1);
		monitor_execute(here, m->line);
		log_text(PROMPT, sizeof(PROMPT) - 1);
		break;
	case KEY_BACKSPACE:
	case KEY_DELETE:
		rub_out(m, m->count ? 1 : 0);
		break;
	case KEY_ERASE_LINE:
		rub_out(m, m->count);
		break;
	default:
		if (byte < ' ' || byte > '~' || m->count == MONITOR_LINE - 1)
			break;
		m->line[m->count++] = byte;
		log_text(&byte, 1);
	}
}
