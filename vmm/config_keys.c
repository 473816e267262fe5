/* SPDX-License-Identifier: MIT */
/* The keys: how each value is read, and what a bad one should have been. */
#include "config_parser.h"

static err_t bad_value(struct parser *p, const char *key, struct span value, const char *expected)
{
	return FAIL(p, "bad value '%.*s' for '%s'; expected %s", span_shown(value), value.text, key,
		expected);
}

static err_t read_log(struct parser *p, struct span value)
{
	static const char *const words[] = { "error", "warn", "info", "debug", NULL };
	int word = value_word(value, words);

	if (word < 0)
		return bad_value(p, "log", value, "error, warn, info or debug");
	p->config->log_level = (uint32_t)word; /* the order of enum log_level */
	return OK;
}

static err_t read_galog_entries(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 512, 32768, &n) || (n & (n - 1)))
		return bad_value(p, "galog-entries", value, "a power of two, 512 to 32768");
	p->config->galog_entries = (uint32_t)n;
	return OK;
}

static err_t read_gappi_own_vectors(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 0, 140, &n))
		return bad_value(p, "gappi-own-vectors", value, "a number, 0 to 140");
	p->config->gappi_own_vectors = (uint32_t)n;
	return OK;
}

static err_t read_cpu_count(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 0, CONFIG_CPUS, &n))
		return bad_value(p, "cpus", value, "how many CPUs to use, 1 to 64, or 0 for all");
	p->config->cpu_count = (uint32_t)n;
	return OK;
}

static err_t read_guest(struct parser *p, struct span value)
{
	if (!span_is(value, "builtin"))
		return bad_value(p, "guest", value, "builtin");
	return OK;
}

static err_t read_args(struct parser *p, struct span value)
{
	if (value.bytes >= sizeof(p->vm->args))
		return FAIL(p, "'args' is %u characters long; expected %u at most",
			(unsigned)value.bytes, (unsigned)sizeof(p->vm->args) - 1);
	memcpy(p->vm->args, value.text, value.bytes);
	return OK;
}

static err_t read_memory(struct parser *p, struct span value)
{
	uint64_t bytes;

	if (!value_bytes(value, &bytes) || bytes < 4 * MIB || bytes > 256 * GIB ||
		bytes % (2 * MIB))
		return bad_value(p, "memory", value, "4M to 256G, a multiple of 2M, like 64M");
	p->vm->memory_bytes = bytes;
	return OK;
}

static err_t read_cpus(struct parser *p, struct span value)
{
	uint32_t n = value_list(value, p->vm->pcpu, CONFIG_VCPUS, CONFIG_CPUS - 1);

	if (n == 0)
		return bad_value(p, "cpus", value,
			"CPU numbers 0 to 63, like '0, 1' or '64*0', 128 at most");
	p->vm->vcpu_count = n;
	p->cpus_line[p->config->vm_count - 1] = p->line;
	return OK;
}

static err_t read_priority(struct parser *p, struct span value)
{
	uint32_t n = value_list(value, p->vm->priority, CONFIG_VCPUS, CONFIG_PRIORITIES - 1);

	if (n == 0)
		return bad_value(p, "priority", value,
			"priorities 0 (low) to 7, like '2, 1' or '64*2', 128 at most");
	p->priority_count = n;
	p->priority_line = p->line;
	return OK;
}

static err_t read_apic(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[APIC_X2APIC] = "x2apic", [APIC_XAPIC] = "xapic", NULL
	};
	int word = value_word(value, words);

	if (word < 0)
		return bad_value(p, "apic", value, "x2apic or xapic");
	p->vm->apic = (enum apic_mode)word;
	return OK;
}

static err_t read_delivery(struct parser *p, struct span value)
{
	static const char *const words[] = { [DELIVERY_AUTO] = "auto",
		[DELIVERY_EMULATED] = "emulated",
		[DELIVERY_POSTED] = "posted",
		NULL };
	int word = value_word(value, words);

	if (word < 0)
		return bad_value(p, "delivery", value, "emulated, posted or auto");
	p->vm->delivery = (enum delivery_mode)word;
	return OK;
}

static err_t read_halt(struct parser *p, struct span value)
{
	static const char *const words[] = { [HALT_AUTO] = "auto",
		[HALT_NATIVE] = "native",
		[HALT_GALOG] = "galog",
		[HALT_GAPPI] = "gappi",
		[HALT_GAPPI_SHARED] = "gappi-shared",
		NULL };
	int word = value_word(value, words);

	if (word < 0)
		return bad_value(p, "halt", value, "native, galog, gappi, gappi-shared or auto");
	p->vm->halt = (enum halt_mode)word;
	return OK;
}

static err_t read_control(struct parser *p, struct span value)
{
	static const char *const words[] = { "no", "yes", NULL };
	int word = value_word(value, words);

	if (word < 0)
		return bad_value(p, "control", value, "yes or no");
	p->vm->control = word;
	return OK;
}

static err_t read_devices(struct parser *p, struct span value)
{
	if (span_ends(value, ','))
		return FAIL(p, "'devices' ends with a comma; expected another device");
	do {
		struct span one = span_trim(span_cut(&value, ','));
		struct config_device *d = &p->vm->devices[p->vm->device_count];

		if (p->vm->device_count == CONFIG_DEVICES)
			return FAIL(p, "too many devices; expected %u at most", CONFIG_DEVICES);
		if (!value_device(one, d))
			return bad_value(p, "devices", one,
				"bus:device.function like 00:03.0, or vendor:device#index like "
				"8086:10c9#0");
		d->line = p->line;
		p->vm->device_count++;
	} while (value.bytes);
	return OK;
}

const struct config_key config_machine_keys[] = {
	{ "log", read_log },
	{ "galog-entries", read_galog_entries },
	{ "gappi-own-vectors", read_gappi_own_vectors },
	{ "cpus", read_cpu_count },
	{ NULL, NULL },
};

const struct config_key config_vm_keys[] = {
	[KEY_GUEST] = { "guest", read_guest },
	[KEY_CPUS] = { "cpus", read_cpus },
	{ "args", read_args },
	{ "memory", read_memory },
	{ "priority", read_priority },
	{ "apic", read_apic },
	{ "delivery", read_delivery },
	{ "halt", read_halt },
	{ "devices", read_devices },
	{ "control", read_control },
	{ NULL, NULL },
};
