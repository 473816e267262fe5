/* SPDX-License-Identifier: MIT */
#include "setup.h"

#include <stdio.h>
#include <stdlib.h>

#include "iommu/ivrs.h"
#include "page.h"
#include "sched.h"
#include "vectors.h"
#include <hw/sim.h>

uint32_t rig_cpus;
struct cpu rig_cpu[MACHINE_CPUS];
struct vm rig_vm;
struct assigned_device *const rig_device = &rig_vm.devices[0];
uint64_t rig_now = 1000, rig_timer[MACHINE_CPUS];
struct cpu *sim_cpu = &rig_cpu[0];

static const struct vm_config config = { .name = "sim", .apic = APIC_X2APIC, .device_count = 1 };

static void must(err_t err, const char *what)
{
	if (err) {
		printf("%s: error %d\n", what, err);
		exit(1);
	}
}

static void start_iommu(void)
{
	static struct ivrs ivrs = {
		.unit_count = 1,
		.range_count = 1,
		.unit = { { .dev = 0x0002, .cap_offset = 0x40, .type = 0x11 } },
		.range = { { .first = 0, .last = 0xffff } },
	};
	struct iommu_setup setup = {
		.event_apicid = machine_apicid(0),
		.galog_apicid = machine_apicid(0),
		.event_vector = VEC_IOMMU_EVENT,
		.galog_vector = VEC_GALOG,
		.x2apic = true,
		.galog_entries = 512,
	};

	ivrs.unit[0].mmio = (uint64_t)machine_window;
	must(iommu_init_all(&ivrs, &setup), "iommu_init_all");
	must(iommu_enable_guest_mode(iommu_by_index(0)), "iommu_enable_guest_mode");
	must(wake_switch(&rig_cpu[0], WAKE_GALOG), "wake_switch");
}

void setup_device(uint32_t messages)
{
	static const struct pci_device pci = { .id = MACHINE_DEVICE };
	struct assigned_device *d = rig_device;
	phys_t root = page_alloc(1, 1);
	uint32_t entries = 32;

	while (entries < messages)
		entries *= 2;
	rig_vm.device_count = 1;
	rig_vm.domain = (struct domain){ .id = 1, .levels = 4, .root = root };
	*d = (struct assigned_device){ .vm = &rig_vm, .pci = &pci, .iommu = iommu_of(pci.id) };
	d->irq = calloc(messages, sizeof(d->irq[0]));
	d->irq_count = messages;
	for (uint32_t i = 0; i < messages; i++) {
		d->irq[i].device = d;
		d->irq[i].message = i;
	}
	must(irt_alloc(&d->irt, entries), "irt_alloc");
	must(dte_assign(d->iommu, pci.id, &rig_vm.domain, &d->irt), "dte_assign");
}

void setup_vcpu(struct vcpu *v, struct cpu *home)
{
	v->vm = &rig_vm;
	v->halt = rig_vm.halt;
	v->delivery = rig_vm.delivery;
	v->svm.vmcb_phys = page_alloc(1, 1);
	v->svm.vmcb = (struct vmcb *)v->svm.vmcb_phys.v;
	v->svm.vmcb->int_control = VIC_INTR_MASKING;
	v->svm.vmcb->rflags = 0x202;
	must(avic_vcpu_init(&v->avic, &rig_vm.avic, &v->svm, v->index), "avic_vcpu_init");
	emulated_init(&v->emulated, &v->avic, v->index == 0);
	must(vcpu_init(v, home), "vcpu_init");
	avic_enable(&v->avic);
	vcpu_start(home, v);
}

void setup_erratum_1235(void)
{
	struct avic_vm with;

	machine_erratum_1235(50);
	must(avic_vm_init(&with, true, rig_vm.vcpu_count - 1, true), "avic_vm_init");
	rig_vm.avic.running_bit = with.running_bit;
}

void setup_machine(uint32_t cpus, uint32_t vcpus)
{
	machine_start();
	rig_cpus = cpus;
	for (uint32_t i = 0; i < cpus; i++) {
		rig_cpu[i] = (struct cpu){ .self = &rig_cpu[i], .index = i };
		rig_cpu[i].apicid = machine_apicid(i);
		sched_init_cpu(&rig_cpu[i]);
	}
	start_iommu();
	rig_vm.config = &config;
	rig_vm.id = 1;
	rig_vm.halt = HALT_GALOG;
	rig_vm.delivery = DELIVERY_POSTED;
	rig_vm.vcpu_count = vcpus;
	must(avic_vm_init(&rig_vm.avic, true, vcpus - 1, false), "avic_vm_init");
	rig_cpu[0].backstop = rig_now + 1000000;
	sched_arm_timer(&rig_cpu[0]);
}
