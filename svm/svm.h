/* SPDX-License-Identifier: MIT */
/* Secure virtual machine: enabling it, a guest CPU's registers, entry and exit.
 * Knows nothing of AVIC beyond the VMCB's fields. */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include "base/err.h"
#include "base/types.h"
#include "vmcb.h"
#include "vmexit.h"

/* In the order that vmrun.asm wants; RAX, RSP, RIP, RFLAGS are in the VMCB. */
struct guest_regs {
	uint64_t rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

struct svm_features {
	bool svm, npt, nrips, decode_assists, flush_by_asid, vmcb_clean, avic, x2avic, x2avic_ext;
	bool erratum_1235; /* AVIC: a sender of an IPI may miss that IsRunning was cleared */
	uint32_t asid_count;
	const char *why_not; /* a sentence when svm or npt is false */
};

/* What all vCPUs of a VM share. */
struct svm_vm {
	phys_t npt_root;
	phys_t iopm, msrpm;  /* 12 KiB and 8 KiB; all intercepted by default: perm.h */
	phys_t msrpm_x2avic; /* the same for a vCPU with x2AVIC on, with APIC registers opened */
};

/* How a guest's addresses and instructions are to be read. */
struct svm_mode {
	uint64_t cr3;
	uint64_t code_base; /* of CS */
	bool paging, pae, long_mode;
	unsigned code_bits; /* 16, 32, 64 */
};

struct svm_vcpu {
	struct vmcb *vmcb;
	phys_t vmcb_phys;
	struct guest_regs regs;
	const struct svm_vm *vm;
	uint32_t asid;            /* on the CPU below */
	uint64_t asid_generation; /* of that CPU */
	struct cpu *last_cpu;     /* where it ran last: elsewhere needs clean = 0 and a new ASID */
	uint8_t *fpu;             /* XSAVE or FXSAVE area: fpu.h */
	uint64_t xcr0;
	uint64_t dr[4]; /* DR0-DR3 while they are not in the CPU */
	bool dr_used;   /* DR0-DR3 are switched with the FPU; else the guest's first use exits */
	bool nmi_handled, nmi_waits; /* until IRET; another came meanwhile */
};

void svm_probe(struct svm_features *f);
/* The same without keeping it: changes nothing, works under firmware too. */
void svm_read_features(struct svm_features *f);
/* As found by svm_probe(). */
const struct svm_features *svm_features(void);
/* On each CPU: EFER.SVME, VM_HSAVE_PA, host VMSAVE area (cpu->host_vmcb), ASID allocator.
 * ERR_UNFIT: locked off by firmware. */
err_t svm_init_cpu(struct cpu *cpu) MUST_USE;
err_t svm_vcpu_init(struct svm_vcpu *s, const struct svm_vm *vm) MUST_USE;
void svm_vcpu_free(struct svm_vcpu *s);
/* All that a start (below) leaves as it was, as it is in a new vCPU. Its home has given it up, with
 * its FPU state. */
void svm_vcpu_reset(struct svm_vcpu *s);
/* Long mode, flat, paging by cr3, interrupts off. */
void svm_vcpu_start_long(struct svm_vcpu *s, gpa_t cr3, uint64_t rip, uint64_t rsp, uint64_t rdi);
/* Protected mode, flat, no paging, interrupts off (multiboot's entry). */
void svm_vcpu_start_flat(struct svm_vcpu *s, uint32_t eip);
/* Real mode as firmware leaves it to a boot sector. at: below 1 MiB; CS is 0 where that will do. */
void svm_vcpu_start_boot_sector(struct svm_vcpu *s, uint32_t at);
/* Real mode as after INIT and a startup message with that page: at its first byte. */
void svm_vcpu_start_real(struct svm_vcpu *s, uint8_t page);
/* Where the guest's GDT lies, for a start state whose protocol promises one. */
void svm_set_gdt(struct svm_vcpu *s, gpa_t base, uint16_t limit);
/* Runs the guest until the next #VMEXIT. Interrupts off before and after. cpu is this CPU. */
void svm_enter(struct cpu *cpu, struct svm_vcpu *s);
/* The guest's next instruction after an intercepted one: nRIP, or length where NRIPS is absent. */
void svm_skip(struct svm_vcpu *s, unsigned length);
/* The same where hardware never gives nRIP (nested page faults, AVIC faults): length is right. */
void svm_advance(struct svm_vcpu *s, unsigned length);
/* Goes on at rip. */
void svm_set_rip(struct svm_vcpu *s, uint64_t rip);
/* Queue an event for the next entry (EVENTINJ). */
void svm_inject_interrupt(struct svm_vcpu *s, uint8_t vector);
void svm_inject_exception(struct svm_vcpu *s, uint8_t vector, bool has_error, uint32_t error);
/* An NMI, now or after the one that is being handled. False: another event is queued; try again. */
bool svm_inject_nmi(struct svm_vcpu *s);
/* The guest is about to end its NMI handler (IRET was intercepted). True: it has to have another.
 */
bool svm_nmi_done(struct svm_vcpu *s);
/* After an exit: an event whose delivery it interrupted is queued again. */
void svm_requeue_interrupted(struct svm_vcpu *s);
static inline void svm_requeue_event(struct svm_vcpu *s)
{
	if (__builtin_expect((s->vmcb->exit_int_info & EVENT_VALID) != 0, 0))
		svm_requeue_interrupted(s);
}
bool svm_injection_pending(const struct svm_vcpu *s);
/* Can the guest take an external interrupt at its next instruction? IF and no shadow. */
bool svm_interruptible(const struct svm_vcpu *s);
/* Exit (VMEXIT_VINTR) as soon as the guest can take an interrupt; not with AVIC on. */
void svm_request_window(struct svm_vcpu *s);
void svm_cancel_window(struct svm_vcpu *s);
/* HLT exits (true) or waits inside the guest (false). */
void svm_intercept_hlt(struct svm_vcpu *s, bool intercept);
/* The MSR map with the opened APIC registers (x2AVIC is on), or without. The map goes with the
 * vCPU, so that none that has AVIC off ever reaches the host's own APIC. */
void svm_open_x2apic(struct svm_vcpu *s, bool open);
struct svm_mode svm_mode(const struct svm_vcpu *s);
bool svm_privileged(const struct svm_vcpu *s); /* CPL 0 */
uint64_t svm_rip(const struct svm_vcpu *s);
/* RFLAGS: the six flags of arithmetic results are set to those given, the others stay. DF: strings
 * go down. */
void svm_set_arithmetic_flags(struct svm_vcpu *s, uint64_t flags);
bool svm_direction_down(const struct svm_vcpu *s);
/* What a segment (0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS) adds to offsets in the guest's mode. */
uint64_t svm_segment_base(const struct svm_vcpu *s, unsigned n);
/* Registers that the guest sees with our part hidden. false: it gets a #GP. */
uint64_t svm_guest_efer(const struct svm_vcpu *s);
bool svm_set_guest_efer(struct svm_vcpu *s, uint64_t efer);
uint64_t svm_guest_pat(const struct svm_vcpu *s);
bool svm_set_guest_pat(struct svm_vcpu *s, uint64_t pat);
uint64_t svm_tsc_offset(const struct svm_vcpu *s); /* what the guest's TSC is ahead */
void svm_set_guest_tsc(struct svm_vcpu *s, uint64_t value);
bool svm_guest_osxsave(const struct svm_vcpu *s);
/* The bytes of the instruction that a nested page fault came from, where the CPU reports them;
 * returns how many. */
unsigned svm_insn_bytes(const struct svm_vcpu *s, uint8_t bytes[15]);
/* A physical interrupt ended the guest: the exit that hurries. */
static inline bool svm_exited_for_interrupt(const struct svm_vcpu *s)
{
	return s->vmcb->exit_code == 0x60;
}

/* HLT: the commonest exit of all. */
static inline bool svm_exited_for_halt(const struct svm_vcpu *s)
{
	return s->vmcb->exit_code == 0x78;
}

/* The registers that instructions use without naming them; RCX, RDX, RBX are in s->regs. */
static inline uint64_t svm_rax(const struct svm_vcpu *s)
{
	return s->vmcb->rax;
}

static inline void svm_set_rax(struct svm_vcpu *s, uint64_t v)
{
	s->vmcb->rax = v;
}

static inline uint64_t svm_edx_eax(const struct svm_vcpu *s)
{
	return s->regs.rdx << 32 | (uint32_t)s->vmcb->rax;
}

static inline void svm_set_edx_eax(struct svm_vcpu *s, uint64_t v)
{
	s->vmcb->rax = (uint32_t)v;
	s->regs.rdx = v >> 32;
}

/* General register by its number in x86 encodings (0 RAX .. 15 R15). */
uint64_t svm_reg(const struct svm_vcpu *s, unsigned n);
void svm_set_reg(struct svm_vcpu *s, unsigned n, uint64_t v);
/* After nested tables became more restrictive: the next entry on any CPU takes a new ASID. */
void svm_flush(struct svm_vcpu *s);

#endif
