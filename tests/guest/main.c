/* SPDX-License-Identifier: MIT */
/* The built-in guest: the first word of its arguments selects a program. */
#include "guest.h"
#include "trap.h"

void guest_main(uint32_t index);

static const struct {
	const char *name;
	void (*run)(uint32_t index);
} programs[] = {
	{ "bench", program_bench },
	{ "exits", program_exits },
	{ "fpu", program_fpu },
	{ "echo", program_echo },
	{ "hello", program_hello },
	{ "irq", program_irq },
	{ "halt", program_halt },
	{ "ipi", program_ipi },
	{ "apic-modes", program_apic_modes },
	{ "tpr", program_tpr },
	{ "level", program_level },
	{ "intx", program_intx },
	{ "soak", program_soak },
	{ "soak-victim", program_soak_victim },
	{ "pci", program_pci },
	{ "scrub", program_scrub },
	{ "wreck", program_wreck },
	{ "high", program_high },
	{ "timer", program_timer },
	{ "greedy", program_greedy },
	{ "asleep", program_asleep },
	{ "latency", program_latency },
	{ "share", program_share },
	{ "scan", program_scan },
	{ "foreign", program_foreign },
	{ "startup-storm", program_startup_storm },
	{ "neighbour", program_neighbour },
	{ "storm", program_storm },
	{ "bystander", program_bystander },
	{ "forge", program_forge },
	{ "migrate", program_migrate },
	{ "switch", program_switch },
	{ "dma-outside", program_dma },
	{ "copies", program_copies },
	{ "bad-msr", program_bad_msr },
	{ "triple-fault", program_triple_fault },
	{ "touch-foreign-memory", program_touch_memory },
	{ "touch-foreign-mmio", program_touch_mmio },
};

void guest_main(uint32_t index)
{
	const struct guest_info *info = guest_info();

	trap_init(index);
	if (info->magic != GUEST_INFO_MAGIC)
		test_end("guest-info", false);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (args_program(programs[i].name)) {
			programs[i].run(index);
			vcpu_park_forever();
		}
	}
	if (index == 0) {
		print("guest: no program named by \"%s\"\n", info->args);
		test_end("arguments", false);
	}
	vcpu_park_forever();
}
