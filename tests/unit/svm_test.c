// SPDX-License-Identifier: MIT
/* sources: svm/probe.c svm/start.c */
/* sources: svm/svm.c svm/asid.c svm/event.c svm/fpu.c svm/guest_state.c */
#include "cpu.h"
#include "page.h"
#include "svm/asid.h"
#include "svm/fpu.h"
#include "svm/svm.h"
#include <hw/sim.h>
#include "test.h"

static uint64_t vm_cr, efer, hsave, xcr0, vmsaved, ticks;
static uint32_t edx_svm, ecx_svm, ecx_1, eax_1, ecx_ext, max_ext, nasid, xcr0_supported;
static unsigned xsetbv_count, fpu_saves, fpu_loads;
static uint64_t last_components;
static const void *saved_to, *loaded_from;
uint64_t sim_dr[4];

/* Per-CPU pages are for ever: kept in sight of the leak checker. */
phys_t page_alloc(size_t count, size_t align_pages)
{
	static void *kept[512];
	static unsigned n;

	EXPECT(n < 512);
	kept[n] = aligned_alloc(4096, 4096 * count);
	memset(kept[n], 0, 4096 * count);
	return PHYS((uint64_t)kept[n++]);
}

void page_free(phys_t base, size_t count)
{
}

static void machine(void)
{
	vm_cr = efer = hsave = 0;
	edx_svm = 0x1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 13 | 1 << 18;
	ecx_svm = 1 << 6;
	ecx_1 = 1 << 26;
	eax_1 = 0x00a20f10; /* family 19h */
	ecx_ext = 1 << 2;
	max_ext = 0x8000000a;
	nasid = 4;
	xcr0_supported = 7;
	xcr0 = 1;
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 16);
	switch (leaf) {
	case 1:
		out[0] = eax_1;
		out[2] = ecx_1;
		break;
	case 0xd:
		out[0] = xcr0_supported;
		out[1] = xcr0 & 4 ? 832 : 576;
		break;
	case 0x80000000:
		out[0] = max_ext;
		break;
	case 0x80000001:
		out[2] = ecx_ext;
		break;
	case 0x8000000a:
		out[1] = nasid;
		out[2] = ecx_svm;
		out[3] = edx_svm;
		break;
	}
}

uint64_t sim_rdmsr(uint32_t msr)
{
	return msr == 0xc0010114 ? vm_cr : msr == 0xc0000080 ? efer : 0;
}

void sim_wrmsr(uint32_t msr, uint64_t v)
{
	if (msr == 0xc0010114)
		vm_cr = v;
	if (msr == 0xc0000080)
		efer = v;
	if (msr == 0xc0010117)
		hsave = v;
}

uint64_t sim_ticks(void)
{
	return ticks;
}

void sim_vmsave(uint64_t area)
{
	vmsaved = area;
}

void sim_xsetbv(uint32_t index, uint64_t v)
{
	EXPECT_EQ(index, 0);
	xcr0 = v;
	xsetbv_count++;
}

void sim_fpu_save(void *area, uint64_t components)
{
	EXPECT(!components || xcr0 == components);
	last_components = components;
	saved_to = area;
	fpu_saves++;
}

void sim_fpu_load(const void *area, uint64_t components)
{
	EXPECT(!components || xcr0 == components);
	last_components = components;
	loaded_from = area;
	fpu_loads++;
}

/* What the "hardware" saw at the last VMRUN. */
static struct {
	uint64_t guest, host;
	uint32_t asid, clean;
	uint8_t tlb;
} ran;

void svm_run(phys_t guest, struct guest_regs *regs, phys_t host)
{
	const uint8_t *b = (const uint8_t *)guest.v;

	ran.guest = guest.v;
	ran.host = host.v;
	memcpy(&ran.asid, b + 0x58, 4);
	memcpy(&ran.clean, b + 0xc0, 4);
	ran.tlb = b[0x5c];
}

static struct cpu cpus[2] = { { .index = 0 }, { .index = 1 } };
static struct svm_vm vm = { { 0x1000 }, { 0x2000 }, { 0x5000 }, { 0x7000 } };
static struct svm_vcpu s;

