/* SPDX-License-Identifier: MIT */
/*
 * Lines and sections. A line is a section header or "key = value"; each key has a function that
 * reads its value (config_machine.c, config_vm.c). What needs the whole section, or the whole file,
 * is checked where that ends (config_check.c).
 */
#include "config_parser.h"
#include "base/lib.h"
#include "base/log.h"

static bool good_name(struct span name)
{
	if (name.bytes == 0 || name.bytes >= CONFIG_NAME)
		return false;
	for (size_t i = 0; i < name.bytes; i++) {
		char c = name.text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_')
			return false;
	}
	return true;
}

static err_t begin_vm(struct parser *p, struct span name)
{
	struct config *c = p->config;

	if (!good_name(name))
		return FAIL(p, "bad VM name '%.*s'; expected letters, digits, - and _, %u at most",
			span_shown(name), name.text, CONFIG_NAME - 1);
	for (uint32_t i = 0; i < c->vm_count; i++) {
		if (span_is(name, c->vms[i].name))
			return FAIL(p,
				"[vm %s] is there already, in line %u; expected another name",
				c->vms[i].name, c->vms[i].line);
	}
	if (c->vm_count == CONFIG_VMS)
		return FAIL(p, "too many VMs; expected %u at most", CONFIG_VMS);
	p->vm = &c->vms[c->vm_count++];
	memcpy(p->vm->name, name.text, name.bytes);
	p->vm->memory_bytes = 64 * MIB;
	p->vm->storm_limit = CONFIG_STORM_LIMIT;
	p->vm->line = p->line;
	return OK;
}

static err_t begin_section(struct parser *p, struct span s)
{
	err_t err = config_check_vm(p);

	if (err)
		return err;
	p->vm = NULL;
	p->in_machine = false;
	p->seen = 0;
	p->priority_count = p->budget_count = 0;
	p->args_line = p->cmdline_line = p->pci_line = 0;
	p->type_line = p->load_line = p->entry_line = p->memory_line = p->timer_line = 0;
	if (s.text[s.bytes - 1] != ']')
		return FAIL(p, "']' is missing; expected [reveille] or [vm NAME]");
	s = span_trim((struct span){ s.text + 1, s.bytes - 2 });
	if (span_is(s, "reveille")) {
		if (p->had_machine)
			return FAIL(p, "[reveille] is there already; expected it once");
		p->in_machine = p->had_machine = true;
		return OK;
	}
	if (span_is(span_cut(&s, ' '), "vm"))
		return begin_vm(p, span_trim(s));
	return FAIL(p, "unknown section; expected [reveille] or [vm NAME]");
}

err_t config_bad_value(struct parser *p, const char *key, struct span value, const char *expected)
{
	return FAIL(p, "bad value '%.*s' for '%s'; expected %s", span_shown(value), value.text, key,
		expected);
}

err_t config_word(
	struct parser *p, const char *key, struct span value, const char *const words[], int *index)
{
	char expected[100];

	*index = value_word(value, words);
	if (*index >= 0)
		return OK;
	words_text(expected, sizeof(expected), words);
	return config_bad_value(p, key, value, expected);
}

static err_t unknown_key(struct parser *p, struct span name, const struct config_key *keys)
{
	const char *names[CONFIG_KEYS + 1] = { NULL };
	char expected[256];

	for (unsigned i = 0; keys[i].name; i++)
		names[i] = keys[i].name;
	words_text(expected, sizeof(expected), names);
	return FAIL(p, "unknown key '%.*s'; expected %s", span_shown(name), name.text, expected);
}

static err_t read_key(struct parser *p, struct span line)
{
	struct span value = line, name = span_trim(span_cut(&value, '='));
	const struct config_key *keys = p->vm ? config_vm_keys : config_machine_keys;

	if (name.bytes == line.bytes)
		return FAIL(p, "'%.*s' is no setting; expected key = value", span_shown(name),
			name.text);
	if (!p->vm && !p->in_machine)
		return FAIL(p,
			"'%.*s' is before the first section; expected [reveille] or "
			"[vm NAME]",
			span_shown(name), name.text);
	value = span_trim(value);
	for (unsigned i = 0; keys[i].name; i++) {
		if (!span_is(name, keys[i].name))
			continue;
		if (p->seen & 1u << i)
			return FAIL(p, "'%s' is there already; expected it once a section",
				keys[i].name);
		p->seen |= 1u << i;
		return keys[i].read(p, value);
	}
	return unknown_key(p, name, keys);
}

/* A comment starts the line or follows a blank: device#0 is none. */
static struct span without_comment(struct span line)
{
	for (size_t i = 0; i < line.bytes; i++) {
		if (line.text[i] == '#' &&
			(i == 0 || line.text[i - 1] == ' ' || line.text[i - 1] == '\t'))
			return (struct span){ line.text, i };
	}
	return line;
}

static err_t read_line(struct parser *p, struct span line)
{
	for (size_t i = 0; i < line.bytes; i++) {
		uint8_t c = (uint8_t)line.text[i];

		if ((c < ' ' && c != '\t' && c != '\r') || c >= 0x7f)
			return FAIL(p, "character %02xh in column %u; expected plain ASCII text", c,
				(unsigned)i + 1);
	}
	line = span_trim(without_comment(line));
	if (line.bytes == 0)
		return OK;
	return line.text[0] == '[' ? begin_section(p, line) : read_key(p, line);
}

err_t config_parse(
	struct config *config, const char *text, size_t bytes, struct config_error *error)
{
	struct parser p = { .config = config, .error = error };
	struct span rest = { text, bytes };

	memset(config, 0, sizeof(*config));
	memset(error, 0, sizeof(*error));
	config->log_level = LOG_INFO;
	config->console = (struct config_console){ 1, true };
	config->galog_entries = 512;
	config->gappi_own_vectors = 128;
	config->vf_service = true;
	/* The byte order mark that Windows editors write. */
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		rest = (struct span){ text + 3, bytes - 3 };
	while (rest.bytes) {
		p.line++;
		err_t err = read_line(&p, span_cut(&rest, '\n'));
		if (err)
			return err;
	}
	err_t err = config_check_vm(&p);

	return err ? err : config_check_file(&p);
}
