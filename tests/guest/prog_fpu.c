/* SPDX-License-Identifier: MIT */
/*
 * Every vCPU keeps a value of its own in XMM0, XMM15 and DR0 and looks at it again and again, while
 * those that share its pCPU do the same: what the hypervisor doesn't switch shows.
 */
#include "guest.h"

#define LOOKS 200000

static volatile uint64_t finished, spoiled;

static void keep(uint64_t mine)
{
	uint64_t low, high, breakpoint;

	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15; mov %0, %%dr0" ::"r"(mine));
	for (uint64_t i = 0; i < LOOKS; i++) {
		__asm__ volatile("movq %%xmm0, %0; movq %%xmm15, %1; mov %%dr0, %2"
				 : "=r"(low), "=r"(high), "=r"(breakpoint));
		if (low != mine || high != mine || breakpoint != mine) {
			__atomic_fetch_add(&spoiled, 1, __ATOMIC_SEQ_CST);
			return;
		}
		if (i % 64 == 0)
			cpu_relax();
	}
}

void program_fpu(uint32_t index)
{
	uint32_t vcpus = guest_info()->vcpu_count;

	keep(0x1111111111ull * (index + 1));
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	if (index)
		return;
	while (finished < vcpus)
		cpu_relax();
	test_end("fpu", spoiled == 0);
}
