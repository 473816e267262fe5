/* SPDX-License-Identifier: MIT */
/*
 * The configuration's parser on a workstation: the very files that boot/ and the VMM have.
 *   check FILE  says what is wrong, with the line, and whether the files that it names are there
 *   files FILE  their names, one a line
 * Exit status: 0 fine, 1 not fine, 2 wrong usage or FILE can't be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"

#define FILE_MAX (1 << 20) /* a configuration is a page of text */

static struct config config;

/* Terminated; NULL: already reported. */
static char *read_file(const char *name, size_t *bytes)
{
	FILE *file = fopen(name, "rb");
	char *text = malloc(FILE_MAX);

	if (!file || !text) {
		perror(name);
		free(text);
		if (file)
			fclose(file);
		return NULL;
	}
	*bytes = fread(text, 1, FILE_MAX, file);
	bool good = !ferror(file) && feof(file);

	fclose(file);
	if (good)
		return text;
	fprintf(stderr, "%s: can't be read, or has more than %d bytes\n", name, FILE_MAX);
	free(text);
	return NULL;
}

static bool is_there(const char *config_name, const struct config_file *wanted)
{
	const char *slash = strrchr(config_name, '/');
	int folder = slash ? (int)(slash - config_name) + 1 : 0;
	char path[4096];

	snprintf(path, sizeof(path), "%.*s%s", folder, config_name, wanted->path);
	FILE *file = fopen(path, "rb");
	/* A folder can be opened, but not read. */
	bool good = file && fgetc(file) != EOF;

	if (file)
		fclose(file);
	if (!good)
		printf("%s:%u: '%s' is missing or empty; expected a file beside this one\n",
			config_name, wanted->line, wanted->path);
	return good;
}

/* Of all VMs, each once. */
static uint32_t named_files(const struct config_file *files[CONFIG_FILES])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < 2 * config.vm_count; i++) {
		const struct vm_config *vm = &config.vms[i / 2];
		const struct config_file *file = i % 2 ? &vm->initrd : &vm->kernel;
		bool known = !file->path[0];

		for (uint32_t k = 0; k < count; k++)
			known |= strcmp(files[k]->path, file->path) == 0;
		if (!known)
			files[count++] = file;
	}
	return count;
}

static int usage(void)
{
	fputs("usage: reveille-cfg check FILE | reveille-cfg files FILE\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const struct config_file *files[CONFIG_FILES];
	struct config_error error;
	size_t bytes;

	if (argc != 3 || (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "files") != 0))
		return usage();
	const bool check = strcmp(argv[1], "check") == 0;
	char *text = read_file(argv[2], &bytes);

	if (!text)
		return 2;
	err_t err = config_parse(&config, text, bytes, &error);

	free(text);
	FILE *out = check ? stdout : stderr;

	if (err && error.line)
		fprintf(out, "%s:%u: %s\n", argv[2], error.line, error.text);
	else if (err)
		fprintf(out, "%s: %s\n", argv[2], error.text);
	if (err)
		return 1;
	uint32_t count = named_files(files);
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		if (check)
			good &= is_there(argv[2], files[i]);
		else
			puts(files[i]->path);
	}
	if (check && good && !config.vm_count)
		printf("%s: fine: no VM, so the machine is surveyed\n", argv[2]);
	else if (check && good)
		printf("%s: fine: %u VMs, %u files\n", argv[2], config.vm_count, count);
	return good ? 0 : 1;
}
