/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decode assists (24593 rev 3.44, "Decode Assists"): instruction bytes for data accesses
 * that fault, and operands of intercepted CR and DR moves, INTn and INVLPG.
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"

#define INSN_MAX    15
#define CR_MOVE     (1ull << 63)
#define FAULT_FETCH (1ull << 4)

/* As many bytes at CS:RIP as can be had without a fault. */
static unsigned fetch(CPUX86State *env, uint8_t *bytes)
{
	vaddr at = env->eip + env->segs[R_CS].base;
	int mmu_idx = x86_mmu_index_pl(env, env->hflags & HF_CPL_MASK);
	unsigned count = 0;

	if (!(env->hflags & HF_CS64_MASK))
		at = (uint32_t)at;
	while (count < INSN_MAX) {
		unsigned part = MIN(INSN_MAX - count, -((at + count) | TARGET_PAGE_MASK));
		void *host;
		int flags = probe_access_flags(
			env, at + count, part, MMU_INST_FETCH, mmu_idx, true, &host, 0);

		if (flags & (TLB_INVALID_MASK | TLB_MMIO))
			break;
		memcpy(bytes + count, host, part);
		count += part;
	}
	return count;
}

/* MOV to and from CRn and DRn; LMSW, SMSW and CLTS have no register to tell. */
static uint64_t move_operand(uint64_t code, const uint8_t *bytes, unsigned count)
{
	unsigned i = 0, high = 0;

	while (i < count && (bytes[i] == 0x66 || bytes[i] >> 1 == 0x79 || bytes[i] == 0xf0))
		i++;
	if (i < count && bytes[i] >> 4 == 4)
		high = (bytes[i++] & 1) << 3;
	if (i + 2 >= count || bytes[i] != 0x0f || bytes[i + 1] >> 2 != 0x20 >> 2)
		return 0;
	return high | (bytes[i + 2] & 7) | (code < SVM_EXIT_READ_DR0 ? CR_MOVE : 0);
}

static bool wants_bytes(uint64_t code, uint64_t info1)
{
	return (code == SVM_EXIT_NPF || code == SVM_EXIT_EXCP_BASE + EXCP0E_PAGE) &&
	       !(info1 & FAULT_FETCH);
}

uint64_t svm_decode_assist(CPUX86State *env, uint64_t code, uint64_t info1)
{
	CPUState *cs = env_cpu(env);
	uint8_t field[1 + INSN_MAX] = { 0 };

	if (!(env->features[FEAT_SVM] & CPUID_SVM_DECODEASSIST))
		return info1;
	if (wants_bytes(code, info1)) {
		field[0] = fetch(env, field + 1);
	} else if (code < SVM_EXIT_EXCP_BASE) {
		uint8_t bytes[INSN_MAX];

		info1 = move_operand(code, bytes, fetch(env, bytes));
	} else if (code == SVM_EXIT_SWINT) {
		uint8_t bytes[INSN_MAX] = { 0 };

		if (fetch(env, bytes) >= env->svm_insn_bytes)
			info1 = bytes[env->svm_insn_bytes - 1];
	} else if (code == SVM_EXIT_INVLPG) {
		info1 = env->svm_insn_linear;
	}
	for (unsigned i = 0; i < sizeof(field); i += 8)
		svm_stq(cs, env->vm_vmcb + VMCB_INSN + i, ldq_le_p(field + i));
	return info1;
}
