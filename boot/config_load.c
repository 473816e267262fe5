/* SPDX-License-Identifier: MIT */
/* reveille.cfg and the files that it names, while there is still firmware to return to. */
#include "boot.h"
#include "config.h"
#include "base/lib.h"

#define FOLDER      "\\reveille\\"
#define LARGE_BYTES (4 * MIB) /* what takes so long that somebody wonders */

_Static_assert(BOOT_NAME_BYTES == CONFIG_PATH, "a file keeps the name that the configuration has");
_Static_assert(BOOT_FILES == CONFIG_FILES + 1, "all files of all VMs, and reveille.cfg");

static void add(struct boot_info *info, const char *name, const void *data, uint64_t bytes)
{
	struct boot_file *f = &info->files[info->file_count++];

	fmt_text(f->name, sizeof(f->name), "%s", name);
	f->base = (uint64_t)data;
	f->bytes = bytes;
}

static void firmware_path(CHAR16 *to, const char *name)
{
	for (const char *c = FOLDER; *c; c++)
		*to++ = (CHAR16)*c;
	for (; *name; name++)
		*to++ = (CHAR16)(*name == '/' ? '\\' : *name);
	*to = 0;
}

static bool load_file(struct boot_info *info, const struct config_file *wanted)
{
	CHAR16 path[sizeof(FOLDER) + CONFIG_PATH];
	uint64_t bytes = 0;
	const char *why;

	if (!wanted->path[0])
		return true;
	for (uint32_t i = 1; i < info->file_count; i++) {
		if (strcmp(info->files[i].name, wanted->path) == 0)
			return true;
	}
	firmware_path(path, wanted->path);
	if (firmware_file_size(path, &bytes, &why) && bytes >= LARGE_BYTES)
		console_print("Reveille: loading %s, %llu MiB\n", wanted->path,
			(unsigned long long)(bytes / MIB));
	void *data = firmware_read_file(path, &bytes, &why);

	if (!data) {
		console_print(CONFIG_FILE_TEXT
			":%u: '%s' %s; expected a file in the folder \\reveille of the volume "
			"that Reveille was started from\n",
			wanted->line, wanted->path, why);
		return false;
	}
	add(info, wanted->path, data, bytes);
	return true;
}

static bool load_files(struct boot_info *info, const struct config *config)
{
	for (uint32_t v = 0; v < config->vm_count; v++) {
		const struct vm_config *vm = &config->vms[v];

		if (!load_file(info, &vm->kernel) || !load_file(info, &vm->initrd))
			return false;
	}
	return true;
}

const struct config *config_load(struct boot_info *info)
{
	struct config_error error;
	uint64_t bytes = 0;
	const char *why;
	char *text = firmware_read_file(L"\\reveille\\reveille.cfg", &bytes, &why);

	if (!text) {
		console_print(CONFIG_FILE_TEXT
			" %s: expected a text file of that name on the volume that Reveille was "
			"started from, with at least\n"
			"  [vm NAME]\n  guest = builtin\n  cpus = 0\n",
			why);
		return NULL;
	}
	/* The VMM parses the text again: this copy is only for the check and the names. */
	struct config *config =
		(struct config *)firmware_pages(sizeof(*config) / PAGE_BYTES + 1, UINT64_MAX);

	if (!config) {
		console_write("Reveille: no memory left by the firmware\n");
		return NULL;
	}
	if (config_parse(config, text, bytes, &error)) {
		if (error.line)
			console_print(CONFIG_FILE_TEXT ":%u: %s\n", error.line, error.text);
		else
			console_print(CONFIG_FILE_TEXT ": %s\n", error.text);
		return NULL;
	}
	add(info, "reveille.cfg", text, bytes);
	info->traced = config->trace_entries != 0;
	return load_files(info, config) ? config : NULL;
}
