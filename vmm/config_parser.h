/* SPDX-License-Identifier: MIT */
/* Between config.c (lines, sections) and config_keys.c (what each key takes). */
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

/* Both end with a NULL name. Those a [vm] can't do without come first. */
enum { KEY_GUEST, KEY_CPUS, KEYS_REQUIRED };
extern const struct config_key config_machine_keys[], config_vm_keys[];

#define CONFIG_MACHINE_KEYS_TEXT "log, galog-entries, gappi-own-vectors or cpus"
#define CONFIG_VM_KEYS_TEXT                                                                        \
	"guest, args, memory, cpus, priority, apic, delivery, halt, devices or control"

#endif
