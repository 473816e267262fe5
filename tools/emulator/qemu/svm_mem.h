/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMCB, a host save area or a permission map in memory. VMRUN and #VMEXIT make about two
 * hundred such accesses; looking each one up in the memory map is a good part of what they cost. So
 * the TLB of physical addresses is asked first. It says no for what is not plain memory, for
 * pages with translated code in them and for watched ones: those go the long way. Segments are
 * stored by QEMU's own stores, which let the TLB know that a page is written to.
 */
#ifndef REVEILLE_SVM_MEM_H
#define REVEILLE_SVM_MEM_H

#include "exec/cpu_ldst.h"
#include "qemu/bswap.h"

static inline void *svm_ram(CPUState *cs, hwaddr addr, MMUAccessType access)
{
	return tlb_vaddr_to_host(cpu_env(cs), addr, access, MMU_PHYS_IDX);
}

#define SVM_LOAD(name, type, load, slowly)                                                         \
	static inline type name(CPUState *cs, hwaddr addr)                                         \
	{                                                                                          \
		const void *word = svm_ram(cs, addr, MMU_DATA_LOAD);                               \
                                                                                                   \
		return likely(word) ? load(word) : slowly(cs, addr);                               \
	}

#define SVM_STORE(name, type, store, slowly)                                                       \
	static inline void name(CPUState *cs, hwaddr addr, type value)                             \
	{                                                                                          \
		void *word = svm_ram(cs, addr, MMU_DATA_STORE);                                    \
                                                                                                   \
		if (likely(word))                                                                  \
			store(word, value);                                                        \
		else                                                                               \
			slowly(cs, addr, value);                                                   \
	}

SVM_LOAD(svm_ldub, uint8_t, ldub_p, x86_ldub_phys)
SVM_LOAD(svm_lduw, uint16_t, lduw_le_p, x86_lduw_phys)
SVM_LOAD(svm_ldl, uint32_t, ldl_le_p, x86_ldl_phys)
SVM_LOAD(svm_ldq, uint64_t, ldq_le_p, x86_ldq_phys)
SVM_STORE(svm_stb, uint8_t, stb_p, x86_stb_phys)
SVM_STORE(svm_stl, uint32_t, stl_le_p, x86_stl_phys)
SVM_STORE(svm_stq, uint64_t, stq_le_p, x86_stq_phys)

/* QEMU loads segments through the MMU index of whoever asks. */
#define SVM_LOAD_BY_INDEX(name, type, load, slowly)                                                \
	static inline type name(CPUX86State *env, hwaddr addr, int mmu_idx, uintptr_t ra)          \
	{                                                                                          \
		if (mmu_idx == MMU_PHYS_IDX)                                                       \
			return load(env_cpu(env), addr);                                           \
		return slowly(env, addr, mmu_idx, ra);                                             \
	}

SVM_LOAD_BY_INDEX(svm_lduw_idx, uint16_t, svm_lduw, cpu_lduw_mmuidx_ra)
SVM_LOAD_BY_INDEX(svm_ldl_idx, uint32_t, svm_ldl, cpu_ldl_mmuidx_ra)
SVM_LOAD_BY_INDEX(svm_ldq_idx, uint64_t, svm_ldq, cpu_ldq_mmuidx_ra)

#undef SVM_LOAD_BY_INDEX
#undef SVM_LOAD
#undef SVM_STORE

#endif
