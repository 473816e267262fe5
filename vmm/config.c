/* SPDX-License-Identifier: MIT */
/*
 * Lines and sections. A line is a section header or "key = value"; each key has a function that
 * reads its value (config_keys.c). What needs the whole section (as many priorities as CPUs), or
 * the whole file (two VMs that want one device), is checked where that ends.
 */
#include "config_parser.h"
#include "base/lib.h"
#include "base/log.h"

/* End of a section: what it must have, and what must fit together. */
static err_t end_section(struct parser *p)
{
	struct vm_config *vm = p->vm;

	if (!vm)
		return OK;
	for (unsigned i = KEY_GUEST; i < KEYS_REQUIRED; i++) {
		if (p->seen & 1u << i)
			continue;
		p->line = vm->line;
		return FAIL(p, "[vm %s] has no '%s'; expected %s", vm->name, config_vm_keys[i].name,
			i == KEY_GUEST ? "guest = builtin"
				       : "cpus = the CPU of each vCPU, like 0, 1");
	}
	if (p->priority_count == 1) {
		memset(vm->priority, vm->priority[0], vm->vcpu_count);
	} else if (p->priority_count && p->priority_count != vm->vcpu_count) {
		p->line = p->priority_line;
		return FAIL(p, "%u priorities for %u vCPUs; expected one for all, or one for each",
			p->priority_count, vm->vcpu_count);
	}
	return OK;
}

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
	p->vm->line = p->line;
	return OK;
}

static err_t begin_section(struct parser *p, struct span s)
{
	err_t err = end_section(p);

	if (err)
		return err;
	p->vm = NULL;
	p->in_machine = false;
	p->seen = 0;
	p->priority_count = 0;
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
	return FAIL(p, "unknown key '%.*s'; expected %s", span_shown(name), name.text,
		p->vm ? CONFIG_VM_KEYS_TEXT : CONFIG_MACHINE_KEYS_TEXT);
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

static bool same_device(const struct config_device *a, const struct config_device *b)
{
	if (a->by_id != b->by_id)
		return false; /* only the machine knows; vm_create() looks again */
	return a->by_id ? a->vendor == b->vendor && a->device == b->device && a->index == b->index
			: a->bdf == b->bdf;
}

/* The owner of an earlier mention of d, or NULL. */
static const struct vm_config *claimed_before(const struct config *c, const struct config_device *d)
{
	for (uint32_t v = 0; v < c->vm_count; v++) {
		for (uint32_t i = 0; i < c->vms[v].device_count; i++) {
			if (&c->vms[v].devices[i] == d)
				return NULL;
			if (same_device(&c->vms[v].devices[i], d))
				return &c->vms[v];
		}
	}
	return NULL;
}

static err_t check_devices(struct parser *p, const struct vm_config *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		const struct config_device *d = &vm->devices[i];
		const struct vm_config *other = claimed_before(p->config, d);

		p->line = d->line;
		if (other && d->by_id)
			return FAIL(p,
				"device %04x:%04x#%u belongs to [vm %s] already; expected "
				"each device once",
				d->vendor, d->device, d->index, other->name);
		if (other)
			return FAIL(p,
				"device %02x:%02x.%u belongs to [vm %s] already; expected "
				"each device once",
				d->bdf >> 8, d->bdf >> 3 & 0x1f, d->bdf & 7u, other->name);
	}
	return OK;
}

static err_t check_file(struct parser *p)
{
	struct config *c = p->config;

	if (c->vm_count == 0)
		return FAIL(p, "no VM in the file; expected a section [vm NAME]");
	for (uint32_t v = 0; v < c->vm_count; v++) {
		const struct vm_config *vm = &c->vms[v];
		err_t err = check_devices(p, vm);

		if (err)
			return err;
		for (uint32_t i = 0; c->cpu_count && i < vm->vcpu_count; i++) {
			p->line = p->cpus_line[v];
			if (vm->pcpu[i] >= c->cpu_count)
				return FAIL(p,
					"vCPU %u on CPU %u, but [reveille] has cpus = %u; "
					"expected 0 to %u",
					i, vm->pcpu[i], c->cpu_count, c->cpu_count - 1);
		}
	}
	return OK;
}

err_t config_parse(
	struct config *config, const char *text, size_t bytes, struct config_error *error)
{
	struct parser p = { .config = config, .error = error };
	struct span rest = { text, bytes };

	memset(config, 0, sizeof(*config));
	memset(error, 0, sizeof(*error));
	config->log_level = LOG_INFO;
	config->galog_entries = 512;
	config->gappi_own_vectors = 128;
	/* The byte order mark that Windows editors write. */
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		rest = (struct span){ text + 3, bytes - 3 };
	while (rest.bytes) {
		p.line++;
		err_t err = read_line(&p, span_cut(&rest, '\n'));
		if (err)
			return err;
	}
	err_t err = end_section(&p);

	return err ? err : check_file(&p);
}
