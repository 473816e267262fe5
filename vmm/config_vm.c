/* SPDX-License-Identifier: MIT */
/* The keys of [vm NAME]: how each value is read, and what a bad one should have been. */
#include "config_parser.h"

static err_t read_guest(struct parser *p, struct span value)
{
	if (!span_is(value, "builtin"))
		return config_bad_value(p, "guest", value, "builtin, or kernel = FILE instead");
	p->vm->builtin = true;
	return OK;
}

static err_t read_file(
	struct parser *p, const char *key, struct span value, struct config_file *file)
{
	if (!value_path(value, file->path, sizeof(file->path)))
		return config_bad_value(p, key, value,
			"a file in the folder of reveille.cfg or below it, like debian/vmlinuz, of "
			"letters, digits and . _ + ~ -, 63 characters at most");
	file->line = p->line;
	return OK;
}

static err_t read_kernel(struct parser *p, struct span value)
{
	return read_file(p, "kernel", value, &p->vm->kernel);
}

static err_t read_initrd(struct parser *p, struct span value)
{
	return read_file(p, "initrd", value, &p->vm->initrd);
}

static err_t read_text(
	struct parser *p, const char *key, struct span value, char *text, size_t bytes)
{
	if (value.bytes >= bytes)
		return FAIL(p, "'%s' is %u characters long; expected %u at most", key,
			(unsigned)value.bytes, (unsigned)bytes - 1);
	memcpy(text, value.text, value.bytes);
	return OK;
}

static err_t read_cmdline(struct parser *p, struct span value)
{
	p->cmdline_line = p->line;
	return read_text(p, "cmdline", value, p->vm->cmdline, sizeof(p->vm->cmdline));
}

static err_t read_kernel_type(struct parser *p, struct span value)
{
	static const char *const words[] = { [KERNEL_AUTO] = "auto",
		[KERNEL_LINUX] = "linux",
		[KERNEL_MULTIBOOT] = "multiboot",
		[KERNEL_FLAT] = "flat",
		[KERNEL_FLAT_REAL] = "flat-real",
		NULL };
	int word;
	err_t err = config_word(p, "kernel-type", value, words, &word);

	if (!err)
		p->vm->kernel_type = (enum kernel_type)word;
	p->type_line = p->line;
	return err;
}

static err_t read_address(
	struct parser *p, const char *key, struct span value, uint32_t *address, uint32_t *line)
{
	*line = p->line;
	if (value_address(value, address))
		return OK;
	return config_bad_value(p, key, value, "an address below 4G, like 0x7c00 or 1M");
}

static err_t read_load_at(struct parser *p, struct span value)
{
	return read_address(p, "load-at", value, &p->vm->load_at, &p->load_line);
}

static err_t read_entry(struct parser *p, struct span value)
{
	return read_address(p, "entry", value, &p->vm->entry, &p->entry_line);
}

static err_t read_args(struct parser *p, struct span value)
{
	p->args_line = p->line;
	return read_text(p, "args", value, p->vm->args, sizeof(p->vm->args));
}

static err_t read_memory(struct parser *p, struct span value)
{
	uint64_t bytes;

	p->memory_line = p->line;
	if (!value_bytes(value, &bytes) || bytes < 4 * MIB || bytes > CONFIG_MEMORY_MOST ||
		bytes % (2 * MIB))
		return config_bad_value(
			p, "memory", value, "4M to 256G, a multiple of 2M, like 64M");
	p->vm->memory_bytes = bytes;
	return OK;
}

static err_t read_cpus(struct parser *p, struct span value)
{
	uint32_t n =
		value_list(value, p->vm->pcpu, CONFIG_VCPUS, CONFIG_CPUS - 1, LIST_NUMBERS_OR_ANY);

	if (n == 0)
		return config_bad_value(p, "cpus", value,
			"CPU numbers 0 to 63 or any, like '0, 1' or '64*0', 128 at most");
	p->vm->vcpu_count = n;
	p->cpus_line[p->config->vm_count - 1] = p->line;
	return OK;
}

static err_t read_priority(struct parser *p, struct span value)
{
	uint32_t n = value_list(
		value, p->vm->priority, CONFIG_VCPUS, CONFIG_PRIORITIES - 1, LIST_NUMBERS);

	if (n == 0)
		return config_bad_value(p, "priority", value,
			"priorities 0 (low) to 7, like '2, 1' or '64*2', 128 at most");
	p->priority_count = n;
	p->priority_line = p->line;
	return OK;
}

static err_t read_apic(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[APIC_X2APIC] = "x2apic", [APIC_XAPIC] = "xapic", [APIC_AUTO] = "auto", NULL
	};
	int word;
	err_t err = config_word(p, "apic", value, words, &word);

	if (!err)
		p->vm->apic = (enum apic_mode)word;
	return err;
}

static err_t read_delivery(struct parser *p, struct span value)
{
	static const char *const words[] = { [DELIVERY_AUTO] = "auto",
		[DELIVERY_EMULATED] = "emulated",
		[DELIVERY_POSTED] = "posted",
		NULL };
	int word;
	err_t err = config_word(p, "delivery", value, words, &word);

	if (!err)
		p->vm->delivery = (enum delivery_mode)word;
	return err;
}

