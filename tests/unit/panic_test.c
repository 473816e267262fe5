/* SPDX-License-Identifier: MIT */
/* sources: vmm/base/lib.c vmm/base/log.c */
#include <setjmp.h>
#include "test.h"
#include "panic.h"
#include "base/check.h"
#include "base/log.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "trap.h"
#include "vm.h"
#include "hw/sim.h"
#include "vmm/panic.c" /* its one state is set back between tests */

/* As the linker script: the end is an address inside the same object. */
const char vmm_text[64];
__asm__(".global vmm_text_end\nvmm_text_end = vmm_text + 64");

static unsigned traced;

void trace_print(uint32_t index, uint32_t count)
{
	EXPECT_EQ(index, 2);
	EXPECT_EQ(count, 16);
	traced++;
}

static struct cpu cpu = { .index = 2 };
static struct vm_config config = { .name = "guilty" };
static struct vm vm = { .config = &config };
static struct vcpu vcpu = { .vm = &vm, .index = 5 };
static unsigned stopped_others;
static char out[8192];
static jmp_buf left;

void sim_stop(void)
{
	longjmp(left, 1);
}

void cpu_stop_others(void)
{
	stopped_others++;
}

static uint64_t stack[4];

size_t cpu_stack_bytes_above(uint32_t index, const void *p)
{
	EXPECT_EQ(index, 2);
	return p == stack ? sizeof(stack) : 0;
}

static void sink(const char *text, size_t bytes)
{
	strncat(out, text, bytes);
}

/* The first panic has the floor for good; a fault while it prints stops without a word. */
TEST(an_exception_and_then_another)
{
	struct trap_frame f = { .vector = 14, .error = 2, .rip = 0xabc, .rax = 0x1111 };

	sim_cpu = &cpu;
	cpu.current = &vcpu;
	sim_cr[2] = 0x2222;
	f.rsp = (uint64_t)stack;
	stack[1] = (uint64_t)vmm_text + 8;
	stack[2] = 0x1234567;
	log_add_sink(sink);
	if (!setjmp(left))
		panic_trap(&f);
	EXPECT(strstr(out, "\nPANIC: exception 14, error 2, at 0000000000000abc\n"));
	EXPECT(strstr(out, "on CPU 2, with vCPU 5 of vm guilty"));
	EXPECT(strstr(out, "rax 0000000000001111"));
	EXPECT(strstr(out, "cr2 0000000000002222"));
	EXPECT(strstr(out, "  stack "));
	EXPECT(!strstr(out, "1234567"));
	EXPECT_EQ(stopped_others, 1);
	EXPECT_EQ(traced, 1);
	out[0] = 0;
	if (!setjmp(left))
		panic("again");
	EXPECT_EQ(out[0], 0);
	EXPECT_EQ(stopped_others, 1);
}

TEST(a_check_that_failed)
{
	panicking = 0;
	out[0] = 0;
	cpu.current = NULL;
	if (!setjmp(left))
		CHECK(1 + 1 == 3);
	EXPECT(strstr(out, "CHECK(1 + 1 == 3) failed"));
	EXPECT(strstr(out, "error:   on CPU 2\n"));
	EXPECT_EQ(stopped_others, 2);
	EXPECT_EQ(traced, 2);
}
