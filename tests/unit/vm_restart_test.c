// SPDX-License-Identifier: MIT
/* sources: vmm/vm_restart.c vmm/base/string.c */
/* The steps of a VM that starts anew, and what each waits for. */
#include "base/lib.h"
#include "base/log.h"
#include "drivers/clock.h"
#include "guest/place.h"
#include "vm_restart.h"
#include "vm.h"
#include <hw/mem.h>
#include <hw/sim.h>
#include "test.h"

#define MEMORY (1 * MIB)
#define SECOND clock_us_to_ticks(1000000)

static struct vm_config config = { .name = "t", .memory_bytes = MEMORY };
static struct vm vm;
static struct vcpu vcpus[2];
static struct cpu here;
static uint64_t ticks;
static uint8_t *ram;
static char logged[4000];
static unsigned modes_set; /* APICs put into their first mode */
static unsigned gone, wanted_again, started, revived, placed, ended, fenced, left_at_reset;
static err_t reset_result, place_result;

uint64_t sim_ticks(void)
{
	return ticks;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us * 1000;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	size_t used = strlen(logged);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(logged + used, sizeof(logged) - used, fmt, ap);
	va_end(ap);
}

uint32_t vm_count(void)
{
	return 1;
}

struct vm *vm_by_index(uint32_t i)
{
	return &vm;
}

void vm_gone(struct vm *m, uint32_t status)
{
	gone++;
	m->gone = 1;
}

void vm_wanted_again(struct vm *m)
{
	wanted_again++;
	m->gone = 0;
}

void vm_end(struct cpu *cpu, struct vm *m, enum vm_end what, const char *how)
{
	m->stopped = 1;
	ended = 1 + what;
}

void vm_start(struct cpu *cpu, struct vm *m)
{
	m->restart.started = ticks;
	started++;
}

void vcpu_revive(struct vcpu *v)
{
	v->state = VCPU_OFFLINE;
	revived++;
}

void svm_vcpu_reset(struct svm_vcpu *s)
{
}

void avic_vcpu_reset(struct avic_vcpu *a)
{
}

void avic_logical_update(struct avic_vm *a)
{
}

void emulated_init(struct emulated_vcpu *e, struct avic_vcpu *a, bool bsp)
{
}

enum vapic_mode vm_first_apic_mode(const struct vm *m)
{
	return VAPIC_XAPIC;
}

void vm_set_apic_mode(struct vcpu *v, enum vapic_mode mode)
{
	EXPECT_EQ(mode, VAPIC_XAPIC);
	modes_set++;
}

void vpci_reset(struct cpu *cpu, struct vm *m)
{
}

static unsigned hpet_resets;

void vhpet_reset(struct cpu *cpu, struct vm *m)
{
	hpet_resets++;
}

static unsigned dirty(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MEMORY; i++)
		n += ram[i] != 0;
	return n;
}

void assign_reset_begin(struct cpu *cpu, struct vm *m)
{
	left_at_reset = dirty();
}

err_t assign_reset_step(struct vm *m, const char **why)
{
	*why = "a device";
	return reset_result;
}

void assign_block_all(struct vm *m)
{
	fenced++;
}

err_t guest_place(struct vm *m, const char **why)
{
	*why = "a file";
	placed++;
	return place_result;
}

static void dies(void)
{
	vm.stopped = 1;
	vcpus[0].state = vcpus[1].state = VCPU_STOPPED;
	memset(ram, 0x5a, MEMORY);
	vm.restart.wanted = 1;
}

static void fresh(void)
{
	if (!ram)
		ram = aligned_alloc(4096, MEMORY);
	vm = (struct vm){
		.config = &config,
		.vcpus = vcpus,
		.vcpu_count = 2,
		.memory = virt_to_phys(ram),
		.apic_page = PHYS_NONE,
	};
	vcpus[0] = vcpus[1] = (struct vcpu){ .vm = &vm };
	ticks = 100 * SECOND;
	logged[0] = 0;
	modes_set = 0;
	gone = wanted_again = started = revived = placed = ended = fenced = 0;
	reset_result = place_result = OK;
	dies();
}

/* Looks as the slow timer does, for so long at most; returns the ticks that it took. */
static uint64_t run_for(uint64_t limit)
{
	uint64_t from = ticks, due;

	while ((due = restart_look(&here, ticks)) <= from + limit)
		ticks = due > ticks ? due : ticks + 1;
	if (due != ~0ull)
		ticks = from + limit;
	return ticks - from;
}

