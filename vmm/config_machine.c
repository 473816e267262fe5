/* SPDX-License-Identifier: MIT */
/* The keys of [reveille]: how each value is read, and what a bad one should have been. */
#include "config_parser.h"

static err_t read_log(struct parser *p, struct span value)
{
	static const char *const words[] = { "error", "warn", "info", "debug", NULL };
	int word;
	err_t err = config_word(p, "log", value, words, &word);

	if (!err)
		p->config->log_level = (uint32_t)word; /* the order of enum log_level */
	return err;
}

/* false: no such place, or one of its kind is there already. */
static bool add_place(struct config_console *console, struct span place)
{
	static const char *const ports[] = { "com1", "com2", "com3", "com4", NULL };
	int port = value_word(place, ports);

	if (port >= 0 && !console->com)
		console->com = (uint32_t)port + 1;
	else if (span_is(place, "screen") && !console->screen)
		console->screen = true;
	else
		return false;
	return true;
}

static err_t read_console(struct parser *p, struct span value)
{
	struct config_console console = { 0, false };
	struct span rest = value;
	bool good = !span_ends(value, ',');

	if (!span_is(value, "none")) {
		do
			good &= add_place(&console, span_trim(span_cut(&rest, ',')));
		while (rest.bytes);
	}
	if (!good)
		return config_bad_value(p, "console", value,
			"one of com1, com2, com3 and com4, or screen, or both with a comma, or none");
	p->config->console = console;
	return OK;
}

static err_t read_iommu(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[IOMMU_AUTO] = "auto", [IOMMU_REQUIRED] = "required", [IOMMU_OFF] = "off", NULL
	};
	int word;
	err_t err = config_word(p, "iommu", value, words, &word);

	if (!err)
		p->config->iommu = (enum iommu_policy)word;
	return err;
}

static err_t read_survey(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[SURVEY_PRINT] = "print", [SURVEY_WRITE] = "write", NULL
	};
	int word;
	err_t err = config_word(p, "survey", value, words, &word);

	if (!err)
		p->config->survey = (enum survey_policy)word;
	return err;
}

static err_t read_galog_entries(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 512, 32768, &n) || (n & (n - 1)))
		return config_bad_value(p, "galog-entries", value, "a power of two, 512 to 32768");
	p->config->galog_entries = (uint32_t)n;
	return OK;
}

static err_t read_gappi_own_vectors(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 0, 140, &n))
		return config_bad_value(p, "gappi-own-vectors", value, "a number, 0 to 140");
	p->config->gappi_own_vectors = (uint32_t)n;
	return OK;
}

#define TRACE_ON_ENTRIES 4096

static err_t read_trace(struct parser *p, struct span value)
{
	uint64_t n = TRACE_ON_ENTRIES;

	if (span_is(value, "off"))
		n = 0;
	else if (!span_is(value, "on") && !value_number(value, 128, 1 << 20, &n))
		return config_bad_value(
			p, "trace", value, "off, on, or records a pCPU, 128 to 1048576");
	p->config->trace_entries = (uint32_t)n;
	return OK;
}

static err_t read_cpu_count(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 0, CONFIG_CPUS, &n))
		return config_bad_value(
			p, "cpus", value, "how many CPUs to use, 1 to 64, or 0 for all");
	p->config->cpu_count = (uint32_t)n;
	return OK;
}

static err_t read_vfs(struct parser *p, struct span value)
{
	if (span_ends(value, ','))
		return FAIL(p, "'vfs' ends with a comma; expected another N*DEVICE");
	do {
		struct span one = span_trim(span_cut(&value, ','));
		struct config_vfs *v = &p->config->vfs[p->config->vfs_count];
		struct span device = one, count = span_trim(span_cut(&device, '*'));
		uint64_t n;

		if (p->config->vfs_count == CONFIG_VFS)
			return FAIL(p, "too many devices; expected %u at most", CONFIG_VFS);
		if (!value_number(count, 1, 255, &n) || !value_device(span_trim(device), &v->pf))
			return config_bad_value(p, "vfs", one,
				"N*DEVICE: how many virtual functions of which device, like "
				"2*8086:10c9#0 or 7*00:03.0");
		v->count = (uint32_t)n;
		v->pf.line = p->line;
		p->config->vfs_count++;
	} while (value.bytes);
	return OK;
}

static err_t read_vf_service(struct parser *p, struct span value)
{
	static const char *const words[] = { "no", "yes", NULL };
	int word;
	err_t err = config_word(p, "vf-service", value, words, &word);

	if (!err)
		p->config->vf_service = word;
	return err;
}

const struct config_key config_machine_keys[] = {
	{ "log", read_log },
	{ "console", read_console },
	{ "iommu", read_iommu },
	{ "survey", read_survey },
	{ "galog-entries", read_galog_entries },
	{ "gappi-own-vectors", read_gappi_own_vectors },
	{ "trace", read_trace },
	{ "cpus", read_cpu_count },
	{ "vfs", read_vfs },
	{ "vf-service", read_vf_service },
	{ NULL, NULL },
};

_Static_assert(ARRAY_COUNT(config_machine_keys) <= CONFIG_KEYS, "parser.seen has a bit for each");
