/* SPDX-License-Identifier: MIT */
/*
 * A VM that ended is started anew where its restart policy says so: on the memory, pCPUs and
 * devices that it has. vm_end() and vm_stop() set vm->restart and stop its vCPUs; the slow timer's
 * restart_look() waits until all of them are at rest, so that a restart takes up to a second.
 */
#ifndef VMM_VM_RESTART_H
#define VMM_VM_RESTART_H

struct cpu;

/* On the boot CPU, by the slow timer: starts the VMs that wait for it and are at rest. */
void restart_look(struct cpu *here);

#endif
