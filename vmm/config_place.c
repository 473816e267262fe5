/* SPDX-License-Identifier: MIT */
/* cpus = any. */
#include "config.h"

#define NATIVE_WEIGHT 1000 /* more than all vCPUs that a pCPU may have otherwise count */

static void count(const struct config *config, uint32_t load[CONFIG_CPUS])
{
	for (uint32_t v = 0; v < config->vm_count; v++) {
		const struct vm_config *vm = &config->vms[v];

		for (uint32_t i = 0; i < vm->vcpu_count; i++) {
			if (vm->pcpu[i] < CONFIG_CPUS)
				load[vm->pcpu[i]] += vm->halt == HALT_NATIVE ? NATIVE_WEIGHT : 1;
		}
	}
}

static uint8_t least(const uint32_t load[CONFIG_CPUS], uint32_t cpu_count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < cpu_count && i < CONFIG_CPUS; i++) {
		if (load[i] < load[best])
			best = i;
	}
	return (uint8_t)best;
}

void config_place(struct config *config, uint32_t cpu_count)
{
	uint32_t load[CONFIG_CPUS] = { 0 };

	count(config, load);
	for (uint32_t v = 0; v < config->vm_count; v++) {
		struct vm_config *vm = &config->vms[v];

		for (uint32_t i = 0; i < vm->vcpu_count; i++) {
			if (vm->pcpu[i] != CONFIG_CPU_ANY)
				continue;
			vm->pcpu[i] = least(load, cpu_count);
			load[vm->pcpu[i]] += vm->halt == HALT_NATIVE ? NATIVE_WEIGHT : 1;
		}
	}
}
