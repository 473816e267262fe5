// SPDX-License-Identifier: MIT
/* The order in which everything comes up: one function, no sections, no priorities. */
#include "main.h"

#include "base/check.h"
#include "base/log.h"
#include "config.h"
#include "cpu.h"
#include "device_find.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "drivers/fbcon.h"
#include "drivers/igb_pf.h"
#include "drivers/ioapic.h"
#include "drivers/lapic.h"
#include "drivers/pci.h"
#include "drivers/rtc.h"
#include "drivers/uart.h"
#include "guest/place.h"
#include "iommu/iommu.h"
#include "iommu/ivrs.h"
#include "page.h"
#include "sched.h"
#include "svm/fpu.h"
#include "svm/svm.h"
#include "trace_ring.h"
#include "vectors.h"
#include "vm.h"
#include "wake.h"
#include <hw/mem.h>
#include <hw/shared.h>

uint64_t vmm_image_offset;

static struct config config;
static uint32_t cpus_ready;

/* The platform can't do it: say so in a sentence that a user can act on, and stop. */
static _Noreturn void stop(const char *sentence)
{
	log_error("Reveille stops: %s", sentence);
	cpu_stop_others();
	for (;;)
		cpu_sleep();
}

static void open_console(const struct boot_info *boot)
{
	/* Both until the configuration is read: what is wrong with it shall be seen. */
	log_add_sink(uart_write);
	log_add_sink(fbcon_write);
	uart_init(1);
	fbcon_init(&boot->fb);
	log_info("Reveille: a hypervisor for AMD SVM, AVIC and the AMD IOMMU");
}

/* boot/ parsed it already, with the firmware still there to return to. */
static void read_config(const struct boot_info *boot)
{
	struct config_error error;
	const struct boot_file *file = &boot->files[0];

	if (!boot->file_count)
		stop("the loader handed over no reveille.cfg");
	if (config_parse(&config, phys_to_virt(PHYS(file->base)), file->bytes, &error)) {
		log_error("%s:%u: %s", file->name, error.line, error.text);
		stop("its configuration file is not valid");
	}
	log_set_level((enum log_level)config.log_level);
	if (!config.console.screen)
		fbcon_close();
	if (config.console.com != 1 && !uart_init(config.console.com) && config.console.com)
		log_warn("console: there is no com%u", config.console.com);
}

static void bring_up_platform(const struct boot_info *boot)
{
	page_init(boot);
	if (acpi_init(boot->rsdp))
		stop("the firmware's ACPI tables can't be read");
	lapic_init_cpu();
	clock_init();
	rtc_init();
	if (pci_init())
		stop("no PCI configuration access: neither MCFG nor ports CF8h/CFCh");
	ioapic_mask_all();
	log_info("memory: %llu MiB free; CPUs: %u; TSC: %lu ticks/us; PCI devices: %u",
		page_free_count() * PAGE_BYTES / MIB, cpu_init_all(boot, config.cpu_count),
		clock_ticks_per_us(), pci_count());
}

/* Who owns a virtual function gets no packets without it, unless its driver needs nobody's help. */
static void serve_vfs(const struct pci_device *pf)
{
	const char *why;

	if (config.vf_service && igb_pf_start(pf, &why))
		log_warn("device %02x:%02x.%x: the drivers of its virtual functions get no answer: "
			 "%s",
			pf->id >> 8, pf->id >> 3 & 31, pf->id & 7, why);
}

/* Before any device is looked for: virtual functions are devices like others. */
static void enable_vfs(void)
{
	for (uint32_t i = 0; i < config.vfs_count; i++) {
		const struct config_vfs *v = &config.vfs[i];
		struct pci_device *pf = device_find(&v->pf);
		const char *why = "there is no such PCI device";

		if (!pf || pci_enable_vfs(pf, v->count, &why)) {
			log_error("reveille.cfg:%u: no virtual functions: %s", v->pf.line, why);
			continue;
		}
		log_info("device %02x:%02x.%x: %u virtual functions", pf->id >> 8, pf->id >> 3 & 31,
			pf->id & 7, pf->vf_count);
		serve_vfs(pf);
	}
}

static void bring_up_svm(void)
{
	struct svm_features f;

	svm_probe(&f);
	if (!f.svm || !f.npt)
		stop(f.why_not);
	log_info("svm: %u ASIDs%s%s%s%s; avic %s, x2avic %s", f.asid_count,
		f.nrips ? ", nrips" : "", f.decode_assists ? ", decode assists" : "",
		f.flush_by_asid ? ", flush by ASID" : "", f.vmcb_clean ? ", clean bits" : "",
		f.avic ? "yes" : "no", f.x2avic ? "yes" : "no");
}

