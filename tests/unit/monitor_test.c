/* SPDX-License-Identifier: MIT */
/* sources: vmm/monitor.c vmm/config_values.c vmm/base/lib.c */
/* Lines typed at the monitor, and which call each becomes. */
#include "test.h"
#include "base/log.h"
#include "monitor.h"
#include "trace_ring.h"
#include "vm.h"

static struct vm_config configs[2] = { { .name = "a" }, { .name = "b" } };
static struct vcpu vcpus[2] = { { .index = 0 }, { .index = 1 } };
static struct vm vms[2] = { { .config = &configs[0], .vcpus = vcpus, .vcpu_count = 2 },
	{ .config = &configs[1] } };
static struct cpu pcpus[3];
static struct monitor m;
static char logged[4000];
static char called[200];
static err_t result;

void log_text(const char *text, size_t bytes)
{
	strncat(logged, text, bytes);
}

void log_set_level(enum log_level level)
{
	snprintf(called, sizeof(called), "level %d", level);
}

uint32_t vm_count(void)
{
	return 2;
}

struct vm *vm_by_index(uint32_t i)
{
	return i < 2 ? &vms[i] : NULL;
}

const char *restart_stop(struct cpu *here, struct vm *vm)
{
	snprintf(called, sizeof(called), "stop %s", vm->config->name);
	return NULL;
}

const char *restart_vm(struct cpu *here, struct vm *vm)
{
	snprintf(called, sizeof(called), "restart %s", vm->config->name);
	return NULL;
}

const char *restart_start(struct vm *vm)
{
	snprintf(called, sizeof(called), "start %s", vm->config->name);
	return "it runs";
}

err_t vm_set_delivery(struct cpu *here, struct vm *vm, struct vcpu *v, enum delivery_mode mode)
{
	snprintf(called, sizeof(called), "delivery %s %d", vm->config->name, mode);
	return result;
}

err_t vm_set_halt(struct cpu *here, struct vm *vm, struct vcpu *v, enum halt_mode mode)
{
	snprintf(called, sizeof(called), "halt %s %d", vm->config->name, mode);
	return result;
}

uint32_t cpu_count(void)
{
	return 3;
}

struct cpu *cpu_by_index(uint32_t index)
{
	return index < 3 ? &pcpus[index] : NULL;
}

void vcpu_move(struct cpu *here, struct vcpu *v, struct cpu *to)
{
	snprintf(called, sizeof(called), "move %u %u", v->index, (unsigned)(to - pcpus));
}

const char *vm_posted_unfit(const struct vm *vm)
{
	return "unfit";
}

const char *vm_halt_unfit(enum halt_mode mode)
{
	return mode == HALT_GAPPI ? "no GAPPI" : NULL;
}

void monitor_print(const char *fmt, ...)
{
	va_list ap;
	size_t used = strlen(logged);

	va_start(ap, fmt);
	vsnprintf(logged + used, sizeof(logged) - used, fmt, ap);
	va_end(ap);
	strcat(logged, "\n");
}

