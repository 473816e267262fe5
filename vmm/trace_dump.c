/* SPDX-License-Identifier: MIT */
/* The rings as text: base64 for tools/report/trace.py, or words for a person. */
#include "trace_ring.h"

#include "base/lib.h"
#include "base/log.h"
#include "cpu.h"
#include "drivers/clock.h"
#include "vcpu.h"
#include "vm.h"

#define A_LINE     12 /* records: 512 characters of base64 */
#define LINE_BYTES 576

static size_t base64(char *to, const uint8_t *from, size_t bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = 0;

	for (size_t i = 0; i < bytes; i += 3) {
		unsigned left = bytes - i < 3 ? (unsigned)(bytes - i) : 3;
		uint32_t three = (uint32_t)from[i] << 16;

		three |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
		three |= left > 2 ? from[i + 2] : 0;
		for (unsigned n = 0; n < 4; n++)
			to[used++] = n <= left ? digits[three >> (18 - 6 * n) & 63] : '=';
	}
	return used;
}

static void write_line(uint32_t cpu, const struct trace_record *records, unsigned count)
{
	char line[LINE_BYTES];
	size_t used = (size_t)fmt_text(line, sizeof(line), "TRACE %u ", cpu);

	used += base64(line + used, (const uint8_t *)records, count * sizeof(*records));
	line[used++] = '\n';
	log_text(line, used);
}

static void write_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void write_text(const char *fmt, ...)
{
	char line[160];
	va_list ap;

	va_start(ap, fmt);
	size_t used = (size_t)fmt_textv(line, sizeof(line), fmt, ap);

	va_end(ap);
	log_text(line, used < sizeof(line) ? used : sizeof(line) - 1);
}

static void dump_cpu(const struct cpu *cpu)
{
	struct trace_span span = trace_ring_span(cpu->index);
	struct trace_record records[A_LINE];
	unsigned count = 0;

	write_text("TRACE begin cpu=%u apicid=%u first=%u last=%u ticks_per_us=%lu\n", cpu->index,
		cpu->apicid, span.first, span.last, clock_ticks_per_us());
	for (uint32_t n = span.first; span.last && n != span.last + 1; n++) {
		if (!trace_ring_read(cpu->index, n, &records[count]))
			continue; /* its CPU was faster */
		if (++count < A_LINE)
			continue;
		write_line(cpu->index, records, count);
		count = 0;
	}
	if (count)
		write_line(cpu->index, records, count);
}

void trace_dump(void)
{
	if (!trace_ring_on())
		return;
	for (uint32_t i = 0; i < cpu_count(); i++)
		dump_cpu(cpu_by_index(i));
	for (uint32_t tag = 0; tag < vcpu_tag_end(); tag++) {
		const struct vcpu *v = vcpu_from_tag(tag);

		if (v)
			write_text("TRACE vcpu tag=%u vm=%s n=%u\n", tag, v->vm->config->name,
				v->index);
	}
	write_text("TRACE end\n");
}

static const char *kind_name(uint8_t kind)
{
	static const char *const names[TRACE_KINDS] = {
		[TRACE_HOST_IRQ] = "host-irq",
		[TRACE_IDLE] = "idle",
		[TRACE_GALOG_BEGIN] = "galog-begin",
		[TRACE_GALOG_ENTRY] = "galog-entry",
		[TRACE_GALOG_END] = "galog-end",
		[TRACE_GALOG_RESTART] = "galog-restart",
		[TRACE_GAPPI] = "gappi",
		[TRACE_WAKE] = "wake",
		[TRACE_INBOX_SEND] = "inbox-send",
		[TRACE_INBOX_TAKE] = "inbox-take",
		[TRACE_LOAD] = "load",
		[TRACE_LOAD_VAIN] = "load-vain",
		[TRACE_BLOCK] = "block",
		[TRACE_CANCEL] = "cancel",
		[TRACE_PUT] = "put",
		[TRACE_VMRUN] = "vmrun",
		[TRACE_EXIT] = "exit",
		[TRACE_POST] = "post",
		[TRACE_ROUTE] = "route",
		[TRACE_SWITCH] = "switch",
		[TRACE_RESCUE] = "rescue",
	};

	return kind < TRACE_KINDS && names[kind] ? names[kind] : "?";
}

void trace_print(uint32_t cpu, uint32_t count)
{
	struct trace_span span = trace_ring_span(cpu);
	uint32_t first = span.last - span.first < count ? span.first : span.last - count + 1;
	struct trace_record r;

	if (!span.last)
		return;
	log_error("  last trace records of CPU %u", cpu);
	for (uint32_t n = first; n != span.last + 1; n++)
		if (trace_ring_read(cpu, n, &r))
			log_error("  trace %u: %lu ticks %s x %02x vcpu %04x a %lx b %lx", n,
				r.ticks, kind_name(r.kind), r.x, r.vcpu, r.a, r.b);
}