static void start(void)
{
	struct svm_features f;

	machine();
	svm_probe(&f);
	EXPECT_EQ(svm_init_cpu(&cpus[0]), OK);
	EXPECT_EQ(svm_init_cpu(&cpus[1]), OK);
	svm_fpu_init_cpu();
	EXPECT_EQ(svm_vcpu_init(&s, &vm), OK);
}

static uint64_t at(unsigned offset, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, (const uint8_t *)s.vmcb + offset, bytes);
	return v;
}

TEST(probe)
{
	struct svm_features f;

	machine();
	svm_probe(&f);
	EXPECT(f.svm && f.npt && f.nrips && f.decode_assists && f.flush_by_asid && f.vmcb_clean);
	EXPECT(f.avic && f.x2avic && f.x2avic_ext && !f.erratum_1235 && !f.why_not);
	EXPECT_EQ(f.asid_count, 4);
	edx_svm = 1;
	svm_probe(&f);
	EXPECT(f.svm && f.npt && !f.nrips && !f.avic && !f.x2avic && !f.x2avic_ext);
	edx_svm = 1 << 18; /* x2AVIC counts only with AVIC; no nested paging */
	svm_probe(&f);
	EXPECT(f.svm && !f.npt && !f.x2avic && f.why_not);
	machine();
	eax_1 = 0x00800f12; /* 17h */
	svm_probe(&f);
	EXPECT(f.erratum_1235);
	eax_1 = 0x00900f02; /* 18h */
	svm_probe(&f);
	EXPECT(f.erratum_1235);
	ecx_ext = 0;
	svm_probe(&f);
	EXPECT(!f.svm && f.why_not);
	EXPECT_EQ(svm_init_cpu(&cpus[0]), ERR_UNFIT);
	machine();
	max_ext = 0x80000008;
	svm_probe(&f);
	EXPECT(!f.svm && f.why_not);
	machine();
	vm_cr = 0x18;
	svm_probe(&f);
	EXPECT(!f.svm && strstr(f.why_not, "firmware"));
}

TEST(enable)
{
	struct svm_features f;

	machine();
	vm_cr = 0x10;
	svm_probe(&f);
	EXPECT(f.svm);
	EXPECT_EQ(svm_init_cpu(&cpus[0]), OK);
	EXPECT_EQ(vm_cr, 0);
	EXPECT_EQ(efer, 0x1000);
	EXPECT(hsave && !(hsave & 0xfff));
	EXPECT_EQ(cpus[0].host_vmcb.v, hsave + 4096);
	EXPECT_EQ(vmsaved, hsave + 4096);
	vm_cr = 0x18; /* this CPU alone is locked off */
	EXPECT_EQ(svm_init_cpu(&cpus[1]), ERR_UNFIT);
	EXPECT(svm_features()->avic);
}

TEST(new_vcpu)
{
	start();
	EXPECT_EQ(at(0x08, 4), 1 << 1 | 1 << 17 | 1 << 18);
	/* INTR NMI SMI INIT RDPMC CPUID INVD HLT INVLPGA IOIO MSR SHUTDOWN */
	EXPECT_EQ(at(0x0c, 4), 0x9d44800f);
	/* VMRUN VMMCALL VMLOAD VMSAVE STGI CLGI SKINIT RDTSCP WBINVD MONITOR MWAIT XSETBV RDPRU */
	EXPECT_EQ(at(0x10, 4), 0x6eff);
	EXPECT_EQ(at(0x40, 8), 0x2000);
	EXPECT_EQ(at(0x48, 8), 0x5000);
	EXPECT_EQ(at(0x60, 8), 1 << 24);
	EXPECT_EQ(at(0x90, 8), 1);
	EXPECT_EQ(at(0xb0, 8), 0x1000);
	EXPECT_EQ(at(0x668, 8), 0x0007040600070406);
	svm_open_x2apic(&s, true);
	EXPECT_EQ(at(0x48, 8), 0x7000);
	svm_open_x2apic(&s, false);
	EXPECT_EQ(at(0x48, 8), 0x5000);
	svm_vcpu_free(&s);
	EXPECT(!s.vmcb && !s.fpu);
}