static void bring_up_iommu(void)
{
	static struct ivrs ivrs;
	const struct acpi_header *table = acpi_find("IVRS");
	const struct cpu *boot_cpu = cpu_by_index(0);
	const struct iommu_setup setup = {
		.event_apicid = boot_cpu->apicid,
		.galog_apicid = boot_cpu->apicid,
		.event_vector = VEC_IOMMU_EVENT,
		.galog_vector = VEC_GALOG,
		.x2apic = lapic_x2apic(),
		.galog_entries = config.galog_entries,
	};
	err_t err = ERR_UNFIT;

	if (config.iommu == IOMMU_OFF) {
		log_info("iommu: left alone, as configured: no device can be given to a VM");
		return;
	}
	if (table && !ivrs_parse(&ivrs, table, table->length))
		err = iommu_init_all(&ivrs, &setup);
	if (err || !iommu_count()) {
		if (config.iommu == IOMMU_REQUIRED)
			stop(table ? "iommu = required, but the IOMMU does not come up"
				   : "iommu = required, but there is none (no IVRS table): turn it on in "
				     "the firmware setup");
		log_warn("iommu: %s: no device can be given to a VM",
			table ? "does not come up"
			      : "none (no IVRS table; is it on in the firmware setup?)");
		return;
	}
	for (uint32_t i = 0; i < iommu_count(); i++) {
		struct iommu *u = iommu_by_index(i);

		log_info("iommu%u: ga %u gam %u gappi %u gappidis %u xt %u, %u table levels", i,
			u->f.ga, u->f.gam, u->f.gappi, u->f.gappi_dis, u->f.xt, u->f.host_levels);
		if (u->f.gam && iommu_enable_guest_mode(u))
			log_warn("iommu%u: guest-mode IRTEs can't be turned on", i);
		if (!u->f.smi_filters)
			log_warn("iommu%u: no SMI filter: a VM's device can raise SMIs of the "
				 "firmware",
				i);
	}
}

/* The wake mechanism that the VMs ask for. The IOMMU has one for all of its devices. */
static void choose_wake(struct cpu *here)
{
	enum wake_mechanism to = WAKE_NONE;

	for (uint32_t i = 0; i < vm_count(); i++) {
		const struct vm *vm = vm_by_index(i);
		enum wake_mechanism wants = vm_wake_mechanism(vm);

		if (wants == WAKE_NONE)
			continue;
		if (to != WAKE_NONE && to != wants)
			log_warn("vm %s: an IOMMU has one wake mechanism for all VMs; %s is in "
				 "force",
				vm->config->name, to == WAKE_GALOG ? "galog" : "gappi");
		else
			to = wants;
	}
	if (to != WAKE_NONE && wake_switch(here, to))
		log_error("the wake mechanism doesn't start: halted vCPUs wake by the slow timer");
}

static void create_vms(void)
{
	static struct vm vms[CONFIG_VMS];
	const char *why = "";

	for (uint32_t i = 0; i < config.vm_count; i++)
		if (vm_create(&vms[i], &config.vms[i], i + 1, &why))
			log_error("vm %s: not started: %s", config.vms[i].name, why);
}

static void start_cpu(struct cpu *cpu)
{
	svm_fpu_init_cpu();
	if (svm_init_cpu(cpu))
		stop("SVM is locked off on a CPU: enable SVM (virtualization) in the firmware setup");
	shared_add32(&cpus_ready, 1);
}

static void run_cpu(struct cpu *cpu)
{
	start_cpu(cpu);
	sched_loop(cpu);
}

void vmm_main(const struct boot_info *boot)
{
	struct cpu *cpu;
	uint64_t start;

	vmm_image_offset = VMM_BASE - boot->image_base;
	open_console(boot);
	if (boot->magic != BOOT_INFO_MAGIC)
		stop("loader and VMM don't belong together");
	read_config(boot);
	guest_files_init(boot);
	bring_up_platform(boot);
	cpu = this_cpu();
	bring_up_svm();
	if (config.trace_entries && trace_ring_init(cpu_count(), config.trace_entries))
		log_error("trace: no memory for so many records");
	for (uint32_t i = 0; i < cpu_count(); i++)
		sched_init_cpu(cpu_by_index(i));
	start_cpu(cpu);
	cpu_release_all(run_cpu);
	start = cpu_ticks();
	while (shared_load32(&cpus_ready) < cpu_count()) {
		if (cpu_ticks() - start > clock_us_to_ticks(1000000))
			stop("a CPU doesn't come up with SVM");
		cpu_pause();
	}
	bring_up_iommu();
	enable_vfs();
	pci_enable_acs();
	config_place(&config, cpu_count());
	create_vms();
	if (!vm_count())
		stop("no VM could be started; the lines above say why");
	choose_wake(cpu);
	for (uint32_t i = 0; i < vm_count(); i++)
		vm_start(cpu, vm_by_index(i));
	sched_loop(cpu);
}