#define SHOWS(what, argument)                                                                      \
	void monitor_show_##what(argument vm)                                                      \
	{                                                                                          \
		snprintf(called, sizeof(called), "%s %s", #what, vm ? vm->config->name : "all");   \
	}
SHOWS(vcpus, const struct vm *)
SHOWS(exits, const struct vm *)
SHOWS(irqs, struct vm *)

static bool traced;

bool trace_ring_on(void)
{
	return traced;
}

void trace_dump(void)
{
	snprintf(called, sizeof(called), "dump");
}

void monitor_show_vms(void)
{
	snprintf(called, sizeof(called), "vms");
}

void monitor_show_wakes(void)
{
	snprintf(called, sizeof(called), "wakes");
}

void monitor_show_counters(const char *kind)
{
	snprintf(called, sizeof(called), "counters%s", kind);
}

void monitor_show_cpus(void)
{
	snprintf(called, sizeof(called), "cpus");
}

static void type(const char *text)
{
	called[0] = logged[0] = 0;
	for (; *text; text++)
		monitor_type(&m, NULL, *text);
}

static void becomes(int line, const char *text, const char *call, const char *answer)
{
	called[0] = logged[0] = 0;
	monitor_execute(NULL, text);
	if (!strcmp(called, call) && !strcmp(logged, answer))
		return;
	test_bad = true;
	printf("%s:%d: '%s' called '%s', said '%s'\n", __FILE__, line, text, called, logged);
}

#define BECOMES(...) becomes(__LINE__, __VA_ARGS__)

TEST(lines)
{
	type("vmz\x7fs\r");
	EXPECT(!strcmp(called, "vms"));
	EXPECT(!strcmp(logged, "vmz\b \bs\n> "));
	type("\b\b\r");
	EXPECT(!strcmp(logged, "\n> "));
	type("garbage\x15"
	     "cpus\n");
	EXPECT(!strcmp(called, "cpus"));
	type("\x01\x1bwakes\xff\r");
	EXPECT(!strcmp(called, "wakes"));
	type("\r");
	EXPECT(!strcmp(called, ""));
}

TEST(a_line_that_gets_too_long)
{
	for (unsigned i = 0; i < 200; i++)
		type("x");
	EXPECT_EQ(m.count, MONITOR_LINE - 1);
	type("\r");
	EXPECT(strstr(logged, "is no command"));
	EXPECT_EQ(m.count, 0);
}

TEST(shows)
{
	BECOMES("vms", "vms", "");
	BECOMES("counters", "counters", "");
	BECOMES("trace", "", "there is no trace: [reveille] needs trace = on\n");
	traced = true;
	BECOMES("trace", "dump", "");
	BECOMES("  exits   b ", "exits b", "");
	BECOMES("exits", "exits all", "");
	BECOMES("vcpus a", "vcpus a", "");
	BECOMES("irqs b", "irqs b", "");
	BECOMES("irqs c", "", "there is no VM 'c'\n");
	BECOMES("", "", "");
	BECOMES("vm", "", "'vm' is no command: see help\n");
}

TEST(acts)
{
	result = OK;
	BECOMES("stop b", "stop b", "");
	BECOMES("restart b", "restart b", "");
	BECOMES("start a", "start a", "vm a: it runs\n");
	BECOMES("stop", "", "expected stop VM\n");
	BECOMES("delivery a emulated", "delivery a 1", "vm a: switched\n");
	BECOMES("delivery a posted", "delivery a 2", "vm a: switched\n");
	BECOMES("delivery a", "", "expected delivery VM posted|emulated\n");
	BECOMES("delivery a auto", "", "'auto' is none of its modes: see help\n");
	BECOMES("halt b native", "halt b 1", "vm b: switched\n");
	BECOMES("halt b gappi-shared and more", "halt b 4", "vm b: switched\n");
	BECOMES("move a 1 2", "move 1 2", "");
	BECOMES("move a 2 2", "", "vm a has 2 vCPUs\n");
	BECOMES("move a x 2", "", "vm a has 2 vCPUs\n");
	BECOMES("move b 0 2", "", "vm b has 0 vCPUs\n");
	BECOMES("move a 0 3", "", "there are 3 CPUs\n");
	BECOMES("move a 0", "", "expected move VM VCPU CPU\n");
	BECOMES("move c 0 1", "", "there is no VM 'c'\n");
	BECOMES("log debug", "level 3", "");
	BECOMES("log", "", "expected log error|warn|info|debug\n");
}

TEST(what_is_not_done)
{
	result = ERR_UNFIT;
	BECOMES("halt b gappi", "halt b 3", "vm b: not switched: no GAPPI\n");
	BECOMES("delivery b posted", "delivery b 2", "vm b: not switched: unfit\n");
	result = ERR_BUSY;
	BECOMES("halt b galog", "halt b 2", "vm b: not switched: another switch is under way\n");
	result = ERR_TIMEOUT;
	BECOMES("halt b galog", "halt b 2",
		"vm b: not switched: a CPU or an IOMMU does not answer in time\n");
}

TEST(help_names_all)
{
	BECOMES("nothing", "", "'nothing' is no command: see help\n");
	logged[0] = 0;
	monitor_execute(NULL, "help");
	EXPECT(strstr(logged, "stop VM: stops it"));
	EXPECT(strstr(logged, "help: this list"));
}