TEST(long_mode_start)
{
	start();
	svm_vcpu_start_long(&s, GPA(0x10000), 0x200000, 0x7000, 3);
	EXPECT_EQ(at(0x412, 2), 0xa9b); /* CS attributes */
	EXPECT_EQ(at(0x422, 2), 0xc93); /* SS */
	EXPECT_EQ(at(0x492, 2) & 0xf, 0xb);
	EXPECT_EQ(at(0x4d0, 8), 0x1d01); /* SCE LME LMA NXE SVME */
	EXPECT_EQ(at(0x550, 8), 0x10000);
	EXPECT_EQ(at(0x558, 8), 0x80010033);
	EXPECT_EQ(at(0x548, 8), 0x220);
	EXPECT_EQ(at(0x570, 8), 2);
	EXPECT_EQ(at(0x578, 8), 0x200000);
	EXPECT_EQ(at(0x5d8, 8), 0x7000);
	EXPECT_EQ(at(0x560, 8), 0x400);
	EXPECT_EQ(at(0x568, 8), 0xffff0ff0);
	EXPECT_EQ(s.regs.rdi, 3);
	EXPECT_EQ(svm_rip(&s), 0x200000);
	EXPECT(svm_privileged(&s));
	struct svm_mode m = svm_mode(&s);
	EXPECT(m.paging && m.pae && m.long_mode);
	EXPECT_EQ(m.code_bits, 64);
	EXPECT_EQ(m.cr3, 0x10000);
	s.vmcb->cs.attributes = 0xc9b;
	s.vmcb->cs.base = 0x100;
	EXPECT_EQ(svm_mode(&s).code_bits, 32);
	EXPECT_EQ(svm_mode(&s).code_base, 0x100);
	s.vmcb->cs.attributes = 0x9b;
	EXPECT_EQ(svm_mode(&s).code_bits, 16);
	svm_vcpu_free(&s);
}

TEST(asids)
{
	struct svm_vcpu t;

	start();
	EXPECT_EQ(svm_vcpu_init(&t, &vm), OK);
	svm_enter(&cpus[0], &s);
	EXPECT_EQ(ran.guest, s.vmcb_phys.v);
	EXPECT_EQ(ran.host, cpus[0].host_vmcb.v);
	EXPECT_EQ(ran.asid, 1);
	EXPECT_EQ(ran.tlb, 1); /* the CPU's first: firmware may have used some */
	EXPECT_EQ(ran.clean, 0);
	EXPECT(s.last_cpu == &cpus[0]);
	svm_enter(&cpus[0], &s);
	EXPECT_EQ(ran.asid, 1);
	EXPECT_EQ(ran.tlb, 0);
	EXPECT_EQ(ran.clean, 0x1fff);
	svm_enter(&cpus[0], &t);
	EXPECT_EQ(ran.asid, 2);
	EXPECT_EQ(ran.tlb, 0);
	svm_flush(&s);
	svm_enter(&cpus[0], &s);
	EXPECT_EQ(ran.asid, 3);
	EXPECT_EQ(ran.clean, 0);
	/* Four ASIDs, 0 is the host's: used up. All are flushed, and t needs a new one too. */
	svm_flush(&s);
	svm_enter(&cpus[0], &s);
	EXPECT_EQ(ran.asid, 1);
	EXPECT_EQ(ran.tlb, 1);
	svm_enter(&cpus[0], &t);
	EXPECT_EQ(ran.asid, 2);
	EXPECT_EQ(ran.tlb, 0);
	/* Another CPU and back: never the old one. */
	svm_enter(&cpus[1], &t);
	EXPECT_EQ(ran.asid, 1);
	EXPECT_EQ(ran.clean, 0);
	svm_enter(&cpus[0], &t);
	EXPECT_EQ(ran.asid, 3);
	EXPECT_EQ(ran.clean, 0);
	svm_vcpu_free(&t);
	svm_vcpu_free(&s);
}

