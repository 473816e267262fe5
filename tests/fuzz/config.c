/* SPDX-License-Identifier: MIT */
/*
 * The configuration parser with any bytes: clang -g -fsanitize=fuzzer,address,undefined
 * -Itests/host -Ivmm -I. tests/fuzz/config.c vmm/config*.c vmm/base/lib.c
 */
#include <stdlib.h>
#include <string.h>
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_vm(const struct vm_config *vm)
{
	if (!vm->name[0] || memchr(vm->name, 0, CONFIG_NAME) == NULL ||
		memchr(vm->args, 0, CONFIG_ARGS) == NULL ||
		memchr(vm->cmdline, 0, CONFIG_CMDLINE) == NULL ||
		memchr(vm->kernel.path, 0, CONFIG_PATH) == NULL ||
		memchr(vm->initrd.path, 0, CONFIG_PATH) == NULL ||
		vm->builtin == !!vm->kernel.path[0] || vm->vcpu_count == 0 ||
		vm->vcpu_count > CONFIG_VCPUS || vm->device_count > CONFIG_DEVICES ||
		vm->memory_bytes % (2 * MIB) || vm->memory_bytes < 4 * MIB ||
		vm->memory_bytes > 256 * GIB ||
		(vm->pci == PCI_DIRECT && vm->memory_bytes > 2 * GIB))
		abort();
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		if ((vm->pcpu[i] >= CONFIG_CPUS && vm->pcpu[i] != CONFIG_CPU_ANY) ||
			vm->priority[i] >= CONFIG_PRIORITIES)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct config config;
	struct config_error error;
	char *text = malloc(bytes); /* of its own, so that one byte too far is found */

	if (bytes)
		memcpy(text, data, bytes);
	err_t err = config_parse(&config, text, bytes, &error);

	if (err && (!error.text[0] || !strstr(error.text, "expected")))
		abort();
	for (uint32_t i = 0; !err && i < config.vm_count; i++)
		check_vm(&config.vms[i]);
	config_place(&config, 3);
	free(text);
	return 0;
}
