/* SPDX-License-Identifier: MIT */
/* sources: vmm/trace_ring.c vmm/trace_dump.c vmm/base/lib.c */
/* The ring: wrap, a record that is being written, the dump's bytes typed by hand; and the hooks of
 * the image that has them. */
#include "test.h"
#include "base/lib.h"
#include "base/log.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "page.h"
#include <hw/mem.h>
#include "vm.h"
#include "vmm/traced/trace.h"
#include <hw/sim.h>

static struct cpu cpus[2] = { { .index = 0, .apicid = 8 }, { .index = 1, .apicid = 9 } };
static struct vm_config config = { .name = "g" };
static struct vm vm = { .config = &config };
static struct vmcb vmcb = { .exit_code = 0x78 };
static struct vcpu vcpu = { .tag = 0x102, .index = 3, .vm = &vm };
static uint64_t ticks;
static char out[1 << 20];

uint64_t sim_ticks(void)
{
	return ticks;
}

uint64_t clock_ticks_per_us(void)
{
	return 62;
}

uint32_t cpu_count(void)
{
	return 2;
}

struct cpu *cpu_by_index(uint32_t i)
{
	return &cpus[i];
}

uint32_t vcpu_tag_end(void)
{
	return 2;
}

struct vcpu *vcpu_from_tag(uint32_t tag)
{
	return tag == 1 ? &vcpu : NULL;
}

uint64_t svm_rip(const struct svm_vcpu *s)
{
	return 0x1122334455667788ull;
}

void log_text(const char *text, size_t bytes)
{
	strncat(out, text, bytes);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fmt_textv(out + strlen(out), 200, fmt, ap);
	va_end(ap);
	strcat(out, "\n");
}

static void none(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (trace_rings[i].record)
			page_free(virt_to_phys(trace_rings[i].record),
				(trace_rings[i].mask + 1) * 32 / PAGE_BYTES);
	memset(trace_rings, 0, 2 * sizeof(trace_rings[0]));
}

static void fresh(void)
{
	none();
	EXPECT_EQ(trace_ring_init(2, 100), OK);
	vcpu.svm.vmcb = &vmcb;
	ticks = 0;
	out[0] = 0;
}

static void write(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		ticks++;
		trace(&cpus[0], TRACE_WAKE, 0, NULL, ticks * 100);
	}
}

TEST(off)
{
	struct trace_record r;

	none();
	out[0] = 0;
	EXPECT(!trace_ring_on());
	write(3);
	EXPECT_EQ(trace_ring_span(0).last, 0);
	EXPECT(!trace_ring_read(0, 1, &r));
	trace_dump();
	trace_print(0, 5);
	EXPECT_EQ(out[0], 0);
}

TEST(sizes_are_powers_of_two)
{
	none();
	EXPECT_EQ(trace_ring_init(1, 100), OK);
	EXPECT_EQ(trace_rings[0].mask, 127);
	none();
	EXPECT_EQ(trace_ring_init(1, 129), OK);
	EXPECT_EQ(trace_rings[0].mask, 255);
	EXPECT(trace_ring_on());
	EXPECT(!trace_rings[1].record);
}

TEST(wrap)
{
	struct trace_record r;

	fresh();
	write(127);
	EXPECT_EQ(trace_ring_span(0).first, 1);
	EXPECT_EQ(trace_ring_span(0).last, 127);
	write(200);
	EXPECT_EQ(trace_ring_span(0).first, 327 - 127);
	EXPECT_EQ(trace_ring_span(0).last, 327);
	for (uint32_t n = 200; n <= 327; n++) {
		EXPECT(trace_ring_read(0, n, &r));
		EXPECT_EQ(r.sequence, n);
		EXPECT_EQ(r.ticks, n);
		EXPECT_EQ(r.a, 100 * n);
	}
	EXPECT(!trace_ring_read(0, 199, &r));
	EXPECT(!trace_ring_read(0, 328, &r));
	EXPECT_EQ(trace_ring_span(1).last, 0);
}

