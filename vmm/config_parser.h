/* SPDX-License-Identifier: MIT */
/* Between config.c (lines, sections), config_machine.c and config_vm.c (what each key takes) and
 * config_check.c (what must fit together). */
#ifndef VMM_CONFIG_PARSER_H
#define VMM_CONFIG_PARSER_H

#include "config.h"
#include "config_values.h"
#include "base/lib.h"

struct parser {
	struct config *config;
	struct config_error *error;
	uint32_t line;
	struct vm_config *vm; /* the section we are in; NULL: [reveille] or none yet */
	bool in_machine;      /* in [reveille] */
	bool had_machine;
	uint32_t seen;           /* keys of this section, one bit each */
	uint32_t priority_count; /* as given; 0: not given */
	uint32_t priority_line;
	uint32_t budget_count, budget_line;         /* likewise */
	uint32_t args_line, cmdline_line, pci_line; /* 0: not given */
	uint32_t type_line, load_line, entry_line, memory_line, timer_line;
	uint32_t cpus_line[CONFIG_VMS];
};

struct config_key {
	const char *name;
	err_t (*read)(struct parser *p, struct span value);
};

/* The message, with the line we are at. */
#define FAIL(p, ...)                                                                               \
	(fmt_text((p)->error->text, sizeof((p)->error->text), __VA_ARGS__),                        \
		(p)->error->line = (p)->line, ERR_INVALID)

/* Both end with a NULL name. A new key is a line in one of these tables, a member of struct config
 * or vm_config, and a line in config.h and docs/config.md. */
#define CONFIG_KEYS 32 /* in a section, at most: bits of parser.seen */
extern const struct config_key config_machine_keys[], config_vm_keys[];

/* "bad value 'VALUE' for 'KEY'; expected EXPECTED" */
err_t config_bad_value(
	struct parser *p, const char *key, struct span value, const char *expected) MUST_USE;
/* *index of the value in a NULL-terminated list of words; what was expected is made of them. */
err_t config_word(struct parser *p, const char *key, struct span value, const char *const words[],
	int *index) MUST_USE;

/* config_budget.c */
err_t config_read_budget(struct parser *p, struct span value) MUST_USE;

/* config_check.c: at the end of a [vm], what it must have and what must fit together; at the end of
 * the file, what must fit between VMs. */
err_t config_check_vm(struct parser *p) MUST_USE;
err_t config_check_file(struct parser *p) MUST_USE;

#endif
