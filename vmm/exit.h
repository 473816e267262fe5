/* SPDX-License-Identifier: MIT */
/* What to do about an exit. */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

struct cpu;
struct vcpu;

enum exit_result {
	EXIT_RESUME, /* into the guest again */
	EXIT_LEAVE,  /* v is blocked, stopped or queued elsewhere: pick another */
};

enum exit_result exit_handle(struct cpu *here, struct vcpu *v);

#endif
