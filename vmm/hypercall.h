/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of the built-in guest (VMMCALL): function in RAX, arguments in RBX, RCX, RDX, RSI;
 * result in RAX, 0 or a negative error. Shared with tests/guest/. "control" ones need control = yes
 * in the config. HC_MARK is also what the stopwatch's reader looks for: RAX = HC_MARK | arm << 32
 * in a VMMCALL exit, so that the marks are the same under any hypervisor.
 */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#define HC_PUTS         0x52000001 /* RBX gpa, RCX bytes (<= 512): text to the console */
#define HC_MARK         0x52000002 /* RAX 63:32 arm number, RBX 1 begin 0 end; see above */
#define HC_ROUTE        0x52000003 /* RBX device number, RCX message, RDX vCPU, RSI vector */
#define HC_SET_DELIVERY 0x52000004 /* control. RBX enum delivery_mode */
#define HC_SET_HALT     0x52000005 /* control. RBX enum halt_mode */
#define HC_RESULT       0x52000006 /* RBX gpa of a struct arm_result: an arm's own account */
#define HC_COUNTERS                                                                                \
	0x52000007 /* RBX gpa of a struct hc_counters: the hypervisor's account so far */
#define HC_MIGRATE  0x52000008 /* control. RBX vCPU (or ~0 self), RCX pCPU index */
#define HC_EXIT     0x52000009 /* RBX status: the VM is done; when all are, the machine stops */
#define HC_FEATURES 0x5200000a /* -> RAX: HC_FEATURE_* */

#define HC_FEATURE_POSTED 1
#define HC_FEATURE_GALOG  2
#define HC_FEATURE_GAPPI  4
#define HC_FEATURE_X2APIC 8

#endif
