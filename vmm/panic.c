/* SPDX-License-Identifier: MIT */
#include "panic.h"
#include "base/check.h"
#include "base/log.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "trace_ring.h"
#include "trap.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/shared.h>

#define STACK_MAX 24
#define TRACE_MAX 16

extern const char vmm_text[], vmm_text_end[]; /* vmm.ld */

static uint32_t panicking;

/* One CPU has the floor; a second one, and a fault while panicking, stop without a word. */
static void begin(void)
{
	if (shared_swap32(&panicking, 1))
		hw_stop();
	cpu_stop_others();
}

/* What on the stack points into our text: return addresses, mostly. `addr2line -e` names them. */
static void print_stack(const struct cpu *cpu, const uint64_t *sp)
{
	size_t words = cpu_stack_bytes_above(cpu->index, sp) / sizeof(*sp);
	unsigned shown = 0;

	for (size_t i = 0; i < words && shown < STACK_MAX; i++) {
		if (sp[i] < (uint64_t)vmm_text || sp[i] >= (uint64_t)vmm_text_end)
			continue;
		log_error("  stack %016lx", sp[i]);
		shown++;
	}
}

static void print_cpu(const struct cpu *cpu)
{
	const struct vcpu *v = cpu->current;

	if (v)
		log_error("  on CPU %u, with vCPU %u of vm %s", cpu->index, v->index,
			v->vm->config->name);
	else
		log_error("  on CPU %u", cpu->index);
}

static void print_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vpanic(fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	begin();
	va_start(ap, fmt);
	log_vpanic(fmt, ap);
	va_end(ap);
	print_cpu(this_cpu());
	print_stack(this_cpu(), __builtin_frame_address(0));
	trace_print(this_cpu()->index, TRACE_MAX);
	hw_stop();
}

void panic_trap(const struct trap_frame *f)
{
	begin();
	print_panic("exception %lu, error %lx, at %016lx", f->vector, f->error, f->rip);
	print_cpu(this_cpu());
	log_error("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	log_error("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx", f->rsi, f->rdi, f->rbp, f->rsp);
	log_error("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx", f->r8, f->r9, f->r10, f->r11);
	log_error("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx", f->r12, f->r13, f->r14, f->r15);
	log_error("  cr2 %016lx cr3 %016lx rflags %lx cs %lx", hw_read_cr2(), hw_read_cr3(),
		f->rflags, f->cs);
	print_stack(this_cpu(), (const uint64_t *)f->rsp);
	trace_print(this_cpu()->index, TRACE_MAX);
	hw_stop();
}
