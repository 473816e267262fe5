/* SPDX-License-Identifier: MIT */
/* What a simulation begins with: the machine, pCPUs, one VM with vCPUs and a device. */
#ifndef SIM_SETUP_H
#define SIM_SETUP_H

#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/wake.h"
#include "machine.h"

extern uint32_t rig_cpus; /* so many of the machine's are used */
extern struct cpu rig_cpu[MACHINE_CPUS];
extern struct vm rig_vm;
extern struct assigned_device *const rig_device;
extern uint64_t rig_now,
	rig_timer[MACHINE_CPUS]; /* ticks; when each pCPU's timer expires, 0 never */

/* In this order, once; then rig_vm.vcpus is the caller's to fill in. GALOG is on. */
void setup_machine(uint32_t cpus, uint32_t vcpus);
/* The cores have erratum 1235, and the hypervisor goes by that. */
void setup_erratum_1235(void);
/* v->index and priority are filled in. Posted delivery; it becomes ready on home. */
void setup_vcpu(struct vcpu *v, struct cpu *home);
/* So many messages, which go nowhere yet. */
void setup_device(uint32_t messages);

#endif
