/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "config.h"
#include "base/lib.h"

bool config_load(struct boot_info *info)
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
		return false;
	}
	/* The VMM parses the text again: this copy is only for the check. */
	struct config *config =
		(struct config *)firmware_pages(sizeof(*config) / PAGE_BYTES + 1, UINT64_MAX);

	if (!config) {
		console_write("Reveille: no memory left by the firmware\n");
		return false;
	}
	if (config_parse(config, text, bytes, &error)) {
		if (error.line)
			console_print(CONFIG_FILE_TEXT ":%u: %s\n", error.line, error.text);
		else
			console_print(CONFIG_FILE_TEXT ": %s\n", error.text);
		return false;
	}
	struct boot_file *f = &info->files[info->file_count++];

	fmt_text(f->name, sizeof(f->name), "%s", "reveille.cfg");
	f->base = (uint64_t)text;
	f->bytes = bytes;
	return true;
}