TEST(starts_anew)
{
	fresh();
	hpet_resets = 0;
	vm.pm1_enable = 0x120;
	run_for(SECOND);
	EXPECT_EQ(hpet_resets, 1);
	EXPECT_EQ(vm.pm1_enable, 0);
	EXPECT_EQ(left_at_reset, 0);
	EXPECT_EQ(started, 1);
	EXPECT_EQ(placed, 1);
	EXPECT_EQ(revived, 2);
	EXPECT_EQ(modes_set, 2);
	EXPECT_EQ(vm.stopped, 0);
	EXPECT_EQ(gone, 0);
	EXPECT(!restart_under_way(&vm));
	EXPECT_EQ(restart_look(&here, ticks), ~0ull);
}

/* No step does all of the memory. */
TEST(in_steps)
{
	fresh();
	for (unsigned i = 0; i < 3; i++)
		ticks = restart_look(&here, ticks);
	EXPECT(dirty() > MEMORY / 2 && dirty() < MEMORY);
	EXPECT(!started && restart_under_way(&vm));
}

TEST(waits_for_vcpus)
{
	fresh();
	vcpus[1].state = VCPU_RUNNABLE;
	run_for(SECOND);
	EXPECT_EQ(dirty(), MEMORY);
	vcpus[1].state = VCPU_OFFLINE;
	vm.switching = 1;
	run_for(SECOND);
	EXPECT_EQ(dirty(), MEMORY);
	vm.switching = 0;
	run_for(SECOND);
	EXPECT_EQ(started, 1);
	dies();
	vcpus[0].state = VCPU_RUNNING;
	run_for(60 * SECOND);
	EXPECT(strstr(logged, "does not come to rest"));
	EXPECT_EQ(dirty(), MEMORY);
	EXPECT_EQ(gone, 1);
}

TEST(waits_for_devices)
{
	fresh();
	reset_result = ERR_BUSY;
	run_for(SECOND);
	EXPECT_EQ(started, 0);
	reset_result = ERR_UNFIT;
	run_for(SECOND);
	EXPECT(strstr(logged, "vm t: not started anew: a device"));
	EXPECT_EQ(fenced, 1);
	EXPECT_EQ(gone, 1);
	EXPECT(vm.stopped && !placed);
	/* An operator may try again. */
	reset_result = OK;
	EXPECT(!restart_start(&vm));
	EXPECT_EQ(wanted_again, 1);
	place_result = ERR_INVALID;
	run_for(SECOND);
	EXPECT(strstr(logged, "not started anew: a file"));
	EXPECT_EQ(gone, 2);
}

TEST(pauses)
{
	static const unsigned seconds[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64 };

	fresh();
	vm.restart.started = ticks;
	for (unsigned i = 0; i < ARRAY_COUNT(seconds); i++) {
		uint64_t took = run_for(100 * SECOND);

		EXPECT_EQ(took / SECOND, seconds[i]);
		EXPECT_EQ(started, i + 1);
		dies();
	}
	EXPECT(strstr(logged, "ends soon"));
	*strstr(logged, "ends soon") = 0;
	EXPECT(!strstr(logged + strlen(logged) + 1, "ends soon"));
	/* A long life, and it is as new. */
	ticks += 11 * SECOND;
	EXPECT_EQ(run_for(100 * SECOND) / SECOND, 0);
	dies();
	EXPECT_EQ(run_for(100 * SECOND) / SECOND, 0);
}

TEST(operators)
{
	fresh();
	vm.restart.wanted = 0;
	/* Its policy is still to be looked at, by the CPU that ended it. */
	EXPECT(restart_start(&vm) && !wanted_again);
	EXPECT(restart_stop(&here, &vm));
	vm.gone = 1;
	EXPECT(!restart_vm(&here, &vm));
	EXPECT_EQ(wanted_again, 1);
	EXPECT(!restart_stop(&here, &vm)); /* not so soon */
	EXPECT_EQ(gone, 1);
	run_for(SECOND);
	EXPECT_EQ(started, 0);
	EXPECT(!restart_start(&vm) && !restart_start(&vm));
	EXPECT_EQ(wanted_again, 2);
	run_for(SECOND);
	EXPECT_EQ(started, 1);
	EXPECT(restart_start(&vm));
	EXPECT(!restart_stop(&here, &vm));
	EXPECT_EQ(ended, 1 + VM_OPERATOR_STOP);
	vm.stopped = 0;
	EXPECT(!restart_vm(&here, &vm));
	EXPECT_EQ(ended, 1 + VM_OPERATOR_RESTART);
	/* In a pause an operator need not wait, nor does his restart count. */
	dies();
	vm.restart.at_once = 0;
	vm.restart.short_lives = 9;
	vm.restart.started = ticks;
	run_for(SECOND);
	EXPECT_EQ(vm.restart.stage, RESTART_PAUSE);
	EXPECT(!restart_start(&vm));
	EXPECT(run_for(SECOND) < SECOND);
	EXPECT_EQ(started, 2);
}
