/* SPDX-License-Identifier: MIT */
#include "smp.h"
#include "base/lib.h"
#include "base/log.h"
#include "cpu.h"
#include "cpu_arch.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "drivers/lapic.h"
#include <hw/mem.h>
#include <hw/shared.h>

/* 24593 rev 3.44, "Multiprocessor Initialization" leaves the times open; these are the customary
 * ones, and the last is only how long we have patience. */
#define INIT_WAIT_US   10000
#define SIPI_WAIT_US   200
#define ONLINE_WAIT_US 500000

#define XAPIC_LAST_ID 254 /* FFh is everybody */

/* boot/ap_start.asm */
extern const uint8_t ap_start[];
extern const uint32_t ap_start_bytes, ap_start_params_at;
struct ap_params {
	uint64_t cr3, stack;
	struct cpu *cpu;
	void (*entry)(struct cpu *cpu);
};

static void (*released)(struct cpu *cpu); /* (shared) NULL: not yet */

/* The first C code of a started CPU. */
static _Noreturn void ap_main(struct cpu *cpu)
{
	void (*entry)(struct cpu * cpu);

	cpu_arch_init(cpu);
	lapic_init_cpu();
	shared_store32(&cpu->online, 1);
	/* The kick of cpu_release_all() can't be missed: it is taken inside cpu_sleep(). */
	while (!(entry = __atomic_load_n(&released, __ATOMIC_ACQUIRE)))
		cpu_sleep();
	hw_write_cr3(hw_read_cr3()); /* forget the identity map */
	entry(cpu);
	hw_stop();
}

void cpu_release_all(void (*entry)(struct cpu *cpu))
{
	__atomic_store_n(&released, entry, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < cpu_count(); i++)
		cpu_kick(cpu_by_index(i));
}

static bool comes_online(const struct cpu *cpu, uint64_t wait_us)
{
	uint64_t start = cpu_ticks(), ticks = clock_us_to_ticks(wait_us);

	while (!shared_load32(&cpu->online)) {
		if (cpu_ticks() - start > ticks)
			return false;
		cpu_pause();
	}
	return true;
}

static bool start(struct cpu *cpu, uint64_t low_page)
{
	uint8_t page = (uint8_t)(low_page / PAGE_BYTES);

	lapic_send_init(cpu->apicid);
	clock_delay_us(INIT_WAIT_US);
	lapic_send_sipi(cpu->apicid, page);
	if (comes_online(cpu, SIPI_WAIT_US))
		return true;
	lapic_send_sipi(cpu->apicid, page);
	if (comes_online(cpu, ONLINE_WAIT_US))
		return true;
	/* Back to waiting for a SIPI, so that it doesn't wander in later with the next one's
	 * stack. */
	lapic_send_init(cpu->apicid);
	return false;
}

static void prepare(const struct boot_info *boot, struct cpu *cpu)
{
	uint8_t *page = phys_to_virt(PHYS(boot->low_page));
	struct ap_params params = {
		.cr3 = boot->cr3,
		.stack = (uint64_t)cpu_stack_top(cpu->index),
		.cpu = cpu,
		.entry = ap_main,
	};

	memcpy(page, ap_start, ap_start_bytes);
	memcpy(page + ap_start_params_at, &params, sizeof(params));
}

void smp_start_others(const struct boot_info *boot, uint32_t limit)
{
	const struct acpi_info *info = acpi_info();

	for (uint32_t i = 0; i < info->cpu_count && cpu_count() < limit; i++) {
		apicid_t apicid = info->cpu[i];

		if (cpu_by_apicid(apicid))
			continue; /* this one */
		if (!lapic_x2apic() && apicid > XAPIC_LAST_ID) {
			log_warn("CPU with APIC ID %u can't be reached without x2APIC", apicid);
			continue;
		}
		struct cpu *cpu = cpu_next_slot(apicid);

		if (!cpu)
			return;
		prepare(boot, cpu);
		if (start(cpu, boot->low_page))
			cpu_add(cpu);
		else
			log_warn("CPU with APIC ID %u doesn't start; left out", apicid);
	}
}
