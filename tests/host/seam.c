/* SPDX-License-Identifier: MIT */
/* Weak defaults of the host's seam, and the few services of vmm/ that unit tests link against. */
#include "hw/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "page.h"

#define WEAK __attribute__((weak))

WEAK struct cpu *sim_cpu;

WEAK void sim_point(void)
{
}

WEAK void sim_spin(void)
{
}

WEAK void sim_store(void *p, unsigned bytes)
{
	(void)p;
	(void)bytes;
}

WEAK void sim_drain(void)
{
}

WEAK uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, (const void *)p, bytes);
	return v;
}

WEAK void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	memcpy((void *)p, &v, bytes);
}

WEAK uint64_t sim_rdmsr(uint32_t msr)
{
	(void)msr;
	return 0;
}

WEAK void sim_wrmsr(uint32_t msr, uint64_t v)
{
	(void)msr;
	(void)v;
}

WEAK uint32_t sim_in(uint16_t port, unsigned bytes)
{
	(void)port;
	(void)bytes;
	return 0;
}

WEAK void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	(void)port;
	(void)bytes;
	(void)v;
}

WEAK void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	(void)leaf;
	(void)subleaf;
	memset(out, 0, 4 * sizeof(out[0]));
}

WEAK uint64_t sim_ticks(void)
{
	static uint64_t ticks;

	return ticks += SIM_TICKS_A_LOOK;
}

WEAK void sim_sleep(void)
{
}

WEAK void sim_take_interrupts(void)
{
}

WEAK void sim_doorbell(uint32_t apicid)
{
	(void)apicid;
}

WEAK void sim_load_idt(uint64_t base, uint16_t last_byte)
{
	(void)base;
	(void)last_byte;
}

WEAK void sim_load_gdt(
	uint64_t base, uint16_t last_byte, uint16_t code, uint16_t data, uint16_t task)
{
	(void)base;
	(void)last_byte;
	(void)code;
	(void)data;
	(void)task;
}

WEAK void sim_invlpg(const void *page)
{
	(void)page;
}

WEAK void sim_stop(void)
{
	abort();
}

WEAK uint64_t sim_dr[4];
WEAK uint64_t sim_cr[5];

WEAK void sim_vmsave(uint64_t area)
{
	(void)area;
}

WEAK void sim_xsetbv(uint32_t index, uint64_t v)
{
	(void)index;
	(void)v;
}

WEAK void sim_fpu_save(void *area, uint64_t components)
{
	(void)area;
	(void)components;
}

WEAK void sim_fpu_load(const void *area, uint64_t components)
{
	(void)area;
	(void)components;
}

WEAK void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

WEAK void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	if (!getenv("TEST_LOG"))
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

WEAK void log_later(const char *fmt, ...)
{
	va_list ap;

	if (!getenv("TEST_LOG"))
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

WEAK void log_text(const char *text, size_t bytes)
{
	fwrite(text, 1, bytes, stderr);
}

WEAK phys_t page_alloc(size_t count, size_t align_pages)
{
	void *p =
		aligned_alloc(align_pages * PAGE_BYTES, ALIGN_UP(count, align_pages) * PAGE_BYTES);

	if (!p)
		return PHYS_NONE;
	memset(p, 0, count * PAGE_BYTES);
	return PHYS((uint64_t)p);
}

WEAK void page_free(phys_t base, size_t count)
{
	(void)count;
	free((void *)base.v);
}