TEST(no_clean_bits)
{
	start();
	edx_svm &= ~(1u << 5);
	struct svm_features f;
	svm_probe(&f);
	svm_enter(&cpus[0], &s);
	svm_enter(&cpus[0], &s);
	EXPECT_EQ(ran.clean, 0);
	svm_vcpu_free(&s);
}

TEST(skip)
{
	start();
	s.vmcb->rip = 0x1000;
	s.vmcb->nrip = 0x1005;
	s.vmcb->int_state = 1;
	svm_skip(&s, 2);
	EXPECT_EQ(at(0x578, 8), 0x1005);
	EXPECT_EQ(at(0x68, 8), 0);
	s.vmcb->nrip = 0;
	svm_skip(&s, 2);
	EXPECT_EQ(svm_rip(&s), 0x1007);
	s.vmcb->nrip = 0x9999;
	s.vmcb->int_state = 1;
	svm_advance(&s, 3);
	EXPECT_EQ(svm_rip(&s), 0x100a);
	EXPECT_EQ(at(0x68, 8), 0);
	svm_set_rip(&s, 0x55);
	EXPECT_EQ(svm_rip(&s), 0x55);
	edx_svm &= ~(1u << 3);
	struct svm_features f;
	svm_probe(&f);
	svm_skip(&s, 2);
	EXPECT_EQ(svm_rip(&s), 0x57);
	svm_vcpu_free(&s);
}

TEST(registers)
{
	start();
	for (unsigned i = 0; i < 16; i++)
		svm_set_reg(&s, i, 0x100 + i);
	for (unsigned i = 0; i < 16; i++)
		EXPECT_EQ(svm_reg(&s, i), 0x100 + i);
	EXPECT_EQ(at(0x5f8, 8), 0x100);
	EXPECT_EQ(at(0x5d8, 8), 0x104);
	EXPECT_EQ(s.regs.rcx, 0x101);
	EXPECT_EQ(s.regs.rbx, 0x103);
	EXPECT_EQ(s.regs.rdi, 0x107);
	EXPECT_EQ(s.regs.r15, 0x10f);
	svm_vcpu_free(&s);
}

TEST(efer_and_pat)
{
	start();
	svm_vcpu_start_long(&s, GPA(0), 0, 0, 0);
	EXPECT_EQ(svm_guest_efer(&s), 0xd01);
	EXPECT(svm_set_guest_efer(&s, 0x100)); /* LMA is not software's */
	EXPECT_EQ(at(0x4d0, 8), 0x1500);
	EXPECT(!svm_set_guest_efer(&s, 0x1d01)); /* SVME */
	EXPECT(!svm_set_guest_efer(&s, 0x801));  /* LME off with paging on */
	EXPECT_EQ(at(0x4d0, 8), 0x1500);
	EXPECT(svm_set_guest_pat(&s, 0x0007010600070106));
	EXPECT_EQ(svm_guest_pat(&s), 0x0007010600070106);
	EXPECT(!svm_set_guest_pat(&s, 2));
	EXPECT(!svm_set_guest_pat(&s, 0x0300));
	EXPECT(!svm_set_guest_pat(&s, 0x0800000000000000));
	ticks = 1000;
	svm_set_guest_tsc(&s, 0);
	EXPECT_EQ(at(0x50, 8), -1000ull);
	EXPECT(!svm_guest_osxsave(&s));
	s.vmcb->cr4 |= 1 << 18;
	EXPECT(svm_guest_osxsave(&s));
	svm_vcpu_free(&s);
}

TEST(instruction_bytes)
{
	uint8_t code[15];

	start();
	s.vmcb->insn_bytes = 3;
	memcpy(s.vmcb->insn, "\x89\x07\x90", 3);
	EXPECT_EQ(svm_insn_bytes(&s, code), 3);
	EXPECT_EQ(code[0], 0x89);
	edx_svm &= ~(1u << 7);
	struct svm_features f;
	svm_probe(&f);
	EXPECT_EQ(svm_insn_bytes(&s, code), 0);
	svm_vcpu_free(&s);
}