static err_t read_halt(struct parser *p, struct span value)
{
	static const char *const words[] = { [HALT_AUTO] = "auto",
		[HALT_NATIVE] = "native",
		[HALT_GALOG] = "galog",
		[HALT_GAPPI] = "gappi",
		[HALT_GAPPI_SHARED] = "gappi-shared",
		NULL };
	int word;
	err_t err = config_word(p, "halt", value, words, &word);

	if (!err)
		p->vm->halt = (enum halt_mode)word;
	return err;
}

static err_t read_pci(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[PCI_DIRECT] = "direct", [PCI_VIRTUAL] = "virtual", NULL
	};
	int word;
	err_t err = config_word(p, "pci", value, words, &word);

	if (!err)
		p->vm->pci = (enum pci_mode)word;
	p->pci_line = p->line;
	return err;
}

static err_t read_timer(struct parser *p, struct span value)
{
	static const char *const words[] = { [TIMER_APIC] = "apic", [TIMER_HPET] = "hpet", NULL };
	int word;
	err_t err = config_word(p, "timer", value, words, &word);

	if (!err)
		p->vm->timer = (enum guest_timer)word;
	p->timer_line = p->line;
	return err;
}

static err_t read_yes(struct parser *p, const char *key, struct span value, bool *yes)
{
	static const char *const words[] = { "no", "yes", NULL };
	int word;
	err_t err = config_word(p, key, value, words, &word);

	if (!err)
		*yes = word;
	return err;
}

static err_t read_storm_limit(struct parser *p, struct span value)
{
	uint64_t n;

	if (!value_number(value, 0, CONFIG_STORM_LIMIT_MAX, &n) ||
		(n && n < CONFIG_STORM_LIMIT_MIN))
		return config_bad_value(p, "storm-limit", value,
			"host interrupts a second, 100 to 10000000, or 0 for no bound");
	p->vm->storm_limit = (uint32_t)n;
	return OK;
}

static err_t read_control(struct parser *p, struct span value)
{
	return read_yes(p, "control", value, &p->vm->control);
}

static err_t read_rom(struct parser *p, struct span value)
{
	return read_yes(p, "rom", value, &p->vm->rom);
}

static err_t read_console(struct parser *p, struct span value)
{
	static const char *const words[] = {
		[VM_CONSOLE_UART] = "uart", [VM_CONSOLE_NONE] = "none", NULL
	};
	int word;
	err_t err = config_word(p, "console", value, words, &word);

	if (!err)
		p->vm->console = (enum vm_console)word;
	return err;
}

static err_t read_restart(struct parser *p, struct span value)
{
	static const char *const words[] = { [RESTART_NEVER] = "never",
		[RESTART_ON_RESET] = "on-reset",
		[RESTART_ON_FAILURE] = "on-failure",
		[RESTART_ALWAYS] = "always",
		NULL };
	int word;
	err_t err = config_word(p, "restart", value, words, &word);

	if (!err)
		p->vm->restart = (enum restart_policy)word;
	return err;
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
			return config_bad_value(p, "devices", one,
				"bus:device.function like 00:03.0, vendor:device#index like "
				"8086:10c9#0, or a path like pci/00:1c.0/00.0");
		d->line = p->line;
		p->vm->device_count++;
	} while (value.bytes);
	return OK;
}

/* "00:05.0@21" */
static bool intx(struct span s, struct config_intx *i)
{
	struct span device = span_cut(&s, '@');
	uint64_t gsi = CONFIG_GSI_NONE;

	if (!span_is(s, "none") && !value_number(s, 0, CONFIG_GSIS - 1, &gsi))
		return false;
	i->gsi = (uint32_t)gsi;
	return value_device(device, &i->device);
}

static err_t read_intx(struct parser *p, struct span value)
{
	do {
		struct span one = span_trim(span_cut(&value, ','));

		if (p->vm->intx_count == CONFIG_DEVICES)
			return FAIL(p, "too many pins; expected %u at most", CONFIG_DEVICES);
		if (!intx(one, &p->vm->intx[p->vm->intx_count]))
			return config_bad_value(
				p, "intx", one, "DEVICE@GSI like 00:05.0@21, or DEVICE@none");
		p->vm->intx[p->vm->intx_count++].device.line = p->line;
	} while (value.bytes);
	return OK;
}

const struct config_key config_vm_keys[] = {
	{ "guest", read_guest },
	{ "args", read_args },
	{ "kernel", read_kernel },
	{ "initrd", read_initrd },
	{ "cmdline", read_cmdline },
	{ "kernel-type", read_kernel_type },
	{ "load-at", read_load_at },
	{ "entry", read_entry },
	{ "memory", read_memory },
	{ "cpus", read_cpus },
	{ "priority", read_priority },
	{ "budget", config_read_budget },
	{ "apic", read_apic },
	{ "delivery", read_delivery },
	{ "halt", read_halt },
	{ "devices", read_devices },
	{ "intx", read_intx },
	{ "pci", read_pci },
	{ "timer", read_timer },
	{ "console", read_console },
	{ "restart", read_restart },
	{ "rom", read_rom },
	{ "control", read_control },
	{ "storm-limit", read_storm_limit },
	{ NULL, NULL },
};

_Static_assert(ARRAY_COUNT(config_vm_keys) <= CONFIG_KEYS, "parser.seen has a bit for each");
