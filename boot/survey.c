/* SPDX-License-Identifier: MIT */
/* A reveille.cfg without a VM: what this machine has is printed and, if asked, written into a file,
 * while there is still firmware to do so. Nothing is taken over. */
#include "boot.h"
#include "config.h"
#include "base/check.h"
#include "base/lib.h"
#include "base/log.h"
#include "drivers/pci_access.h"
#include "survey/survey.h"
#include <hw/cpu.h>

#define TEXT_PAGES  64
#define SURVEY_FILE "\\reveille\\survey.cfg"

/* Firmware goes on using the devices: they keep decoding. */
void pci_size_bars(struct pci_device *d)
{
	(void)d;
}

/* What the parsers of firmware's tables have to say. */
void log_line(enum log_level level, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (level > LOG_WARN)
		return;
	va_start(ap, fmt);
	fmt_textv(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_print("%s\n", line);
}

/* A CHECK that failed: our own mistake. */
_Noreturn void panic(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	fmt_textv(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_print("PANIC: %s\n", line);
	for (;;)
		cpu_pause();
}

/* Appends from as comments. */
static void add_comments(struct survey_text *to, const struct survey_text *from)
{
	for (size_t at = 0; at < from->used;) {
		size_t end = at;

		while (end < from->used && from->text[end] != '\n')
			end++;
		survey_add(to, "# %.*s\n", (int)(end - at), from->text + at);
		at = end + 1;
	}
}

static bool new_text(struct survey_text *t)
{
	t->text = (char *)firmware_pages(TEXT_PAGES, UINT64_MAX);
	t->bytes = TEXT_PAGES * PAGE_BYTES;
	t->used = 0;
	return t->text;
}

static void write_file(const struct survey_text *facts, const struct survey_text *cfg)
{
	struct survey_text file;
	const char *why = "there is no memory left";

	if (new_text(&file)) {
		add_comments(&file, facts);
		survey_add(&file, "%s", cfg->text);
		if (firmware_write_file(L"" SURVEY_FILE, file.text, file.used, &why)) {
			console_print("Written to " SURVEY_FILE ": check it and rename it to "
				      "reveille.cfg.\n");
			return;
		}
	}
	console_print(SURVEY_FILE " was not written: %s\n", why);
}

const char *survey_machine(const struct config *config, uint64_t rsdp)
{
	struct survey *s = (struct survey *)firmware_pages(sizeof(*s) / PAGE_BYTES + 1, UINT64_MAX);
	struct survey_text facts, cfg;

	if (!s || !new_text(&facts) || !new_text(&cfg))
		return "no memory left by the firmware";
	const char *why = survey_gather(s, rsdp);

	if (why)
		return why;
	survey_show(s, &facts);
	survey_obstacles(s, &facts);
	survey_config(s, &cfg);
	console_write("Reveille: " CONFIG_FILE_TEXT " has no VM, so this machine is surveyed.\n");
	console_write(facts.text);
	console_write("---- a configuration to start from ----\n");
	console_write(cfg.text);
	console_write("---- end ----\n");
	if (config->survey == SURVEY_WRITE)
		write_file(&facts, &cfg);
	return NULL;
}