TEST(events)
{
	start();
	EXPECT(!svm_injection_pending(&s));
	svm_inject_interrupt(&s, 0x31);
	EXPECT_EQ(at(0xa8, 8), 0x80000031);
	EXPECT(svm_injection_pending(&s));
	svm_inject_exception(&s, 13, true, 0x18);
	EXPECT_EQ(at(0xa8, 8), 0x0000001880000b0d);
	svm_inject_exception(&s, 6, false, 0);
	EXPECT_EQ(at(0xa8, 8), 0x80000306);
	EXPECT(!svm_inject_nmi(&s));
	EXPECT_EQ(at(0xa8, 8), 0x80000306);
	s.vmcb->event_inj = 0;
	EXPECT(svm_inject_nmi(&s));
	EXPECT_EQ(at(0xa8, 8), 0x80000202);
	EXPECT(at(0x0c, 4) & 1 << 20); /* IRET */
	/* Two more while it is handled are one. */
	s.vmcb->event_inj = 0;
	EXPECT(svm_inject_nmi(&s));
	EXPECT(svm_inject_nmi(&s));
	EXPECT(!svm_injection_pending(&s));
	EXPECT(svm_nmi_done(&s));
	EXPECT(!(at(0x0c, 4) & 1 << 20));
	EXPECT(svm_inject_nmi(&s));
	EXPECT(!svm_nmi_done(&s));
	svm_vcpu_free(&s);
}

TEST(interrupted_delivery)
{
	start();
	svm_requeue_event(&s);
	EXPECT_EQ(at(0xa8, 8), 0);
	s.vmcb->exit_int_info = 0x80000031;
	svm_requeue_event(&s);
	EXPECT_EQ(at(0xa8, 8), 0x80000031);
	s.vmcb->event_inj = 0;
	s.vmcb->exit_int_info = 0x80000480; /* INT 80h comes again by itself */
	svm_requeue_event(&s);
	EXPECT_EQ(at(0xa8, 8), 0);
	s.vmcb->exit_int_info = 0x80000303; /* INT3 too */
	svm_requeue_event(&s);
	EXPECT_EQ(at(0xa8, 8), 0);
	s.vmcb->exit_int_info = 0x580000b0e; /* #PF doesn't */
	svm_requeue_event(&s);
	EXPECT_EQ(at(0xa8, 8), 0x580000b0e);
	svm_vcpu_free(&s);
}

TEST(window)
{
	start();
	s.vmcb->rflags = 0x202;
	EXPECT(svm_interruptible(&s));
	s.vmcb->int_state = 1;
	EXPECT(!svm_interruptible(&s));
	s.vmcb->int_state = 0;
	s.vmcb->rflags = 2;
	EXPECT(!svm_interruptible(&s));
	s.vmcb->clean = 0x1fff;
	svm_request_window(&s);
	EXPECT_EQ(at(0x60, 8), 0x011f0100);
	EXPECT_EQ(at(0x0c, 4) & 0x10, 0x10);
	EXPECT_EQ(at(0xc0, 4) & 0x9, 0);
	svm_cancel_window(&s);
	EXPECT_EQ(at(0x60, 8), 0x01000000);
	EXPECT_EQ(at(0x0c, 4) & 0x10, 0);
	svm_intercept_hlt(&s, false);
	EXPECT_EQ(at(0x0c, 4), 0x9c44800f);
	svm_intercept_hlt(&s, true);
	EXPECT_EQ(at(0x0c, 4), 0x9d44800f);
	s.vmcb->exit_code = 0x60;
	EXPECT(svm_exited_for_interrupt(&s));
	svm_vcpu_free(&s);
}

