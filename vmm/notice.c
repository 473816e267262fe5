// SPDX-License-Identifier: MIT
#include "notice.h"

#include "base/lib.h"
#include "base/log.h"
#include "vm.h"

#include <stdarg.h>

/* quiet: so many in a period are what good kernels do too (they look for devices of old at ports
 * that nobody has; each of 128 vCPUs is started by three messages). lines: that go out then. */
static const struct {
	const char *name, *what;
	uint32_t quiet, lines;
} kinds[NOTICE_KINDS] = {
	[NOTICE_EVENT] = { "events", "events at the IOMMU", 0, 4 },
	[NOTICE_MSR] = { "msrs", "accesses to MSRs that it hasn't", 0, 4 },
	[NOTICE_PORT] = { "ports", "accesses to ports that it hasn't", 1000, 4 },
	[NOTICE_CONFIG] = { "config", "writes to configuration space that isn't its own", 0, 4 },
	[NOTICE_IPI] = { "ipis", "IPIs to nobody", 0, 4 },
	[NOTICE_STARTUP] = { "startups", "INIT and startup IPIs", 1000, 4 },
	[NOTICE_HYPERCALL] = { "hypercalls", "refused hypercalls", 0, 4 },
	[NOTICE_STORM] = { "storms", "interrupts held back", 0, 4 },
	[NOTICE_REPORT] = { "reports", "lines that it asked for", 0, 1000 },
};

bool notice_count(struct notices *n, enum notice_kind kind)
{
	uint64_t earlier = __atomic_fetch_add(&n->now[kind], 1, __ATOMIC_RELAXED);

	return earlier >= kinds[kind].quiet &&
	       earlier < (uint64_t)kinds[kind].quiet + kinds[kind].lines;
}

void notice(struct vm *vm, enum notice_kind kind, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (!notice_count(&vm->notices, kind))
		return;
	va_start(ap, fmt);
	fmt_textv(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_later("vm %s: %s", vm->config->name, text);
}

void notice_renew(struct vm *vm)
{
	struct notices *n = &vm->notices;

	for (unsigned kind = 0; kind < NOTICE_KINDS; kind++) {
		uint64_t seen = __atomic_exchange_n(&n->now[kind], 0, __ATOMIC_RELAXED);
		uint64_t told = (uint64_t)kinds[kind].quiet + kinds[kind].lines;

		n->before[kind] += seen;
		if (seen > told)
			log_later("vm %s: %llu more %s", vm->config->name,
				(unsigned long long)(seen - kinds[kind].lines), kinds[kind].what);
	}
}

uint64_t notice_total(const struct notices *n, enum notice_kind kind)
{
	return __atomic_load_n(&n->before[kind], __ATOMIC_RELAXED) +
	       __atomic_load_n(&n->now[kind], __ATOMIC_RELAXED);
}

const char *notice_name(enum notice_kind kind)
{
	return kinds[kind].name;
}