/* 0 is not a sequence: after the last one comes 1, and the record before the turn stays. */
TEST(sequence_turns)
{
	struct trace_record r;

	fresh();
	trace_rings[0].last = 0xfffffffe;
	write(2);
	EXPECT_EQ(trace_rings[0].last, 1);
	EXPECT(trace_ring_read(0, 0xffffffff, &r));
	EXPECT(!trace_ring_read(0, 0, &r));
	EXPECT(trace_ring_read(0, 1, &r));
}

TEST(torn)
{
	struct trace_record r;

	fresh();
	write(5);
	trace_rings[0].record[4].sequence = 0; /* its CPU writes it at this moment */
	EXPECT(trace_ring_read(0, 3, &r));
	EXPECT(!trace_ring_read(0, 4, &r));
	trace_rings[0].record[4].sequence = 4 + 128; /* or has just done so */
	EXPECT(!trace_ring_read(0, 4, &r));
	trace_dump();
	EXPECT(strstr(out, "first=1 last=5"));
	trace_rings[0].record[4].sequence = 4;
	EXPECT(trace_ring_read(0, 4, &r));
}

TEST(dump_golden)
{
	fresh();
	ticks = 0x0102030405060708ull;
	trace(&cpus[0], TRACE_LOAD, 0xab, &vcpu, 0xa0a1a2a3a4a5a6a7ull);
	/* 0807060504030201 01000000 0b ab 0201 a7a6a5a4a3a2a1a0 0000000000000000 */
	trace_dump();
	EXPECT(!strcmp(out, "TRACE begin cpu=0 apicid=8 first=1 last=1 ticks_per_us=62\n"
			    "TRACE 0 CAcGBQQDAgEBAAAAC6sCAaempaSjoqGgAAAAAAAAAAA=\n"
			    "TRACE begin cpu=1 apicid=9 first=1 last=0 ticks_per_us=62\n"
			    "TRACE vcpu tag=1 vm=g n=3\n"
			    "TRACE end\n"));
}

TEST(dump_lines)
{
	unsigned lines = 0;

	fresh();
	write(25);
	trace_dump();
	for (const char *p = out; (p = strstr(p, "\nTRACE 0 ")); p++)
		lines++;
	EXPECT_EQ(lines, 3);
	EXPECT(strstr(out, "\nTRACE 0 AQAAAAAAAAABAAAACAD//2Q"));
}

TEST(hooks)
{
	struct trace_record r;

	fresh();
	trace_cause(&cpus[1], CAUSE_GALOG);
	trace_wake(&cpus[1], &vcpu);
	EXPECT(trace_ring_read(1, 1, &r));
	EXPECT_EQ(r.kind, TRACE_WAKE);
	EXPECT_EQ(r.x, CAUSE_GALOG);
	EXPECT_EQ(r.vcpu, 0x102);
	trace_interrupt(&cpus[1], 0xd9);
	trace_wake(&cpus[1], &vcpu);
	EXPECT(trace_ring_read(1, 2, &r));
	EXPECT_EQ(r.kind, TRACE_HOST_IRQ);
	EXPECT_EQ(r.x, 0xd9);
	EXPECT_EQ(r.vcpu, TRACE_NO_VCPU);
	EXPECT(trace_ring_read(1, 3, &r));
	EXPECT_EQ(r.x, CAUSE_EVENT);
	trace_exit(&cpus[1], &vcpu);
	EXPECT(trace_ring_read(1, 4, &r));
	EXPECT_EQ(r.a, 0x78);
	EXPECT_EQ(r.b, 0x1122334455667788ull);
}

TEST(text)
{
	fresh();
	write(20);
	trace_print(0, 2);
	EXPECT(!strcmp(out, "  last trace records of CPU 0\n"
			    "  trace 19: 19 ticks wake x 00 vcpu ffff a 76c b 0\n"
			    "  trace 20: 20 ticks wake x 00 vcpu ffff a 7d0 b 0\n"));
	out[0] = 0;
	trace_print(0, 500);
	EXPECT(strstr(out, "  trace 1: "));
	none();
}