TEST(fpu)
{
	struct svm_vcpu t;
	uint16_t fcw;
	uint32_t mxcsr;

	start();
	EXPECT_EQ(xcr0, 7);
	EXPECT_EQ(svm_fpu_xcr0_mask(), 7);
	EXPECT_EQ(svm_vcpu_init(&t, &vm), OK);
	memcpy(&fcw, s.fpu, 2);
	memcpy(&mxcsr, s.fpu + 24, 4);
	EXPECT_EQ(fcw, 0x37f);
	EXPECT_EQ(mxcsr, 0x1f80);
	fpu_saves = fpu_loads = 0;
	svm_fpu_switch(&cpus[0], NULL, &s);
	EXPECT_EQ(fpu_saves, 0);
	EXPECT_EQ(loaded_from, s.fpu);
	EXPECT_EQ(xcr0, 1); /* the guest's, after everything was loaded */
	EXPECT(svm_fpu_set_xcr0(&s, 0, 3));
	EXPECT_EQ(xcr0, 3);
	EXPECT_EQ(s.vmcb->dr_read, 0xf);
	EXPECT_EQ(s.vmcb->dr_write, 0x8f);
	sim_dr[2] = 0x66; /* somebody's */
	s.vmcb->clean = ~0u;
	svm_breakpoints_open(&s);
	EXPECT_EQ(sim_dr[2], 0);
	EXPECT_EQ(s.vmcb->dr_read | s.vmcb->dr_write, 0);
	EXPECT(!(s.vmcb->clean & 1));
	sim_dr[2] = 0x77;
	s.vmcb->dr7 = 0x400 | 0x20; /* G2 */
	svm_fpu_switch(&cpus[0], &s, &t);
	EXPECT_EQ(saved_to, s.fpu);
	EXPECT_EQ(loaded_from, t.fpu);
	EXPECT_EQ(last_components, 7);
	EXPECT_EQ(xcr0, 1);
	EXPECT_EQ(sim_dr[2], 0x77); /* t can't see them */
	EXPECT_EQ(t.vmcb->dr_read, 0xf);
	sim_dr[2] = 0;
	svm_fpu_switch(&cpus[0], &t, NULL);
	EXPECT_EQ(xcr0, 7);
	svm_fpu_switch(&cpus[0], NULL, &s);
	EXPECT_EQ(xcr0, 3);
	EXPECT_EQ(sim_dr[2], 0x77);
	EXPECT(svm_fpu_set_xcr0(&s, 0, 7));
	s.vmcb->dr7 = 0x400;
	svm_fpu_switch(&cpus[0], &s, NULL);
	EXPECT(!s.dr_used && s.vmcb->dr_read == 0xf);
	sim_dr[2] = 0;
	svm_fpu_switch(&cpus[0], NULL, &s);
	EXPECT_EQ(sim_dr[2], 0);
	svm_breakpoints_open(&s);
	EXPECT_EQ(sim_dr[2], 0x77);
	svm_fpu_switch(&cpus[0], &s, NULL);
	svm_vcpu_free(&t);
	svm_vcpu_free(&s);
}

TEST(xcr0_rules)
{
	start();
	xcr0_supported = 0xe7;
	svm_fpu_init_cpu();
	EXPECT(!svm_fpu_set_xcr0(&s, 1, 7));
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 2));          /* x87 can't be off */
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 5));          /* AVX without SSE */
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 0x27));       /* a third of AVX-512 */
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 0xe3));       /* AVX-512 without AVX */
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 1ull << 62)); /* LWP */
	EXPECT(svm_fpu_set_xcr0(&s, 0, 0xe7));
	svm_vcpu_free(&s);
}

TEST(no_xsave)
{
	start();
	ecx_1 = 0;
	svm_fpu_init_cpu();
	EXPECT_EQ(svm_fpu_xcr0_mask(), 0);
	EXPECT(!svm_fpu_set_xcr0(&s, 0, 1));
	xsetbv_count = fpu_saves = fpu_loads = 0;
	svm_fpu_switch(&cpus[0], NULL, &s);
	svm_fpu_switch(&cpus[0], &s, NULL);
	EXPECT_EQ(xsetbv_count, 0);
	EXPECT_EQ(fpu_saves, 1);
	EXPECT_EQ(fpu_loads, 1);
	EXPECT_EQ(last_components, 0);
	svm_vcpu_free(&s);
}
