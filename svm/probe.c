/* SPDX-License-Identifier: MIT */
/* 24593 rev 3.44 and 24594, "CPUID Fn8000_000A"; "VM_CR MSR". */
#include "regs.h"
#include "svm.h"
#include <hw/cpu.h>

/* AVIC IPIs: family 17h, and Hygon's 18h, which is the same design. */
static bool has_erratum_1235(void)
{
	uint32_t eax = hw_cpuid(1, 0).eax;
	uint32_t family = (eax >> 8 & 0xf) + ((eax >> 8 & 0xf) == 0xf ? eax >> 20 & 0xff : 0);

	return family == 0x17 || family == 0x18;
}

/* The rest of f, when there is SVM. */
static void probe_svm(struct svm_features *f)
{
	struct cpuid svm = hw_cpuid(0x8000000a, 0);
	uint64_t vm_cr = hw_rdmsr(MSR_VM_CR);

	f->svm = true;
	f->asid_count = svm.ebx;
	f->npt = svm.edx & BIT(0);
	f->nrips = svm.edx & BIT(3);
	f->vmcb_clean = svm.edx & BIT(5);
	f->flush_by_asid = svm.edx & BIT(6);
	f->decode_assists = svm.edx & BIT(7);
	f->avic = svm.edx & BIT(13);
	f->x2avic = f->avic && (svm.edx & BIT(18));
	f->x2avic_ext = f->x2avic && (svm.ecx & BIT(6));
	f->erratum_1235 = has_erratum_1235();
	if (!f->npt)
		f->why_not = "this CPU has no nested paging";
	if ((vm_cr & VM_CR_SVMDIS) && (vm_cr & VM_CR_LOCK)) {
		f->svm = false;
		f->why_not =
			"SVM is switched off by the firmware: enable SVM Mode in firmware setup";
	}
}

void svm_read_features(struct svm_features *f)
{
	*f = (struct svm_features){ .why_not = "this CPU has no SVM (AMD-V)" };
	if (hw_cpuid(0x80000000, 0).eax >= 0x8000000a && (hw_cpuid(0x80000001, 0).ecx & BIT(2))) {
		f->why_not = NULL;
		probe_svm(f);
	}
}
